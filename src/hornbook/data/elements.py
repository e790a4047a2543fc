"""Elements of a `Dataset`: nested tuples and dictionaries of arrays, converted, stacked and cut."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.core.dtype import standardize_dtype


def apply(function: Callable, *structures: Any) -> Any:
    """Apply a function to the leaves of structures of tuples and dicts; a list is a leaf.

    Example:
        >>> apply(sum, ([1, 2], {"a": [3]}))
        (3, {'a': 3})
    """
    first = structures[0]
    if isinstance(first, dict):
        return {key: apply(function, *(one[key] for one in structures)) for key in first}
    if isinstance(first, tuple):
        made = [apply(function, *places) for places in zip(*structures, strict=True)]
        return type(first)(*made) if hasattr(first, "_fields") else tuple(made)
    return function(*structures)


@dataclass(frozen=True)
class TensorSpec:
    """A shape and a dtype, as in `element_spec` and `output_signature` of a `Dataset`.

    Args:
        shape: sizes; `None` where they differ between elements.
        dtype: name of the dtype, or the dtype.
        name: a name.

    Example:
        >>> keras.data.TensorSpec((None, 2))
        TensorSpec(shape=(None, 2), dtype='float32', name=None)
    """

    shape: Any = ()
    dtype: Any = "float32"
    name: str | None = None


def spec_of(leaf: Any, is_batch: bool = False) -> Any:
    """The `TensorSpec` of a leaf of an element, whose first size is `None` in a batch."""
    if leaf is None or hasattr(leaf, "cardinality"):
        return leaf
    dtype = getattr(leaf, "dtype", None)
    shape = tuple(np.shape(leaf))
    shape = (None, *shape[1:]) if is_batch and shape else shape
    return TensorSpec(shape, "string" if dtype is None or dtype.kind in "OUS" else dtype.name)


def leaves(structure: Any) -> list:
    """The leaves of an element in order."""
    found: list = []
    apply(found.append, structure)
    return found


def rebuild(structure: Any, values: Sequence) -> Any:
    """The structure with other leaves."""
    rest = iter(values)
    return apply(lambda _: next(rest), structure)


def as_element(value: Any) -> Any:
    """A value as an element, with numpy leaves.

    Args:
        value: arrays of any library, numbers, strings and lists, nested in tuples and dicts. Python
            numbers become float32 and int32.

    Example:
        >>> as_element(([1.0, 2.0], 3))
        (array([1., 2.], dtype=float32), np.int32(3))
    """
    return apply(_as_leaf, value)


def _as_leaf(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value if value.ndim else value[()]
    if (
        value is None
        or isinstance(value, np.generic | str | bytes)
        or hasattr(value, "cardinality")
        or hasattr(value, "row_splits")
        or hasattr(value, "dense_shape")
    ):
        return value  # windows are data sets; ragged and sparse tensors stay what they are
    return as_array(value)[()]


def as_array(value: Any, what: str = "the element") -> np.ndarray:
    """An array-like as a numpy array; text has dtype object.

    Raises:
        ValueError: for a list of unequal lengths.
    """
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except ValueError as error:
        raise ValueError(
            f"Dataset: {what} is a list whose parts have different shapes ({error}); pad them to "
            "one length, or pass a tuple for several arrays"
        ) from None
    if array.dtype.kind in "US":
        return array.astype(object)
    if hasattr(value, "dtype") or _holds_arrays(value):
        return array
    if array.dtype.kind == "f":
        return array.astype("float32")
    small = array.dtype.kind == "i" and array.size and np.abs(array).max() < 2**31
    return array.astype("int32") if small else array


def _holds_arrays(value: Any) -> bool:
    while isinstance(value, list) and value:
        value = value[0]
    return hasattr(value, "dtype")


def stack(elements: Sequence) -> Any:
    """Elements of one structure as one batch.

    Raises:
        ValueError: if their structures or shapes differ.

    Example:
        >>> stack([(np.arange(2), "a"), (np.arange(2), "b")])
        (array([[0, 1],
               [0, 1]]), array(['a', 'b'], dtype=object))
    """
    try:
        return apply(_stacked, *elements)
    except (KeyError, TypeError, ValueError) as error:
        raise _different(elements) or error from None


def _stacked(*parts: Any) -> Any:
    first = parts[0]
    if isinstance(first, str | bytes):
        return np.array(parts, dtype=object)
    if first is None:
        return None
    shape, dtype = first.shape, first.dtype
    if any(part.shape != shape for part in parts):
        raise ValueError
    if any(part.dtype != dtype for part in parts):
        return np.stack(parts)
    if not shape:
        return np.array(parts, dtype)
    batch = np.empty((len(parts), *shape), dtype)
    for i, part in enumerate(parts):
        batch[i] = part
    return batch


def stack_ragged(elements: Sequence) -> Any:
    """Elements of one structure as one batch; arrays that differ in shape as an array of arrays."""
    return apply(_ragged, *elements)


def _ragged(*parts: Any) -> Any:
    if not all(np.ndim(part) for part in parts):
        return _stacked(*parts)
    batch = np.empty(len(parts), dtype=object)
    for i, part in enumerate(parts):
        batch[i] = part
    return batch


def describe(element: Any) -> str:
    """The structure and shapes of an element, for messages."""
    return str(apply(_Form, element))


class _Form:
    """A leaf whose `repr` is its dtype and shape."""

    def __init__(self, leaf: Any):
        dtype = getattr(leaf, "dtype", type(leaf).__name__)
        self.text = f"{dtype}{list(leaf.shape) if getattr(leaf, 'shape', ()) else ''}"

    def __repr__(self) -> str:
        return self.text


def _different(elements: Sequence) -> ValueError | None:
    """The error for elements that do not fit into a batch; `None` if all look alike."""
    first = describe(elements[0])
    for number, element in enumerate(elements):
        if describe(element) != first:
            return ValueError(
                f"Dataset.batch: element {number} of a batch is {describe(element)}, and the first "
                f"is {first}. Make them alike with map, or pad them with padded_batch"
            )
    return None


def pad(elements: Sequence, shapes: Any = None, values: Any = None) -> Any:
    """Elements as one batch, padded at the end of each axis.

    Args:
        elements: of one structure.
        shapes: the structure with shapes for leaves, in which `None` or -1 means the longest in the
            batch; `None` for all sizes.
        values: the structure with padding values, or one for all; default 0, or "" for text.

    Raises:
        ValueError: if an element is larger than its shape, or has another number of axes.
    """
    first = elements[0]
    count = len(leaves(first))
    shaped = [None] * count if shapes is None else spread(shapes, first, count)
    filled = [None] * count if values is None else spread(values, first, count)
    columns = zip(*map(leaves, elements), strict=True)
    padded = [_padded(*one) for one in zip(columns, shaped, filled, strict=True)]
    return rebuild(first, padded)


def spread(values: Any, structure: Any, count: int) -> list:
    """The leaves of `values`, which stop where those of `structure` do; or one for all."""
    if count == 1 and not isinstance(structure, tuple | dict):
        return [values]
    if not isinstance(values, tuple | dict) or len(values) != len(structure):
        return [values] * count
    found: list = []

    def go(value: Any, part: Any) -> None:
        if isinstance(part, dict):
            for key in part:
                go(value[key], part[key])
        elif isinstance(part, tuple):
            for one, inner in zip(value, part, strict=True):
                go(one, inner)
        else:
            found.append(value)

    go(values, structure)
    return found


def _padded(parts: Sequence, shape: Any, value: Any) -> np.ndarray:
    if isinstance(parts[0], str | bytes):
        return np.array(parts, dtype=object)
    shapes = [part.shape for part in parts]
    if len({len(one) for one in shapes}) > 1:
        raise ValueError(f"Dataset.padded_batch: elements have different axes, shapes {shapes}")
    longest = [max(sizes) for sizes in zip(*shapes, strict=True)]
    asked = [None] * len(longest) if shape is None else [None if s == -1 else s for s in shape]
    if len(asked) != len(longest) or any(
        a is not None and a < s for a, s in zip(asked, longest, strict=False)
    ):
        raise ValueError(
            f"Dataset.padded_batch: elements of shapes up to {tuple(longest)} do not fit into "
            f"padded_shapes {shape}; cut them with map first"
        )
    full = [s if a is None else a for a, s in zip(asked, longest, strict=True)]
    dtype = parts[0].dtype
    fill = value if value is not None else "" if dtype.kind == "O" else 0
    batch = np.full((len(parts), *full), fill, dtype)
    for row, part in zip(batch, parts, strict=True) if full else ():
        row[tuple(map(slice, part.shape))] = part
    return batch if full else np.array(parts, dtype)


def rows(structure: Any, start: int = 0) -> Iterator[Any]:
    """The elements of arrays: slices along the first axis, from number `start` on."""
    arrays = leaves(structure)
    slices = zip(*(array[start:] for array in arrays), strict=True)
    if not isinstance(structure, tuple | dict):
        return (one for (one,) in slices)
    flat = type(structure) is tuple and not any(isinstance(p, tuple | dict) for p in structure)
    return slices if flat else (rebuild(structure, values) for values in slices)


def count_rows(structure: Any, what: str) -> int:
    """The number of rows that all arrays share.

    Raises:
        ValueError: if they differ, or an array has no axis.
    """
    sizes = [np.shape(leaf)[0] if np.ndim(leaf) else None for leaf in leaves(structure)]
    if not sizes or None in sizes or len(set(sizes)) > 1:
        raise ValueError(
            f"{what}: all arrays need one length along the first axis; got {describe(structure)}"
        )
    return sizes[0]  # type: ignore[return-value]


def cast(element: Any, types: Any, shapes: Any) -> Any:
    """A generator's element with own arrays, of the dtypes and shapes that were declared.

    Raises:
        ValueError: if a shape differs.
    """
    found = leaves(element)
    dtypes = spread(types, element, len(found))
    asked = spread(shapes, element, len(found))
    for leaf, shape in zip(found, asked, strict=True):
        has = np.shape(leaf)
        if shape is not None and not _matches(has, tuple(shape)):
            raise ValueError(
                f"Dataset.from_generator: an element is {describe(element)}; the shape {has} "
                f"should be {tuple(shape)}"
            )
    return rebuild(element, [_own(*one) for one in zip(found, dtypes, strict=True)])


def _matches(has: tuple, asked: tuple) -> bool:
    same = zip(has, asked, strict=False)
    return len(has) == len(asked) and all(a in (None, -1, h) for h, a in same)


def _own(leaf: Any, dtype: Any) -> Any:
    """A copy, since a generator may reuse its buffer."""
    if isinstance(leaf, str | bytes) or leaf is None:
        return leaf
    name = None if dtype is None else standardize_dtype(dtype)
    return np.array(leaf, leaf.dtype if name in (None, "string") else name)[()]


def locked(leaf: Any) -> Any:
    """An array that cannot be written, because later passes read it again."""
    if isinstance(leaf, np.ndarray):
        leaf.flags.writeable = False
    return leaf
