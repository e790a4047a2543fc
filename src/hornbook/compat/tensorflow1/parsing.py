"""Functions of files and of their contents, which run between compiled programs."""

from typing import Any

import numpy as np

from hornbook.compat.tensorflow import examples, files, strings
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.applying import Spec, constant, convert
from hornbook.compat.tensorflow1.host import hosted
from hornbook.core.symbolic import SymbolicTensor

NO_SPARSE = "tf.{}: feature {!r} is {}; in a graph only FixedLenFeature is supported. Parse the \
records before, or in a data set of tf.keras"


def _text(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) and not value.ndim else value


def decode_csv(
    records: Any,
    record_defaults: Any,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    name: Any = None,
    na_value: str = "",
    select_cols: Any = None,
) -> list:
    """`tf.decode_csv`: a tensor for each field of lines, in the dtype of its default."""
    records = convert(records)
    defaults = [
        one if isinstance(one, SymbolicTensor) else constant(one) for one in record_defaults
    ]
    kinds = [as_dtype(one.dtype) for one in defaults]
    values = [np.asarray(one.data, kind.as_numpy_dtype) for one, kind in zip(defaults, kinds)]

    def fields(lines: Any) -> list:
        rows = [
            strings.decode_csv(_text(line), values, field_delim)
            for line in np.ravel(np.asarray(lines, object))
        ]
        shape = np.shape(np.asarray(lines, object))
        columns = zip(*rows, strict=True)
        return [_column(column, kind, shape) for column, kind in zip(columns, kinds, strict=True)]

    return list(
        hosted(fields, (records,), [Spec(records.shape, k) for k in kinds], "DecodeCSV", name)
    )


def _column(values: Any, kind: Any, shape: tuple) -> np.ndarray:
    if kind == "string":
        made = np.empty(len(values), object)
        texts = (_text(np.asarray(one, object)) for one in values)
        made[:] = [one.encode() if isinstance(one, str) else one for one in texts]
        return made.reshape(shape)
    return np.asarray([np.ravel(one)[0] for one in values], kind.as_numpy_dtype).reshape(shape)


def _parsed(function: Any, called: str, lead: tuple) -> Any:
    def parse(serialized: Any, features: dict, name: Any = None, example_names: Any = None) -> dict:
        for key, spec in features.items():
            if not isinstance(spec, examples.FixedLenFeature):
                raise NotImplementedError(NO_SPARSE.format(called, key, type(spec).__name__))
        keys = list(features)
        specs = [Spec((*lead, *features[key].shape), features[key].dtype) for key in keys]

        def values(content: Any) -> list:
            found = function(_text(content), features)
            return [_plain(found[key]) for key in keys]

        made = hosted(values, (convert(serialized),), specs, "ParseExample", name)
        return dict(zip(keys, made, strict=True))

    parse.__name__, parse.__doc__ = called, f"`tf.{called}`: a tensor for each feature."
    return parse


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "US":
        return array
    return np.frompyfunc(lambda one: one.encode(), 1, 1)(np.asarray(array, object))


parse_single_example = _parsed(examples.parse_single_example, "parse_single_example", ())
parse_example = _parsed(examples.parse_example, "parse_example", (None,))


def decode_raw(
    bytes: Any = None, out_type: Any = None, little_endian=True, name: Any = None, **old
):
    """`tf.decode_raw`: numbers from their bytes, along a new last axis."""
    given = convert(old.get("input_bytes", bytes))
    shape = None if given.shape.ndims is None else (*given.shape, None)

    def numbers(content: Any) -> Any:
        return files.decode_raw(_text(content), out_type, little_endian)

    return hosted(numbers, (given,), Spec(shape, out_type), "DecodeRaw", name)


def read_file(filename: Any, name: Any = None) -> Any:
    """`tf.read_file`: the content of a file."""

    def content(path: Any) -> Any:
        with open(files.path_of(_text(path)), "rb") as file:
            return file.read()

    return hosted(content, (convert(filename),), Spec((), "string"), "ReadFile", name)


def decode_image(contents: Any, channels: int = 0, name: Any = None, **options: Any) -> Any:
    """`tf.image.decode_jpeg` and its siblings: a picture, (rows, columns, channels)."""
    dtype = options.get("dtype") or np.uint8

    def picture(content: Any) -> Any:
        return files.decode_image(_text(content), channels or 0, dtype)

    spec = Spec((None, None, channels or None), np.dtype(as_dtype(dtype).as_numpy_dtype).name)
    return hosted(picture, (convert(contents),), spec, "DecodeImage", name)
