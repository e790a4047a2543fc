"""`tf.strings`, and lines of CSV files: on text and arrays of texts."""

import csv
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from hornbook.compat.tensorflow.tensors import tensor


def _each(function: Callable, text: Any) -> Any:
    """A function of each text in an array of them."""
    if isinstance(text, str | bytes):
        return function(_text(text))
    made = np.frompyfunc(lambda one: function(_text(one)), 1, 1)(np.asarray(text, object))
    return made if isinstance(made, str) else tensor(made)


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
    return tensor(np.asarray(sizes, "int32"))


def substr(input: Any, pos: int, len: int, unit: str = "BYTE", name: str | None = None) -> Any:
    """Parts of texts, from a position on."""
    return _each(lambda text: text[pos : pos + len], input)


def split(input: Any, sep: str | None = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """The parts of a text, or a list of those of each text."""
    if np.ndim(input):
        return [split(one, sep, maxsplit) for one in np.asarray(input, object)]
    text = _text(input if isinstance(input, str | bytes) else np.asarray(input).item())
    return tensor(np.array(text.split(sep, maxsplit), object))


def join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    """Texts joined, element by element."""
    parts = [np.asarray(one, object) for one in inputs]
    made = np.frompyfunc(lambda *some: separator.join(map(_text, some)), len(parts), 1)
    return made(*parts)


def decode_csv(records: Any, record_defaults: list, field_delim: str = ",", **_: Any) -> list:
    """The fields of a line of a CSV file, each in the dtype of its default.

    Args:
        records: the line.
        record_defaults: a value for each field that may be empty; an empty array for others.
        field_delim: what separates fields.

    Raises:
        ValueError: if the number of fields differs, or one without a default is empty.
    """
    line = records if isinstance(records, str) else np.asarray(records).item()
    fields = next(csv.reader([_text(line)], delimiter=field_delim))
    if len(fields) != len(record_defaults):
        raise ValueError(
            f"decode_csv: the line has {len(fields)} fields, and record_defaults "
            f"{len(record_defaults)}: {line!r}"
        )
    return [_field(*one) for one in enumerate(zip(fields, record_defaults, strict=True))]


def _field(number: int, both: tuple[str, Any]) -> Any:
    text, default = both
    values = np.ravel(np.asarray(default, None if not isinstance(default, str) else object))
    if not text:
        if not values.size:
            raise ValueError(f"decode_csv: field {number} is empty, and has no default")
        text = values[0]
    kind = values.dtype
    if kind.kind in "OUS":
        return str(text)
    given = hasattr(default, "dtype")
    narrow = {"f": np.float32, "i": np.int32}.get(kind.kind, kind.type)
    return (kind.type if given else narrow)(text)
