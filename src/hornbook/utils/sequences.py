"""Sequences of unequal lengths as one array."""

from collections.abc import Iterable
from typing import Any

import numpy as np


def pad_sequences(
    sequences: Iterable[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences cut and filled up to one length.

    Args:
        sequences: lists or arrays; each step a number, or an array of one shape.
        maxlen: the length; default that of the longest.
        dtype: of the result; `object` for strings.
        padding: `"pre"` or `"post"`: on which side short ones are filled.
        truncating: `"pre"` or `"post"`: on which side long ones are cut.
        value: what they are filled with.

    Returns:
        An array `(number of sequences, maxlen, ...)`.

    Raises:
        ValueError: for an unknown side, something that has no length, or steps of unequal shapes.

    Example:
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
        array([[0, 1],
               [2, 3],
               [5, 6]], dtype=int32)
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name} is 'pre' or 'post', not {side!r}")
    if not isinstance(sequences, Iterable):
        raise ValueError(f"pad_sequences: sequences is {sequences!r}, not a list of them")
    rows = list(sequences)
    for i, row in enumerate(rows):
        if not hasattr(row, "__len__"):
            raise ValueError(f"pad_sequences: sequences[{i}] is {row!r}, which has no length")
    length = max(map(len, rows), default=0) if maxlen is None else maxlen
    inner = next((np.asarray(row).shape[1:] for row in rows if len(row)), ())
    if isinstance(value, str) and np.dtype(dtype).kind not in "OUS":
        raise ValueError(f"pad_sequences: the value {value!r} is text; pass dtype=object")
    padded = np.full((len(rows), length, *inner), value, dtype=dtype)
    for i, row in enumerate(rows):
        kept = row[len(row) - min(length, len(row)) :] if truncating == "pre" else row[:length]
        steps = np.asarray(kept, dtype=dtype)
        if not len(steps):
            continue
        if steps.shape[1:] != inner:
            raise ValueError(
                f"pad_sequences: the steps of sequences[{i}] have shape {steps.shape[1:]}, those "
                f"before it {inner}"
            )
        place = slice(length - len(steps), None) if padding == "pre" else slice(len(steps))
        padded[i, place] = steps
    return padded
