"""`tf.strings`, and lines of CSV files: on text and arrays of texts."""

import csv
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from hornbook.compat.tensorflow.debugging import InvalidArgumentError
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.ragged import RaggedTensor, from_rows
from hornbook.compat.tensorflow.tensors import tensor
from hornbook.preprocessing.hashes import bins


def _each(function: Callable, text: Any) -> Any:
    """A function of each text in an array of them."""
    if isinstance(text, RaggedTensor):
        return text.with_values(_each(function, text.values))
    if isinstance(text, str | bytes):
        return function(_text(text))
    made = np.frompyfunc(lambda one: function(_text(one)), 1, 1)(np.asarray(text, object))
    return made if isinstance(made, str) else tensor(made)


def _as(found: Any, dtype: Any) -> Any:
    """What was computed from each text, as an array of a dtype."""
    if isinstance(found, RaggedTensor):
        return found.with_values(_as(found.values, dtype))
    return tensor(np.asarray(found, dtype))


def _text(one: Any) -> str:
    return one.decode() if isinstance(one, bytes) else str(one)


def lower(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """Texts in lower case; only ASCII's letters unless `encoding` is `"utf-8"`."""
    if encoding:
        return _each(str.lower, input)
    return _each(lambda text: text.encode().lower().decode(), input)


def upper(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """Texts in upper case; only ASCII's letters unless `encoding` is `"utf-8"`."""
    if encoding:
        return _each(str.upper, input)
    return _each(lambda text: text.encode().upper().decode(), input)


def strip(input: Any, name: str | None = None) -> Any:
    """Texts without white space at their ends."""
    return _each(str.strip, input)


def regex_replace(
    input: Any, pattern: str, rewrite: str, replace_global: bool = True, name: str | None = None
) -> Any:
    """Texts in which a pattern is replaced; `\\\\1` in `rewrite` is the first group."""
    found = re.compile(pattern)
    return _each(lambda text: found.sub(rewrite, text, 0 if replace_global else 1), input)


def length(input: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """The lengths of texts, in bytes or in characters (`unit="UTF8_CHAR"`)."""
    sizes = _each(lambda text: len(text if unit == "UTF8_CHAR" else text.encode()), input)
    return _as(sizes, "int32")


def substr(input: Any, pos: int, len: int, unit: str = "BYTE", name: str | None = None) -> Any:
    """Parts of texts, from a position on."""
    return _each(lambda text: text[pos : pos + len], input)


def split(input: Any, sep: str | None = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """The parts of a text, or those of each text as rows."""
    return _taken_apart(lambda text: np.array(text.split(sep, maxsplit), object), input)


def _taken_apart(parts: Callable, input: Any) -> Any:
    """The parts of a text as a tensor, or those of each text as rows."""
    if np.ndim(input):
        return from_rows([_taken_apart(parts, one) for one in np.asarray(input, object)])
    text = input if isinstance(input, str | bytes) else np.asarray(input).item()
    return tensor(parts(_text(text)))


def join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    """Texts joined, element by element."""
    inputs = list(inputs)
    like = next((one for one in inputs if isinstance(one, RaggedTensor)), None)
    if like is not None:
        flat = [one if isinstance(one, str | bytes) else like._like_flat(one) for one in inputs]
        return like.with_flat_values(join(flat, separator))
    parts = [np.asarray(one, object) for one in inputs]
    made = np.frompyfunc(lambda *some: separator.join(map(_text, some)), len(parts), 1)
    return tensor(made(*parts))


def unicode_split(
    input: Any,
    input_encoding: str = "UTF-8",
    errors: str = "replace",
    name: str | None = None,
    **_: Any,
) -> Any:
    """The characters of a text, or of each text as rows."""
    return _taken_apart(lambda text: np.array(list(text), object), input)


bytes_split = unicode_split


def unicode_decode(
    input: Any,
    input_encoding: str = "UTF-8",
    errors: str = "replace",
    name: str | None = None,
    **_: Any,
) -> Any:
    """The code points of a text, or of each text as rows."""
    return _taken_apart(lambda text: np.array([*map(ord, text)], "int32"), input)


def unicode_encode(
    input: Any,
    output_encoding: str = "UTF-8",
    errors: str = "replace",
    name: str | None = None,
    **_: Any,
) -> Any:
    """Texts from rows of code points."""
    rows = list(input) if isinstance(input, RaggedTensor) or np.ndim(input) > 1 else None
    if rows is None:
        return tensor("".join(map(chr, np.asarray(input).tolist())))
    return tensor(np.array(["".join(map(chr, np.asarray(row).tolist())) for row in rows], object))


def to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Any:
    """A number for each text, from its hash; TensorFlow's numbers."""
    texts = np.asarray(input, object)
    found = bins([_text(one).encode() for one in texts.ravel()], int(num_buckets))
    return tensor(found.reshape(texts.shape))


def as_string(input: Any, precision: int = -1, scientific: bool = False, **_: Any) -> Any:
    """Numbers as texts."""
    array = np.asarray(input)
    if array.dtype.kind == "f":
        form = f"%.{6 if precision < 0 else precision}{'e' if scientific else 'f'}"
        return _made(np.frompyfunc(lambda one: form % one, 1, 1)(array))
    if array.dtype.kind == "b":
        return _made(np.frompyfunc(lambda one: str(one).lower(), 1, 1)(array))
    return _made(np.frompyfunc(str, 1, 1)(array))


def _made(texts: Any) -> Any:
    return texts if isinstance(texts, str) else tensor(texts)


def to_number(input: Any, out_type: Any = "float32", name: str | None = None) -> Any:
    """Texts as numbers."""
    kind = as_dtype(out_type).as_numpy_dtype
    return tensor(
        np.asarray(_each(float if kind in (np.float32, np.float64) else int, input), kind)
    )


def regex_full_match(input: Any, pattern: str, name: str | None = None) -> Any:
    """Whether a pattern matches a whole text."""
    found = re.compile(pattern)
    return _as(_each(lambda text: bool(found.fullmatch(text)), input), bool)


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: Any = None
) -> Any:
    """Texts joined along an axis; by default all of them."""
    array = np.asarray(inputs, object)
    if axis is None:
        made = np.array(separator.join(map(_text, array.ravel())), object)
        return tensor(made.reshape((1,) * array.ndim) if keepdims else made)
    rows = np.moveaxis(array, axis, -1)
    made = np.empty(rows.shape[:-1], object)
    for place in np.ndindex(made.shape):
        made[place] = separator.join(map(_text, rows[place]))
    return tensor(np.expand_dims(made, axis) if keepdims else made)


def format(template: str, inputs: Any, placeholder: str = "{}", **_: Any) -> Any:
    """A text with values in the place of its placeholders."""
    values = inputs if isinstance(inputs, list | tuple) else [inputs]
    for one in values:
        shown = _text(one) if np.asarray(one).dtype.kind in "OUS" and not np.ndim(one) else one
        template = template.replace(placeholder, str(np.asarray(shown)), 1)
    return tensor(template)


def decode_csv(records: Any, record_defaults: list, field_delim: str = ",", **_: Any) -> list:
    """The fields of lines of a CSV file, each in the dtype of its default and the lines' shape.

    Args:
        records: a line, or an array of lines.
        record_defaults: a value for each field that may be empty; an empty array for others.
        field_delim: what separates fields.

    Raises:
        InvalidArgumentError: if the number of fields differs, or one without a default is empty.
    """
    lines = np.asarray(records, object)
    texts = [_text(line) for line in lines.ravel().tolist()]
    rows = list(csv.reader(texts, delimiter=field_delim))
    for line, fields in zip(texts, rows, strict=True):
        if len(fields) != len(record_defaults):
            raise InvalidArgumentError(
                None,
                None,
                f"decode_csv: the line has {len(fields)} fields, and record_defaults "
                f"{len(record_defaults)}: {line!r}",
            )
    columns = enumerate(zip(zip(*rows, strict=True), record_defaults, strict=True))
    return [tensor(_column(*one).reshape(lines.shape)) for one in columns]


def _column(number: int, both: tuple[tuple, Any]) -> np.ndarray:
    texts, default = both
    values = np.ravel(np.asarray(default, None if not isinstance(default, str) else object))
    if not all(texts):
        if not values.size:
            told = f"decode_csv: field {number} is empty, and has no default"
            raise InvalidArgumentError(None, None, told)
        texts = tuple(text or values[0] for text in texts)
    kind = values.dtype
    if kind.kind in "OUS":
        return np.array([_text(text) for text in texts], object)
    given = hasattr(default, "dtype")
    return np.array(texts, kind if given else {"f": "float32", "i": "int32"}.get(kind.kind, kind))
