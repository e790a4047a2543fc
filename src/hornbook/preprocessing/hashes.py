"""Portable hashes of byte strings: FarmHash fingerprints and SipHash.

They equal TensorFlow's, so that the bins of Keras models stay valid. Strings of the same length are
hashed together: a column of the array is a position in the strings.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

K0, K1, K2 = (np.uint64(k) for k in (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))
CROSS = np.uint64(0xC6A4A7935BD1E995)
CROSS_SEED = np.uint64(0xDECAFCAFFE)
SIP = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def fingerprint64(values: list[bytes]) -> np.ndarray:
    """The 64-bit FarmHash of each string, `farmhashna::Hash64`.

    Args:
        values: N strings.

    Returns:
        uint64 (N,).

    Example:
        >>> (fingerprint64([b"A", b"B", b"C"]) % np.uint64(3)).tolist()
        [1, 0, 1]
    """
    return _by_length(values, _farm)


def siphash24(values: list[bytes], key: tuple[int, int]) -> np.ndarray:
    """SipHash-2-4 of each string, with a key of two integers; uint64 (N,).

    Example:
        >>> (siphash24([b"A", b"B", b"C"], (133, 137)) % np.uint64(3)).tolist()
        [1, 2, 1]
    """
    return _by_length(values, lambda text, length: _sip(text, length, key))


def bins(values: list[bytes], count: int, key: tuple[int, int] | None = None) -> np.ndarray:
    """The hash bin of each string, 0 to `count - 1`, int64 (N,).

    Args:
        values: N strings.
        count: number of bins.
        key: the SipHash key; without one, FarmHash is used.
    """
    found = fingerprint64(values) if key is None else siphash24(values, key)
    return (found % np.uint64(count)).astype("int64")


def cross(columns: list[np.ndarray], seed: np.uint64 = CROSS_SEED) -> np.ndarray:
    """The hash of each row of several columns.

    Args:
        columns: uint64 (N,) each: fingerprints of strings, or integers.
        seed: the hash of no columns.

    Returns:
        uint64 (N,).
    """
    found = np.full(columns[0].shape, seed)
    for column in columns:
        found = (found ^ CROSS) ^ _mixed(column * CROSS) * CROSS
        found = _mixed(_mixed(found * CROSS) * CROSS)
    return found


def _by_length(values: list[bytes], fn: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    """Apply `fn(bytes (K, length), length)` per string length, to unique strings."""
    numbers: dict[bytes, int] = {}
    places = np.fromiter((numbers.setdefault(v, len(numbers)) for v in values), "int64")
    lengths = np.fromiter(map(len, numbers), "int64", len(numbers))
    unique = list(numbers)
    found = np.empty(len(unique), "uint64")
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        text = np.frombuffer(b"".join([unique[row] for row in rows]), "uint8")
        found[rows] = fn(text.reshape(len(rows), length), length)
    return found[places]


def _word(text: np.ndarray, at: int, size: int = 8) -> np.ndarray:
    """The little-endian unsigned integer in some bytes of each string."""
    piece = np.ascontiguousarray(text[:, at : at + size])
    return piece.view(f"<u{size}")[:, 0].astype("uint64")


def _turned(x: np.ndarray, bits: int) -> np.ndarray:
    return (x >> np.uint64(bits)) | (x << np.uint64(64 - bits))


def _mixed(x: np.ndarray) -> np.ndarray:
    return x ^ (x >> np.uint64(47))


# ---- FarmHash


def _of_two(u: Any, v: Any, mul: Any) -> Any:
    a = _mixed((u ^ v) * mul)
    return _mixed((v ^ a) * mul) * mul


def _farm(s: np.ndarray, n: int) -> np.ndarray:
    if n > 64:
        return _farm_long(s, n)
    if n > 32:
        return _farm_to_64(s, n)
    mul = K2 + np.uint64(2 * n)
    if n > 16:
        x, y = _two_sums(s, n, mul)
        return _of_two(x, y, mul)
    if n >= 8:
        a, b = _word(s, 0) + K2, _word(s, n - 8)
        return _of_two(_turned(b, 37) * mul + a, (_turned(a, 25) + b) * mul, mul)
    if n >= 4:
        first = np.uint64(n) + (_word(s, 0, 4) << np.uint64(3))
        return _of_two(first, _word(s, n - 4, 4), mul)
    if n:
        y = _word(s, 0, 1) + (_word(s, n >> 1, 1) << np.uint64(8))
        z = np.uint64(n) + (_word(s, n - 1, 1) << np.uint64(2))
        return _mixed(y * K2 ^ z * K0) * K2
    return np.full(len(s), K2)


def _two_sums(s: np.ndarray, n: int, mul: Any, k: Any = K1) -> tuple[np.ndarray, np.ndarray]:
    a, b = _word(s, 0) * k, _word(s, 8)
    c, d = _word(s, n - 8) * mul, _word(s, n - 16) * K2
    return _turned(a + b, 43) + _turned(c, 30) + d, a + _turned(b + K2, 18) + c


def _farm_to_64(s: np.ndarray, n: int) -> np.ndarray:
    mul = K2 + np.uint64(2 * n)
    y, last = _two_sums(s, n, mul, K2)
    z = _of_two(y, last, mul)
    e, f = _word(s, 16) * mul, _word(s, 24)
    g, h = (y + _word(s, n - 32)) * mul, (z + _word(s, n - 24)) * mul
    x = _turned(e + f, 43) + _turned(g, 30) + h
    return _of_two(x, e + _turned(f + _word(s, 0) * K2, 18) + g, mul)


def _farm_long(s: np.ndarray, n: int) -> np.ndarray:
    seed = np.full(len(s), 81, "uint64")
    x = seed * K2 + _word(s, 0)
    y = seed * K1 + np.uint64(113)
    z = _mixed(y * K2 + np.uint64(113)) * K2
    v = w = (np.zeros_like(x), np.zeros_like(x))
    for at in range(0, (n - 1) // 64 * 64, 64):
        x, y, z, v, w = _block(s, at, x, y, z, v, w, K1, 1)
    mul = K1 + ((z & np.uint64(0xFF)) << np.uint64(1))
    first = w[0] + np.uint64((n - 1) & 63)
    v = (v[0] + first, v[1])
    w = (first + v[0], w[1])
    x, y, z, v, w = _block(s, n - 64, x, y, z, v, w, mul, 9)
    a = _of_two(v[0], w[0], mul) + _mixed(y) * K0 + z
    return _of_two(a, _of_two(v[1], w[1], mul) + x, mul)


def _block(s: Any, at: int, x: Any, y: Any, z: Any, v: Any, w: Any, mul: Any, by: int) -> tuple:
    """Mix in 64 bytes; `by` distinguishes the last block, which may overlap the one before."""
    by = np.uint64(by)
    x = _turned(x + y + v[0] + _word(s, at + 8), 37) * mul
    y = _turned(y + v[1] + _word(s, at + 48), 42) * mul
    x = x ^ (w[1] * by)
    y = y + v[0] * by + _word(s, at + 40)
    z = _turned(z + w[0], 33) * mul
    v = _weak(s, at, v[1] * mul, x + w[0])
    w = _weak(s, at + 32, z + w[1], y + _word(s, at + 16))
    return z, y, x, v, w


def _weak(s: np.ndarray, at: int, a: Any, b: Any) -> tuple:
    w, x, y, z = (_word(s, at + 8 * i) for i in range(4))
    a = a + w
    b = _turned(b + a + z, 21)
    c = a
    a = a + x + y
    return a + z, b + _turned(a, 44) + c


# ---- SipHash


def _sip(s: np.ndarray, n: int, key: tuple[int, int]) -> np.ndarray:
    keys = [np.uint64(key[i % 2] & (2**64 - 1)) for i in range(4)]
    state = [np.full(len(s), np.uint64(c)) ^ k for c, k in zip(SIP, keys, strict=True)]
    padded = np.zeros((len(s), n // 8 * 8 + 8), "uint8")
    padded[:, :n] = s
    padded[:, -1] = n & 0xFF
    for at in range(0, padded.shape[1], 8):
        word = _word(padded, at)
        state[3] = state[3] ^ word
        state = _sip_rounds(state, 2)
        state[0] = state[0] ^ word
    state[2] = state[2] ^ np.uint64(0xFF)
    a, b, c, d = _sip_rounds(state, 4)
    return a ^ b ^ c ^ d


def _sip_rounds(state: list, count: int) -> list:
    a, b, c, d = state
    for _ in range(count):
        a, c = a + b, c + d
        b, d = _turned(b, 64 - 13) ^ a, _turned(d, 64 - 16) ^ c
        a = _turned(a, 32)
        c, a = c + b, a + d
        b, d = _turned(b, 64 - 17) ^ c, _turned(d, 64 - 21) ^ a
        c = _turned(c, 32)
    return [a, b, c, d]
