"""Static shapes of TensorFlow 1: sizes with `.value`, and the shape of unknown rank."""

from collections.abc import Iterable, Iterator
from typing import Any

NO_RANK = "as_list() is not defined on an unknown TensorShape."


class Dimension(int):
    """A known size, with TensorFlow's `.value`."""

    @property
    def value(self) -> int:
        """The size."""
        return int(self)


class UnknownDimension:
    """A size that is not known before a run."""

    value = None

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, UnknownDimension)

    def __hash__(self) -> int:
        return hash(None)

    def __repr__(self) -> str:
        return "Dimension(None)"

    __str__ = lambda self: "?"  # noqa: E731


class TensorShape(tuple):
    """A static shape: sizes, `None` where unknown.

    Example:
        >>> TensorShape([None, 3]).as_list(), TensorShape([2, 3])[1].value
        ([None, 3], 3)
    """

    ndims: Any = property(lambda self: len(self))
    rank = property(lambda self: self.ndims)

    def __new__(cls, dims: Any = None) -> "TensorShape":
        if cls is TensorShape and (dims is None or isinstance(dims, UnknownShape)):
            return tuple.__new__(UnknownShape)
        if isinstance(dims, int | Dimension):
            dims = (dims,)
        return tuple.__new__(cls, map(_size, dims or ()))

    @property
    def dims(self) -> Any:
        """The sizes with `.value`; `None` for an unknown rank."""
        return [self[k] for k in range(len(self))]

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if isinstance(key, slice):
            return TensorShape(found)
        return UnknownDimension() if found is None else Dimension(found)

    def as_list(self) -> list:
        """The sizes in a list.

        Raises:
            ValueError: for an unknown rank.
        """
        return list(self)

    def num_elements(self) -> int | None:
        """The number of elements; `None` if a size is unknown."""
        count = 1
        for size in self:
            if size is None:
                return None
            count *= size
        return count

    def is_fully_defined(self) -> bool:
        """Whether all sizes are known."""
        return None not in tuple(self)

    def concatenate(self, other: Any) -> "TensorShape":
        """These sizes and then others."""
        return TensorShape((*self, *TensorShape(other)))

    def is_compatible_with(self, other: Any) -> bool:
        """Whether a tensor may have both shapes."""
        other = TensorShape(other)
        if self.ndims is None or other.ndims is None:
            return True
        pairs = zip(tuple(self), tuple(other), strict=False)
        return len(self) == len(other) and all(a is None or b is None or a == b for a, b in pairs)

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raise unless a tensor may have both shapes.

        Raises:
            ValueError: if the shapes differ.
        """
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {TensorShape(other)} are incompatible")

    def merge_with(self, other: Any) -> "TensorShape":
        """What is known from either shape.

        Raises:
            ValueError: if the shapes differ.
        """
        other = TensorShape(other)
        self.assert_is_compatible_with(other)
        if self.ndims is None or other.ndims is None:
            return other if self.ndims is None else self
        pairs = zip(tuple(self), tuple(other), strict=True)
        return TensorShape([b if a is None else a for a, b in pairs])

    def with_rank(self, rank: int) -> "TensorShape":
        """The shape, which must have this many axes."""
        return self.merge_with([None] * rank)

    def assert_has_rank(self, rank: int) -> None:
        """Raise unless the shape may have this many axes."""
        self.merge_with([None] * rank)

    def __str__(self) -> str:
        sizes = ["?" if size is None else str(size) for size in self]
        return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"

    def __repr__(self) -> str:
        return f"TensorShape([{', '.join(str(size) for size in tuple(self))}])"


class UnknownShape(TensorShape):
    """The shape of a tensor whose rank is not known before a run."""

    ndims = None
    dims = property(lambda self: None)

    def as_list(self) -> list:
        """Raise: nothing is known."""
        raise ValueError(NO_RANK)

    def num_elements(self) -> None:
        """`None`: nothing is known."""
        return None

    def is_fully_defined(self) -> bool:
        """Whether all sizes are known: no."""
        return False

    def __getitem__(self, key: Any) -> Any:
        return UnknownShape() if isinstance(key, slice) else UnknownDimension()

    def __iter__(self) -> Iterator:
        raise ValueError("Cannot iterate over a shape with unknown rank.")

    def __str__(self) -> str:
        return "<unknown>"

    def __repr__(self) -> str:
        return "TensorShape(None)"


def _size(size: Any) -> int | None:
    if size is None or isinstance(size, UnknownDimension):
        return None
    return None if int(size) < 0 else int(size)


def known(sizes: Iterable) -> bool:
    """Whether all sizes are known."""
    return all(size is not None for size in sizes)
