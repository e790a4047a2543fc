"""Hashing and HashedCrossing: values to hash bins, without a vocabulary."""

from typing import Any

import numpy as np

from hornbook.core.settings import floatx
from hornbook.core.symbolic import SymbolicTensor
from hornbook.layers.arguments import positive
from hornbook.layers.host import HostLayer, is_text
from hornbook.preprocessing import hashes
from hornbook.preprocessing.encoding import encode, encoded_shape, only_dense
from hornbook.preprocessing.index_lookup import as_bytes, salt_of

ALIKE = (
    "layer {!r} takes a list of two or more inputs of the same shape, (samples,) or (samples, 1); "
    "it got {}"
)


class Hashing(HostLayer):
    """Hashes strings or integers into bins: `hash(value) % num_bins`. It runs on the host.

    The bins equal TensorFlow's on all machines: the hash is the FarmHash fingerprint of the string,
    or of the integer's digits.

    Args:
        num_bins: number of bins, including that of `mask_value`.
        mask_value: the value for missing inputs: bin 0, which no other value gets.
        salt: one or two integers; the hash is then SipHash.
        output_mode: `"int"`: the bin of each value; `"one_hot"`, `"multi_hot"`, `"count"`: vectors,
            see `StringLookup`.
        sparse: must be `False`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Hashing(num_bins=3)([["A"], ["B"], ["C"]]).tolist()
        [[1], [0], [1]]
    """

    takes = "value"

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ):
        self.output_mode = _mode(type(self), output_mode, ("int", "one_hot", "multi_hot", "count"))
        kwargs["dtype"] = _dtype(kwargs.get("dtype"), self.output_mode)
        super().__init__(**kwargs)
        self.num_bins = positive("num_bins", num_bins, self)
        only_dense(self, sparse)
        self.mask_value, self.salt, self.sparse = mask_value, salt_of(self, salt), sparse
        if self.output_mode == "int" and "int" not in self.compute_dtype:
            raise ValueError(f"dtype of Hashing must be an integer, not {self.compute_dtype!r}")

    def call(self, inputs: np.ndarray) -> np.ndarray:
        values = inputs.astype("int64") if inputs.dtype.kind == "f" else inputs
        masked = self.mask_value is not None and self.num_bins > 1
        flat = [as_bytes(value) for value in values.ravel().tolist()]
        found = hashes.bins(flat, self.num_bins - masked, self.salt).reshape(inputs.shape)
        if masked:
            found = np.where(inputs == self.mask_value, 0, found + 1)
        return encode(found, self.output_mode, self.num_bins, self.compute_dtype)

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        shape = encoded_shape(tuple(inputs.shape), self.output_mode, self.num_bins)
        return SymbolicTensor(shape, self.compute_dtype)

    def get_config(self) -> dict:
        """Constructor arguments as plain data."""
        salt = None if self.salt is None else list(self.salt)
        return super().get_config() | {"salt": salt, "dtype": self.dtype_policy.name}


class HashedCrossing(HostLayer):
    """Hashes crosses of values into bins: `hash(value, other) % num_bins`. It runs on the host.

    Args:
        num_bins: number of bins.
        output_mode: `"int"`: the bin of each cross; `"one_hot"`: a vector.
        sparse: must be `False`.

    Input: a list of strings or integers (N,) or (N, 1); output: int of this shape, or (N,
    num_bins).

    Example:
        >>> import hornbook as keras
        >>> cross = keras.layers.HashedCrossing(num_bins=5)
        >>> cross((np.array(["A", "B", "A"]), np.array([101, 101, 102]))).tolist()
        [1, 4, 3]
    """

    takes = "category"
    several = True

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        self.output_mode = _mode(type(self), output_mode, ("int", "one_hot"))
        super().__init__(name=name, dtype=_dtype(dtype, self.output_mode), **kwargs)
        self.num_bins = positive("num_bins", num_bins, self)
        only_dense(self, sparse)
        self.sparse = sparse

    def call(self, inputs: list[np.ndarray]) -> np.ndarray:
        self._check_alike(inputs)
        found = hashes.cross([_words_of(column.ravel()) for column in inputs])
        bins = (found % np.uint64(self.num_bins)).astype("int64").reshape(inputs[0].shape)
        return encode(bins, self.output_mode, self.num_bins, self.compute_dtype)

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        self._check_alike(inputs)
        shape = encoded_shape(tuple(inputs[0].shape), self.output_mode, self.num_bins)
        return SymbolicTensor(shape, self.compute_dtype)

    def _check_alike(self, inputs: Any) -> None:
        shapes = [tuple(one.shape) for one in inputs] if isinstance(inputs, list | tuple) else []
        first = shapes[0] if shapes else ()
        flat = len(first) < 2 or (len(first) == 2 and first[1] == 1)
        if len(shapes) < 2 or not flat or any(shape != first for shape in shapes):
            raise ValueError(ALIKE.format(self.name, shapes or inputs))

    def get_config(self) -> dict:
        """Constructor arguments as plain data."""
        return super().get_config() | {"dtype": self.dtype_policy.name}


def _mode(cls: type, mode: str, allowed: tuple[str, ...]) -> str:
    if mode not in allowed:
        raise ValueError(f"output_mode of {cls.__name__} is one of {', '.join(allowed)}")
    return mode


def _dtype(dtype: Any, mode: str) -> Any:
    return dtype or ("int64" if mode == "int" else floatx())


def _words_of(column: np.ndarray) -> np.ndarray:
    """64 bits per value: fingerprints of strings, integers unchanged."""
    if is_text(column):
        return hashes.fingerprint64([as_bytes(value) for value in column.tolist()])
    return column.astype("int64").view("uint64")
