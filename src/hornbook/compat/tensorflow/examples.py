"""`tf.io.parse_example` and its features, and tensors as bytes."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from hornbook.compat.tensorflow import protos, ragged
from hornbook.compat.tensorflow.arrays import is_text
from hornbook.compat.tensorflow.debugging import InvalidArgumentError
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.files import content
from hornbook.compat.tensorflow.sparse import SparseTensor
from hornbook.compat.tensorflow.tensors import tensor
from hornbook.saving.policy import FileError

KINDS = {1: "bytes", 2: "float", 3: "int64"}  # of the lists in a Feature
NAMES = {"bytes": "string", "float": "float32", "int64": "int64"}
MISSING = "Name: <unknown>, Feature: {} (data type: {}) is required but could not be found."
WRONG_SIZE = (
    "Name: <unknown>, Key: {}. The feature has {} values, and FixedLenFeature expects {}: Can't "
    "parse serialized Example."
)
WRONG_KIND = "Name: <unknown>, Feature: {}.  Data types don't match. Expected type: {}, is: {}"


class FixedLenFeature(NamedTuple):
    """A feature with the same number of values in each example."""

    shape: Any
    dtype: Any
    default_value: Any = None


class FixedLenSequenceFeature(NamedTuple):
    """A feature with any number of entries of one shape; a batch is padded."""

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature with any number of values, read as a sparse array."""

    dtype: Any


class RaggedFeature(NamedTuple):
    """A feature with any number of values, read as rows of their lengths."""

    dtype: Any
    value_key: Any = None
    partitions: Any = ()
    row_splits_dtype: Any = "int32"
    validate: bool = False


class SparseFeature(NamedTuple):
    """Two features: the values and the positions of a sparse array."""

    index_key: Any
    value_key: str
    dtype: Any
    size: Any
    already_sorted: bool = False


# ---- the values in an example


def _of_feature(data: Any) -> tuple[str, Any]:
    """The kind and the values of a Feature."""
    kind, values = "", np.zeros(0)
    for number, wire, part in protos.fields(data):
        if number in KINDS and wire == protos.LENGTH:
            kind = KINDS[number]
            found = [(w, v) for n, w, v in protos.fields(part) if n == 1]
            if kind == "bytes":
                values = np.empty(len(found), object)
                values[:] = [bytes(v) for _, v in found]
            else:
                each = [protos.numbers(kind, *one) for one in found]
                values = (
                    each[0]
                    if len(each) == 1
                    else np.concatenate(
                        [np.zeros(0, kind if kind == "int64" else "float32"), *each]
                    )
                )
    return kind, values


def _entries(data: Any) -> Iterator[tuple[str, Any]]:
    """The keys and values of a map in a message."""
    for number, _, pair in protos.fields(data):
        if number == 1:
            found = {n: part for n, _, part in protos.fields(pair)}
            yield bytes(found.get(1, b"")).decode(), found.get(2, b"")


def _values_of(serialized: Any, wanted: set) -> dict[str, tuple[str, Any]]:
    """The values of the wanted features of an Example."""
    try:
        return {
            key: _of_feature(value)
            for number, _, part in protos.fields(content(serialized))
            if number == 1
            for key, value in _entries(part)
            if key in wanted
        }
    except (FileError, TypeError) as error:
        raise InvalidArgumentError(None, None, f"Could not parse example input: {error}") from None


def _checked(key: str, found: dict, dtype: Any) -> Any:
    """The values of a feature in its dtype; `None` if it is missing."""
    kind, values = found.get(key, ("", None))
    if not kind:
        return None
    if NAMES[kind] != as_dtype(dtype):
        raise InvalidArgumentError(None, None, WRONG_KIND.format(key, dtype, NAMES[kind]))
    return values


def _none(dtype: Any) -> np.ndarray:
    return np.zeros(0, as_dtype(dtype).as_numpy_dtype)


def _fixed(key: str, spec: FixedLenFeature, found: dict) -> Any:
    shape = tuple(int(size) for size in np.ravel(np.asarray(spec.shape, int)))
    values = _checked(key, found, spec.dtype)
    if values is None:
        if spec.default_value is None:
            raise InvalidArgumentError(None, None, MISSING.format(key, as_dtype(spec.dtype)))
        kind = as_dtype(spec.dtype).as_numpy_dtype
        values = np.asarray(spec.default_value, kind)
        return np.broadcast_to(values, shape) if values.size == 1 else values.reshape(shape)
    size = int(np.prod(shape))
    if len(values) != size:
        raise InvalidArgumentError(None, None, WRONG_SIZE.format(key, len(values), size))
    return values.reshape(shape)


