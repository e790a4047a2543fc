"""The wire format of protocol buffers; lengths are checked against the bytes that there are."""

from collections.abc import Iterator
from typing import Any

from hornbook.saving.policy import FileError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
BROKEN = "damaged: it is no message of protocol buffers ({})"


def varint(data: Any, at: int) -> tuple[int, int]:
    """The number that starts at a place, and the place after it."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise FileError(BROKEN.format("a number does not end"))
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value & (1 << 64) - 1, at


def fields(data: Any) -> Iterator[tuple[int, int, Any]]:
    """The fields of a message: number, wire type, and an integer or a part of the bytes."""
    data, at = memoryview(data), 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        if wire == VARINT:
            value, at = varint(data, at)
            yield tag >> 3, wire, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(wire)
        if wire == LENGTH:
            size, at = varint(data, at)
        if size is None or size > len(data) - at:
            raise FileError(BROKEN.format(f"a field of type {wire} is longer than the message"))
        yield tag >> 3, wire, data[at : at + size]
        at += size
