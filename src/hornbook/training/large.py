"""Arrays too large to copy: samples are read and cast when a step needs them."""

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import numpy as np

SMALL_BYTES = 64 * 2**20  # smaller arrays are copied and padded
RESIDENT_BYTES = 2**30  # maximum size of a copy of arrays in memory
PIECE_BYTES = 32 * 2**20  # read at once from larger arrays and files
BLOCK_BYTES = PIECE_BYTES // 16  # samples of a file that are read together, shuffled or not
CHUNK_BYTES = 2**20
ALIGNMENT = 64  # of arrays that a CPU device takes without a copy
FILES = ("h5py", "zarr")  # libraries with arrays in files, read by slices


class Unread:
    """Samples of an array or of a data set in a file, read on demand.

    Args:
        source: has `shape` and `dtype`, and returns numpy arrays for slices.
        dtype: dtype to cast to.
        start, stop: range of samples, `stop` excluded.

    Example:
        >>> samples = Unread(np.arange(6.0).reshape(3, 2), np.dtype("float32"))
        >>> samples.part(1, 3)[:1], samples[np.array([2, 0])]
        (array([[2., 3.]], dtype=float32), array([[4., 5.],
               [0., 1.]], dtype=float32))
    """

    def __init__(self, source: Any, dtype: np.dtype, start: int = 0, stop: int | None = None):
        self.source, self.dtype, self.start = source, dtype, start
        count = (source.shape[0] if stop is None else stop) - start
        self.shape = (count, *source.shape[1:])
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of all samples after the cast."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def part(self, start: int, stop: int) -> "Unread":
        """A range of these samples, still unread."""
        return Unread(self.source, self.dtype, self.start + start, self.start + stop)

    def __getitem__(self, samples: slice | np.ndarray) -> np.ndarray:
        if isinstance(samples, slice):
            start, stop, _ = samples.indices(len(self))
            samples = range(start, max(start, stop))
        out = np.empty((len(samples), *self.shape[1:]), self.dtype)
        fill(out, self, samples)
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


def in_file(array: Any) -> bool:
    """Whether an array is in a file: a memory map, or a library's data set.

    Example:
        >>> in_file(np.memmap("x.bin", "float32", "w+", shape=(2, 3))[1:])
        True
    """
    if isinstance(array, Unread):
        return in_file(array.source)
    base = array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return read_by_slices(array)


def read_by_slices(array: Any) -> bool:
    """Whether it belongs to a library in `FILES`, which reads single samples slowly."""
    array = array.source if isinstance(array, Unread) else array
    return type(array).__module__.partition(".")[0] in FILES


def is_large_in_file(array: Any) -> bool:
    """Whether it is such an array, and too large to read whole."""
    return read_by_slices(array) and array.size * array.dtype.itemsize > SMALL_BYTES


def part_of(array: Any, start: int, stop: int) -> Any:
    """A range of samples; those of an `Unread` stay unread."""
    return array.part(start, stop) if isinstance(array, Unread) else array[start:stop]


def fill(out: np.ndarray, array: Any, samples: Any) -> None:
    """Copy samples of an array, given by indices or a range, to the start of `out`."""
    if isinstance(array, Unread):
        array, first = array.source, array.start
    else:
        first = 0
    if isinstance(samples, range):
        out[: len(samples)] = array[first + samples.start : first + samples.stop]
        return
    if read_by_slices(array):
        order = np.argsort(samples)
        sorted_samples = samples[order]
        edges = np.flatnonzero(np.diff(sorted_samples) != 1) + 1
        for begin, end in pairwise([0, *edges.tolist(), len(samples)]):
            start = first + int(sorted_samples[begin])
            out[order[begin:end]] = array[start : start + end - begin]
        return
    at_once = max(1, CHUNK_BYTES // max(1, out[:1].nbytes))
    for begin in range(0, len(samples), at_once):
        chosen = samples[begin : begin + at_once]
        out[begin : begin + len(chosen)] = array[chosen + first if first else chosen]


def may_be_copied(leaves: list, size: int, share: float) -> bool:
    """Whether to copy arrays to the device whole, rather than read them piece by piece.

    Args:
        leaves: the arrays.
        size: their bytes after the cast.
        share: the fraction of them that an epoch needs.
    """
    if size <= SMALL_BYTES or all(isinstance(leaf, jax.Array) for leaf in leaves):
        return True
    if share < 0.5:
        return False
    if jax.default_backend() != "cpu":
        return size <= free_on_device() // 2
    return size <= min(RESIDENT_BYTES, free_memory() // 4) and not any(map(in_file, leaves))


def free_memory() -> int:
    """Memory that this process may still allocate, in bytes, as far as the system reports it."""
    free = RESIDENT_BYTES * 4
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        if limit != "max":
            used = int(Path("/sys/fs/cgroup/memory.current").read_text())
            free = min(free, max(0, int(limit) - used))
    except (OSError, StopIteration, ValueError):
        pass
    return free


def free_on_device() -> int:
    """Free device memory in bytes, as far as the device reports it."""
    told = jax.devices()[0].memory_stats() or {}
    limit = told.get("bytes_limit", RESIDENT_BYTES * 4)
    return limit - told.get("bytes_in_use", 0)


def shuffled_by_blocks(samples: int, each: int, generator: np.random.Generator) -> np.ndarray:
    """A random order of blocks of consecutive samples, shuffled again within each piece.

    Args:
        samples: number of samples.
        each: bytes per sample.
        generator: source of randomness.
    """
    block = max(1, BLOCK_BYTES // each)
    starts = generator.permutation(-(-samples // block)) * block
    order = np.concatenate([np.arange(s, min(s + block, samples), dtype="int32") for s in starts])
    mixed = max(1, PIECE_BYTES // each)
    for first in range(0, samples, mixed):
        generator.shuffle(order[first : first + mixed])
    return order


def copied(array: Any, size: int) -> jax.Array:
    """A large array on the device, with room for `size` samples; copied at most once."""
    if isinstance(array, jax.Array):
        return array
    shape, samples = (size, *array.shape[1:]), len(array)
    if jax.default_backend() == "cpu":
        room = aligned(shape, array.dtype)
        fill(room, array, range(samples))
        room[samples:] = 0
        return jax.device_put(room)
    at_once = min(samples, max(1, PIECE_BYTES // max(1, array[:1].nbytes)))
    whole = jax.numpy.zeros(shape, array.dtype)
    for first in range(0, samples, at_once):
        start = min(first, samples - at_once)  # so that the last piece has the same size
        whole = _put(whole, array[start : start + at_once], start).block_until_ready()
    return whole


def aligned(shape: tuple, dtype: Any) -> np.ndarray:
    """An array that a CPU device uses without a copy."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(size + ALIGNMENT, "uint8")
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


@partial(jax.jit, donate_argnums=0)
def _put(whole, piece, start):
    return jax.lax.dynamic_update_slice_in_dim(whole, piece, start, 0)