def _sequence(key: str, spec: FixedLenSequenceFeature, found: dict) -> Any:
    values = _checked(key, found, spec.dtype)
    if values is None and not spec.allow_missing:
        raise InvalidArgumentError(None, None, MISSING.format(key, as_dtype(spec.dtype)))
    values = _none(spec.dtype) if values is None else values
    return values.reshape(-1, *(int(size) for size in spec.shape))


def _any_number(key: str, spec: Any, found: dict) -> Any:
    values = _checked(getattr(spec, "value_key", None) or key, found, spec.dtype)
    return _none(spec.dtype) if values is None else values


def _sparse(spec: SparseFeature, found: dict) -> SparseTensor:
    keys = [spec.index_key] if isinstance(spec.index_key, str) else list(spec.index_key)
    places = np.stack([_any_number(key, VarLenFeature("int64"), found) for key in keys], -1)
    values = _any_number(spec.value_key, VarLenFeature(spec.dtype), found)
    made = SparseTensor(places, values, np.ravel(spec.size))
    return made if spec.already_sorted else _ordered(made)


def _ordered(one: SparseTensor) -> SparseTensor:
    places = np.asarray(one.indices)
    order = np.lexsort(places.T[::-1])
    return SparseTensor(places[order], np.asarray(one.values)[order], one.dense_shape)


def _keys(features: dict) -> set:
    found = set(features)
    for spec in features.values():
        found |= {getattr(spec, "value_key", None)}
        index = getattr(spec, "index_key", None)
        found |= {index} if isinstance(index, str) else set(index or ())
    return found - {None}


def parse_single_example(
    serialized: Any, features: dict, example_names: Any = None, name: Any = None
) -> dict:
    """The features of an Example.

    Args:
        serialized: its bytes.
        features: a spec for each key: `FixedLenFeature`, `VarLenFeature` and others.
        example_names, name: ignored.

    Raises:
        InvalidArgumentError: if a feature is missing, or has other values.
    """
    found = _values_of(serialized, _keys(features))
    return {key: _single(key, spec, found) for key, spec in features.items()}


def _single(key: str, spec: Any, found: dict) -> Any:
    if isinstance(spec, FixedLenFeature):
        return tensor(_fixed(key, spec, found))
    if isinstance(spec, FixedLenSequenceFeature):
        return tensor(_sequence(key, spec, found))
    if isinstance(spec, SparseFeature):
        return _sparse(spec, found)
    values = _any_number(key, spec, found)
    if isinstance(spec, VarLenFeature):
        return SparseTensor(np.arange(len(values))[:, None], values, [len(values)])
    return tensor(values)


def parse_example(
    serialized: Any, features: dict, example_names: Any = None, name: Any = None
) -> dict:
    """The features of a batch of Examples; see `parse_single_example`."""
    if isinstance(serialized, str | bytes) or np.ndim(serialized) == 0:
        return parse_single_example(serialized, features)
    wanted = _keys(features)
    every = [_values_of(one, wanted) for one in np.ravel(np.asarray(serialized, object))]
    return {key: _batch(key, spec, every) for key, spec in features.items()}


def _batch(key: str, spec: Any, every: list) -> Any:
    if isinstance(spec, FixedLenFeature):
        return tensor(np.stack([_fixed(key, spec, found) for found in every]))
    if isinstance(spec, SparseFeature):
        parts = [_sparse(spec, found) for found in every]
        places = [np.insert(np.asarray(one.indices), 0, k, 1) for k, one in enumerate(parts)]
        values = np.concatenate([np.asarray(one.values) for one in parts])
        return SparseTensor(np.concatenate(places), values, (len(every), *np.ravel(spec.size)))
    if isinstance(spec, FixedLenSequenceFeature):
        rows = [_sequence(key, spec, found) for found in every]
        return tensor(_padded(rows, spec.default_value))
    rows = [_any_number(key, spec, found) for found in every]
    lengths = [len(row) for row in rows]
    flat = np.concatenate(rows)
    made = ragged.RaggedTensor.from_row_lengths(flat, lengths)
    return made.to_sparse() if isinstance(spec, VarLenFeature) else made


def _padded(rows: list, blank: Any) -> np.ndarray:
    longest = max(len(row) for row in rows)
    text = rows[0].dtype == "O"
    fill = (b"" if text else 0) if blank is None else blank
    made = np.full((len(rows), longest, *rows[0].shape[1:]), fill, rows[0].dtype)
    for place, row in zip(made, rows, strict=True):
        place[: len(row)] = row
    return made


