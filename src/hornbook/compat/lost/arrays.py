"""numpy and h5py: old defaults, and dropped functions."""

import functools
import random as python_random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.compat.python2 import is_local
from hornbook.core import tree
from hornbook.core.random import set_random_seed
from hornbook.datasets.reading import read_npy, read_npz

REFUSED = "np.load: {error}. If you trust the file, say allow_pickle=True"


class Archive:
    """A `.npz` file; object arrays are read too if they hold plain data.

    Args:
        path: the file.
        archive: numpy's object.
    """

    def __init__(self, path: Path, archive: Any):
        self.path = path
        self.archive = archive

    def __getattr__(self, name: str) -> Any:
        return getattr(self.archive, name)

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self.archive[name]
        except ValueError:
            return _plain(lambda: read_npz(self.path)[name.removesuffix(".npy")])

    def __iter__(self):
        return iter(self.archive)

    def __len__(self) -> int:
        return len(self.archive)

    def __contains__(self, name: object) -> bool:
        return name in self.archive

    def __enter__(self):
        return self

    def __exit__(self, *error: object) -> None:
        self.archive.close()


def reading_objects(original: Callable) -> Callable:
    """`np.load`, which read object arrays: here plain data only, without running code.

    Args:
        original: today's function.
    """

    @functools.wraps(original)
    def load(file, mmap_mode=None, allow_pickle=None, *args, **options):
        if allow_pickle is not None or not isinstance(file, str | Path):
            return original(file, mmap_mode, bool(allow_pickle), *args, **options)
        try:
            found = original(file, mmap_mode, False, *args, **options)
        except ValueError as error:
            if "Object arrays" not in str(error):
                raise
            return _plain(lambda: read_npy(Path(file).read_bytes()))
        return Archive(Path(file), found) if isinstance(found, np.lib.npyio.NpzFile) else found

    return load


def _plain(read: Any) -> Any:
    try:
        return read()
    except Exception as error:
        raise ValueError(REFUSED.format(error=error)) from None


def of_iterators(stack: Callable) -> Callable:
    """`np.stack` and its kind of an iterator: `np.stack(f(row) for row in rows)`.

    Args:
        stack: today's function.
    """

    @functools.wraps(stack)
    def call(arrays, *args, **kwargs):
        return stack(list(arrays) if isinstance(arrays, Iterator) else arrays, *args, **kwargs)

    return call


def of_lists(original: Callable) -> Callable:
    """`np.array`, which made an object array from ragged lists.

    This holds for calls from the program; libraries get today's error.

    Args:
        original: today's `np.array` or `np.asarray`.
    """

    @functools.wraps(original)
    def array(*args, **options):
        try:
            return original(*args, **options)
        except ValueError as error:
            theirs = is_local(sys._getframe(1).f_code.co_filename)
            if not theirs or "inhomogeneous" not in str(error) or args[1:] or "dtype" in options:
                raise
            return original(*args, dtype=object, **options)

    return array


class Single(np.ndarray):
    """An array that converts to a number if it has one element, as arrays did up to NumPy 2.3.

    Example:
        >>> float(np.array([[0.5]]).view(Single)), np.ones(2).view(Single)
        (0.5, array([1., 1.]))
    """

    def __float__(self) -> float:
        return float(self.item()) if self.size == 1 else super().__float__()

    def __int__(self) -> int:
        return int(self.item()) if self.size == 1 else super().__int__()

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """A result; numbers are no arrays."""
        return array[()] if return_scalar else array.view(Single)


def of_size_one(predict: Callable) -> Callable:
    """`predict`, whose arrays convert to a number if they have one element.

    Args:
        predict: today's method.
    """

    @functools.wraps(predict)
    def call(*args, **kwargs):
        return tree.map_structure(
            lambda one: one.view(Single) if type(one) is np.ndarray else one,
            predict(*args, **kwargs),
        )

    return call


def random_integers(low: int, high: int | None = None, size: Any = None) -> Any:
    """`np.random.random_integers`: `high` is included."""
    low, high = (1, low) if high is None else (low, high)
    return np.random.randint(low, high + 1, size)


def asscalar(a: np.ndarray) -> Any:
    """`np.asscalar`."""
    return np.asarray(a).item()


def asfarray(a: Any, dtype: Any = np.float64) -> np.ndarray:
    """`np.asfarray`."""
    return np.asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)


def msort(a: Any) -> np.ndarray:
    """`np.msort`."""
    return np.sort(a, axis=0)


value = property(lambda dataset: dataset[()], doc="`dataset.value` of h5py.")


def without_loader(original: Callable) -> Callable:
    """`yaml.load` without a loader: reads plain data.

    Args:
        original: today's function.
    """

    @functools.wraps(original)
    def load(stream, Loader=None):
        import yaml

        return original(stream, Loader or yaml.SafeLoader)

    return load


def find_common_type(array_types: Any, scalar_types: Any) -> np.dtype:
    """`np.find_common_type`."""
    return np.result_type(*array_types, *scalar_types)


NINF = -np.inf


def seeding_all(seed: Callable) -> Callable:
    """`np.random.seed`, which also seeds weights, batches and dropout, once drawn by numpy.

    Args:
        seed: numpy's function.
    """

    @functools.wraps(seed)
    def seeds_all(value: Any = None) -> None:
        if isinstance(value, int | np.integer) and not seeding:
            before = python_random.getstate()
            seeding.append(value)
            try:
                set_random_seed(int(value))
            finally:
                seeding.clear()
                python_random.setstate(before)
        seed(value)

    seeding: list = []
    return seeds_all
