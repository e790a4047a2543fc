"""Protocol buffers: the wire format, and the messages of TensorFlow's files as one table of fields.

Lengths are checked against the bytes that there are, and no message contains itself, so reading
takes memory in proportion to the input.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from hornbook.saving.policy import FileError
from hornbook.saving.wire import BROKEN, FIXED32, FIXED64, LENGTH, VARINT, fields

# Kind -> wire type, numpy dtype.
NUMBERS: dict[str, tuple[int, Any]] = {
    "int64": (VARINT, np.dtype("int64")),
    "int32": (VARINT, np.dtype("int32")),
    "uint64": (VARINT, np.dtype("uint64")),
    "bool": (VARINT, np.dtype("bool")),
    "float": (FIXED32, np.dtype("<f4")),
    "double": (FIXED64, np.dtype("<f8")),
    "fixed32": (FIXED32, np.dtype("<u4")),
}
# Message -> field number -> name, kind, how often: `"one"`, `"many"`, or a `"map"` from text.
MESSAGES: dict[str, dict[int, tuple[str, str, str]]] = {
    "BytesList": {1: ("value", "bytes", "many")},
    "FloatList": {1: ("value", "float", "many")},
    "Int64List": {1: ("value", "int64", "many")},
    "Feature": {
        1: ("bytes_list", "BytesList", "one"),
        2: ("float_list", "FloatList", "one"),
        3: ("int64_list", "Int64List", "one"),
    },
    "Features": {1: ("feature", "Feature", "map")},
    "FeatureList": {1: ("feature", "Feature", "many")},
    "FeatureLists": {1: ("feature_list", "FeatureList", "map")},
    "Example": {1: ("features", "Features", "one")},
    "SequenceExample": {
        1: ("context", "Features", "one"),
        2: ("feature_lists", "FeatureLists", "one"),
    },
    "Dim": {1: ("size", "int64", "one")},
    "TensorShapeProto": {2: ("dim", "Dim", "many"), 3: ("unknown_rank", "bool", "one")},
    "TensorProto": {
        1: ("dtype", "int32", "one"),
        2: ("tensor_shape", "TensorShapeProto", "one"),
        4: ("tensor_content", "bytes", "one"),
        5: ("float_val", "float", "many"),
        6: ("double_val", "double", "many"),
        7: ("int_val", "int32", "many"),
        8: ("string_val", "bytes", "many"),
        10: ("int64_val", "int64", "many"),
        11: ("bool_val", "bool", "many"),
        17: ("uint64_val", "uint64", "many"),
    },
    "BundleHeaderProto": {1: ("num_shards", "int32", "one"), 2: ("endianness", "int32", "one")},
    "BundleEntryProto": {
        1: ("dtype", "int32", "one"),
        2: ("shape", "TensorShapeProto", "one"),
        3: ("shard_id", "int32", "one"),
        4: ("offset", "int64", "one"),
        5: ("size", "int64", "one"),
        6: ("crc32c", "fixed32", "one"),
    },
    "ObjectReference": {1: ("node_id", "int32", "one"), 2: ("local_name", "bytes", "one")},
    "SerializedTensor": {
        1: ("name", "bytes", "one"),
        2: ("full_name", "bytes", "one"),
        3: ("checkpoint_key", "bytes", "one"),
    },
    "SlotVariableReference": {
        1: ("original_variable_node_id", "int32", "one"),
        2: ("slot_name", "bytes", "one"),
        3: ("slot_variable_node_id", "int32", "one"),
    },
    "TrackableObject": {
        1: ("children", "ObjectReference", "many"),
        2: ("attributes", "SerializedTensor", "many"),
        3: ("slot_variables", "SlotVariableReference", "many"),
    },
    "TrackableObjectGraph": {1: ("nodes", "TrackableObject", "many")},
}


# ---- the wire format


def to_varint(value: int) -> bytes:
    """A number as bytes; negative ones in 64 bits."""
    value &= (1 << 64) - 1
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def numbers(kind: str, wire: int, value: Any) -> np.ndarray:
    """The numbers in a field, one or many packed."""
    own, dtype = NUMBERS[kind]
    if wire == VARINT:
        return np.array([value], "uint64").astype("int64").astype(dtype)
    if own == VARINT:
        return _varints(np.frombuffer(value, "uint8")).astype(dtype)
    if len(value) % dtype.itemsize:
        raise FileError(BROKEN.format("packed numbers of another size"))
    return np.frombuffer(value, dtype)


def _varints(data: np.ndarray) -> np.ndarray:
    """Packed numbers, all at once."""
    if not len(data):
        return np.zeros(0, "int64")
    ends = np.flatnonzero(data < 128)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if data[-1] >= 128 or lengths.max() > 10:
        raise FileError(BROKEN.format("a packed number does not end"))
    shifts = (np.arange(len(data)) - np.repeat(starts, lengths)).astype("uint64") * np.uint64(7)
    parts = (data & 127).astype("uint64") << shifts
    return np.add.reduceat(parts, starts).view("int64")


def _packed(kind: str, values: Any) -> bytes:
    wire, dtype = NUMBERS[kind]
    if wire == VARINT:
        return b"".join(to_varint(int(one)) for one in values)
    return np.asarray(values, dtype).tobytes()


def _field(number: int, data: bytes) -> bytes:
    return to_varint(number << 3 | LENGTH) + to_varint(len(data)) + data


# ---- messages


class _Map(dict):
    """A map from text to messages, which are made when they are first asked for."""

    def __init__(self, kind: str):
        super().__init__()
        self._kind = kind

    def __missing__(self, key: str) -> Any:
        self[key] = message(self._kind)()
        return self[key]


class Message:
    """A message of the table; its fields are attributes.

    Args:
        **given: values of fields.

    Example:
        >>> Int64List = message("Int64List")
        >>> Int64List(value=[1, 300]).SerializeToString()
        b'\\n\\x03\\x01\\xac\\x02'
        >>> Int64List.FromString(b'\\n\\x03\\x01\\xac\\x02').value
        [1, 300]
    """

    TABLE: dict[int, tuple[str, str, str]] = {}

    def __init__(self, **given: Any):
        for name, kind, count in self.TABLE.values():
            value = given.pop(name, None)
            if count == "map":
                made: Any = _Map(kind)
                made.update(value or {})
                vars(self)[name] = made
            elif count == "many":
                many = [] if value is None else list(value)
                vars(self)[name] = [_checked(kind, one) for one in many]
            elif value is not None:
                vars(self)[name] = _checked(kind, value)
        if given:
            raise ValueError(f"{type(self).__name__} has no field {sorted(given)[0]!r}")

    def __getattr__(self, name: str) -> Any:
        for known, kind, _ in self.TABLE.values():
            if known == name:
                made = message(kind)() if kind in MESSAGES else b"" if kind == "bytes" else 0
                if kind in MESSAGES:
                    vars(self)[name] = made
                return made
        raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    def HasField(self, name: str) -> bool:
        """Whether a single field is set."""
        return name in vars(self)

    def WhichOneof(self, group: str) -> str | None:
        """The field that is set, of those of which one can be."""
        names = [name for name, _, _ in self.TABLE.values() if name in vars(self)]
        filled = [name for name in names if vars(self)[name].ByteSize()]
        return next(iter(filled or names), None)

    def SerializeToString(self, deterministic: bool = True) -> bytes:
        """The message as bytes."""
        made = []
        for number, (name, kind, count) in self.TABLE.items():
            value = vars(self).get(name)
            if value is None or (count != "one" and not value):
                continue
            if count == "map":
                pairs = ((key.encode(), one.SerializeToString()) for key, one in value.items())
                made += [_field(number, _field(1, k) + _field(2, one)) for k, one in sorted(pairs)]
            elif kind in MESSAGES or kind == "bytes":
                many = value if count == "many" else [value]
                made += [
                    _field(number, one if kind == "bytes" else one.SerializeToString())
                    for one in many
                ]
            elif count == "many":
                made.append(_field(number, _packed(kind, value)))
            else:
                made.append(to_varint(number << 3 | NUMBERS[kind][0]) + _packed(kind, [value]))
        return b"".join(made)

    def ByteSize(self) -> int:
        """The number of bytes of the message."""
        return len(self.SerializeToString())

    def ParseFromString(self, serialized: Any) -> int:
        """Read a message from bytes, in place.

        Raises:
            FileError: if they are none.
        """
        vars(self).clear()
        Message.__init__(self)
        return self.MergeFromString(serialized)

    def MergeFromString(self, serialized: Any) -> int:
        """Read further fields from bytes."""
        data = serialized.item() if hasattr(serialized, "item") else serialized
        for number, wire, value in fields(data):
            name, kind, count = self.TABLE.get(number, ("", "", ""))
            if not name:
                continue
            if kind in MESSAGES and wire == LENGTH:
                if count == "map":
                    pair = {key: part for key, _, part in fields(value)}
                    key, value = bytes(pair.get(1, b"")).decode(), pair.get(2, b"")
                one = message(kind)()
                one.MergeFromString(value)
                if count == "map":
                    vars(self)[name][key] = one
                    continue
            elif kind == "bytes" and wire == LENGTH:
                one = bytes(value)
            elif kind in NUMBERS and wire in (LENGTH, NUMBERS[kind][0]):
                many = numbers(kind, wire, value).tolist()
                if count == "many":
                    vars(self)[name] += many
                elif many:
                    vars(self)[name] = many[-1]
                continue
            else:
                raise FileError(BROKEN.format(f"{name} has the wire type {wire}"))
            if count == "many":
                vars(self)[name].append(one)
            else:
                vars(self)[name] = one
        return len(data)

    @classmethod
    def FromString(cls, serialized: Any) -> Any:
        """A message from bytes."""
        made = cls()
        made.MergeFromString(serialized)
        return made

    def CopyFrom(self, other: "Message") -> None:
        """Take over another message."""
        self.ParseFromString(other.SerializeToString())

    def __eq__(self, other: object) -> bool:
        same = type(other) is type(self)
        return same and other.SerializeToString() == self.SerializeToString()  # type: ignore

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self._lines())

    __repr__ = __str__

    def _lines(self) -> Iterator[str]:
        for name, _, count in self.TABLE.values():
            value = vars(self).get(name)
            if value is None:
                continue
            if count == "map":
                for key in sorted(value):
                    inner = [f"key: {_shown(key.encode())}", *_nested("value", value[key])]
                    yield from [f"{name} {{", *(f"  {line}" for line in inner), "}"]
                continue
            for one in value if count == "many" else [value]:
                if isinstance(one, Message):
                    yield from _nested(name, one)
                else:
                    yield f"{name}: {_shown(one)}"


def _nested(name: str, one: Message) -> list[str]:
    return [f"{name} {{", *(f"  {line}" for line in one._lines()), "}"]


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        named = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\"}
        return (
            '"'
            + "".join(named.get(k, chr(k) if 32 <= k < 127 else f"\\{k:03o}") for k in value)
            + '"'
        )
    if isinstance(value, float):
        return (
            f"{np.float32(value):.9g}"
            if float(np.float32(value)) != value
            else (np.format_float_positional(np.float32(value), trim="-"))
        )
    return str(value).lower() if isinstance(value, bool) else str(value)


def _checked(kind: str, value: Any) -> Any:
    """A value as a field holds it.

    Raises:
        TypeError: if it is of another kind.
    """
    if kind in MESSAGES:
        if not isinstance(value, Message) or type(value).__name__ != kind:
            raise TypeError(f"a field of {kind} got {value!r}")
        return value
    if kind == "bytes":
        value = value.numpy() if hasattr(value, "numpy") else value
        if not isinstance(value, bytes | bytearray):
            raise TypeError(
                f"{value!r} has type {type(value).__name__}, but expected one of: bytes"
            )
        return bytes(value)
    array = np.asarray(value)
    whole = kind not in ("float", "double")
    if array.ndim or array.dtype.kind not in ("iub" if whole else "iubf"):
        raise TypeError(
            f"{value!r} has type {type(value).__name__}, but expected one of: "
            + ("int" if whole else "int, float")
        )
    if kind == "float":
        return float(np.float32(array))
    return array.item()


_classes: dict[str, type] = {}


def message(name: str) -> Any:
    """The class of a message of the table."""
    if name not in _classes:
        _classes[name] = type(name, (Message,), {"TABLE": MESSAGES[name]})
    return _classes[name]


BytesList, FloatList, Int64List, Feature, Features, FeatureList, FeatureLists = map(
    message, "BytesList FloatList Int64List Feature Features FeatureList FeatureLists".split()
)
Example, SequenceExample = message("Example"), message("SequenceExample")


# ---- tensors

# Number of a dtype -> its name, and the field of its values where they are not raw bytes.
DTYPES: dict[int, tuple[str, str]] = {
    1: ("float32", "float_val"),
    2: ("float64", "double_val"),
    3: ("int32", "int_val"),
    4: ("uint8", "int_val"),
    5: ("int16", "int_val"),
    6: ("int8", "int_val"),
    7: ("string", "string_val"),
    9: ("int64", "int64_val"),
    10: ("bool", "bool_val"),
    14: ("bfloat16", ""),
    17: ("uint16", "int_val"),
    19: ("float16", ""),
    22: ("uint32", "uint64_val"),
    23: ("uint64", "uint64_val"),
}
DTYPE_NUMBERS = {name: number for number, (name, _) in DTYPES.items()}


def shape_of(proto: Any) -> tuple[int, ...]:
    """The sizes in a `TensorShapeProto`."""
    return tuple(int(one.size) for one in proto.dim)
