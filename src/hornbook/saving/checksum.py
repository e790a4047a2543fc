"""CRC-32C, the checksum of TensorFlow's files."""

import functools
from typing import Any

import numpy as np

POLYNOMIAL = 0x82F63B78  # CRC-32C, reflected
DELTA = 0xA282EAD8  # of masked checksums


@functools.cache
def _table() -> np.ndarray:
    found = np.arange(256, dtype="uint32")
    for _ in range(8):
        found = (found >> 1) ^ np.where(found & 1, np.uint32(POLYNOMIAL), np.uint32(0))
    return found


@functools.cache
def _numbers() -> list[int]:
    return _table().tolist()


@functools.cache
def _after_zeros(count: int) -> list[list[int]]:
    """For each byte of a checksum, what `count` zero bytes make of it."""
    state = (np.arange(256, dtype="uint32") << np.arange(0, 32, 8, dtype="uint32")[:, None]).ravel()
    for _ in range(count):
        state = _table()[state & 255] ^ (state >> 8)
    return state.reshape(4, 256).tolist()


def crc32c(value: Any) -> int:
    """The CRC-32C of bytes.

    Long ones are cut into pieces that are read side by side; checksums are linear, so they are put
    together afterwards.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    array = np.frombuffer(value, "uint8")
    size = 1 << max(5, int(len(array) ** 0.5 / 2).bit_length()) if len(array) >= 256 else 0
    rest = len(array) % size if size else len(array)
    state, table = 0xFFFFFFFF, _numbers()
    for byte in array[:rest].tolist():
        state = table[(state ^ byte) & 255] ^ state >> 8
    if size:
        pieces = array[rest:].reshape(-1, size)
        found = np.zeros(len(pieces), "uint32")
        for column in pieces.T:
            found = _table()[(found ^ column) & 255] ^ (found >> 8)
        one, two, three, four = _after_zeros(size)
        for piece in found.tolist():
            state = (
                one[state & 255]
                ^ two[state >> 8 & 255]
                ^ three[state >> 16 & 255]
                ^ four[state >> 24]
                ^ piece
            )
    return state ^ 0xFFFFFFFF


def masked(value: Any) -> int:
    """The checksum as files have it."""
    found = crc32c(value)
    return ((found >> 15 | found << 17) + DELTA) & 0xFFFFFFFF
