"""Layers that learn from data what they do: `adapt`, over any data, a batch at a time."""

import itertools
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np

from hornbook.core.errors import door

ROWS = 2**16  # of an array, looked at together: one in a file is never read whole
SHOWN_AFTER, SHOWN_EVERY = 2.0, 0.2  # seconds

NO_DATA = "layer {!r} ({}) was given no data to adapt to"


class Adapting:
    """What a layer has that learns from data: `adapt`, on three methods of its own.

    A subclass writes `reset_state()`, `update_state(data)` for a batch and `finalize_state()`.

    Attributes:
        columns: whether single values in rows get an axis, so that each is a sample.
    """

    name: str
    columns = True

    @door
    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn from data, anew.

        Args:
            data: an array or a list with a sample in each row; or what gives batches: a generator,
                a `PyDataset`, a loader, any iterable. Of batches `(x, y)` x alone is looked at.
                Arrays in files are read piece by piece.
            steps: at most so many batches; needed for what never ends.
        """
        self.reset_state()
        number = 0
        with _Progress(self.name, _count(data, steps)) as progress:
            for number, batch in enumerate(itertools.islice(self.batches(data), steps), 1):
                self.update_state(batch)
                progress.show(number)
        if not number:
            raise ValueError(NO_DATA.format(self.name, type(self).__name__))
        self.finalize_state()

    def batches(self, data: Any) -> Iterator[Any]:
        """Batches of any data."""
        return batches(data, self.columns)

    def reset_state(self) -> None:
        """Forget what was learnt."""
        raise NotImplementedError

    def update_state(self, data: Any) -> None:
        """Look at a batch."""
        raise NotImplementedError

    def finalize_state(self) -> None:
        """Use what was learnt from now on."""
        raise NotImplementedError


def is_array(data: Any) -> bool:
    """Whether data are samples in rows, rather than what gives batches."""
    if isinstance(data, list | tuple) and data and getattr(data[0], "shape", ()):
        return False  # a list of arrays is one of batches
    if isinstance(data, list | tuple | str | bytes | np.ndarray | jax.Array):
        return True
    return hasattr(data, "__array__") or hasattr(data, "iloc") or not isinstance(data, Iterable)


def batches(data: Any, columns: bool = True) -> Iterator[Any]:
    """Batches of any data; see `Adapting.adapt`.

    Args:
        data: the data.
        columns: whether single values in rows get an axis.
    """
    if not is_array(data):
        for batch in data:
            if isinstance(batch, tuple) or (isinstance(batch, list) and hasattr(batch[0], "shape")):
                batch = batch[0]
            yield batch
        return
    if hasattr(data, "iloc"):
        data = data.to_numpy()
    if not hasattr(data, "shape"):
        text = isinstance(_first(data), str | bytes)
        data = np.array(data, object) if text else np.asarray(data)
    rows = np.shape(data)[0] if np.ndim(data) else 1
    for start in range(0, rows, ROWS):
        part = np.asarray(data[start : start + ROWS] if np.ndim(data) else data)
        yield part[:, None] if part.ndim == 1 and columns else part


def _first(value: Any) -> Any:
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return value


def _count(data: Any, steps: int | None) -> int | None:
    """How many batches there will be, where that is known."""
    if is_array(data):
        count: int | None = -(-np.shape(data)[0] // ROWS) if np.ndim(data) else 1
    else:
        count = len(data) if hasattr(data, "__len__") else None
    return count if steps is None or count is None else min(count, steps)


class _Progress:
    """A line on the terminal, once it takes long."""

    def __init__(self, name: str, count: int | None):
        self.name, self.count = name, count
        self.began = self.shown = time.perf_counter()
        self.width = 0

    def __enter__(self) -> "_Progress":
        return self

    def show(self, number: int) -> None:
        now = time.perf_counter()
        if now - self.began < SHOWN_AFTER or now - self.shown < SHOWN_EVERY:
            return
        if sys.stdout.isatty():
            self.shown = now
            of = f"/{self.count}" if self.count else ""
            rate = number / (now - self.began)
            text = f"{self.name}: adapts to batch {number}{of}, {rate:.0f} a second"
            self.width = max(self.width, len(text))
            print(f"\r{text:<{self.width}}", end="", flush=True)

    def __exit__(self, *error: Any) -> None:
        if self.width:
            print("\r" + " " * self.width, end="\r", flush=True)