def parse_single_sequence_example(
    serialized: Any,
    context_features: Any = None,
    sequence_features: Any = None,
    example_name: Any = None,
    name: Any = None,
) -> tuple[dict, dict]:
    """The context and the lists of features of a SequenceExample."""
    parts = {number: part for number, _, part in protos.fields(content(serialized))}
    context = dict(_entries(parts.get(1, b"")))
    found = {key: _of_feature(value) for key, value in context.items()}
    lists = {
        key: [_of_feature(part) for number, _, part in protos.fields(value) if number == 1]
        for key, value in _entries(parts.get(2, b""))
    }
    made = {key: _single(key, spec, found) for key, spec in (context_features or {}).items()}
    rows = {
        key: _steps(key, spec, lists.get(getattr(spec, "value_key", None) or key))
        for key, spec in (sequence_features or {}).items()
    }
    return made, rows


def _steps(key: str, spec: Any, steps: Any) -> Any:
    """The values of each step."""
    if steps is None:
        if isinstance(spec, FixedLenSequenceFeature) and not spec.allow_missing:
            raise InvalidArgumentError(None, None, MISSING.format(key, as_dtype(spec.dtype)))
        steps = []
    rows = [_any_number(key, VarLenFeature(spec.dtype), {key: one}) for one in steps]
    if isinstance(spec, FixedLenSequenceFeature):
        shape = tuple(int(size) for size in spec.shape)
        made = np.array([row.reshape(shape) for row in rows], as_dtype(spec.dtype).as_numpy_dtype)
        return tensor(made.reshape(len(rows), *shape))
    flat = np.concatenate([_none(spec.dtype), *rows])
    made = ragged.RaggedTensor.from_row_lengths(flat, [len(row) for row in rows])
    return made.to_sparse() if isinstance(spec, VarLenFeature) else made


# ---- tensors as bytes


def serialize_sparse(sp_input: SparseTensor, name: Any = None, out_type: Any = "string") -> Any:
    """A sparse tensor as three texts: its indices, its values and its shape."""
    parts = [sp_input.indices, sp_input.values, sp_input.dense_shape]
    texts = np.empty(3, object)
    texts[:] = [_proto(part, packed=True).SerializeToString() for part in parts]
    return host(texts)


def serialize_tensor(tensor: Any, name: str | None = None) -> Any:
    """A tensor as the bytes of a TensorProto."""
    return host(_proto(tensor).SerializeToString())


def _proto(tensor: Any, packed: bool = False) -> Any:
    """A TensorProto; `packed` puts text into one string too, after the lengths."""
    text = is_text(tensor)
    array = np.asarray(tensor, object if text else None)
    sizes = [protos.message("Dim")(size=size) for size in array.shape]
    made = protos.message("TensorProto")(
        dtype=protos.DTYPE_NUMBERS["string" if text else array.dtype.name],
        tensor_shape=protos.message("TensorShapeProto")(dim=sizes),
    )
    words = [content(one) for one in array.ravel()] if text else []
    if text and packed:
        made.tensor_content = b"".join([protos.to_varint(len(one)) for one in words] + words)
    elif text:
        made.string_val = words
    else:
        made.tensor_content = np.ascontiguousarray(array).tobytes()
    return made


host: Callable = tensor


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Any:
    """The tensor in the bytes of a TensorProto.

    Raises:
        InvalidArgumentError: if its dtype is another, or the bytes do not fill its shape.
    """
    return host(read_tensor(content(serialized), as_dtype(out_type).name))


def read_tensor(serialized: Any, wanted: str) -> np.ndarray:
    """A TensorProto as an array of a dtype; see `parse_tensor`."""
    proto = protos.message("TensorProto").FromString(serialized)
    dtype, field = protos.DTYPES.get(proto.dtype, ("an unknown dtype", ""))
    if dtype != wanted:
        raise InvalidArgumentError(
            None, None, f"Type mismatch: the tensor is {dtype}, not {wanted}"
        )
    shape = protos.shape_of(proto.tensor_shape)
    kind = as_dtype(dtype).as_numpy_dtype
    if proto.tensor_content:
        if len(proto.tensor_content) % np.dtype(kind).itemsize:
            raise InvalidArgumentError(None, None, f"{len(proto.tensor_content)} bytes of {dtype}")
        values: Any = np.frombuffer(proto.tensor_content, kind)
    else:
        values = np.array(getattr(proto, field) if field else [], kind)
    size = int(np.prod(shape, dtype=object))
    if len(values) != size and not (len(values) == 1 and size <= 1 << 24):
        raise InvalidArgumentError(None, None, f"{len(values)} values do not fill {shape}")
    if len(values) != size:
        values = np.broadcast_to(values, size)
    return values.reshape(shape)
