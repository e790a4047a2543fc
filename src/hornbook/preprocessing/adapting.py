"""`adapt`: layers that compute their state from any data, batch by batch."""

import itertools
import math
import operator
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np

from hornbook.core import settings
from hornbook.core.errors import door

TEXTS, NUMBERS = 2**16, 2**22  # per batch of an array: one in a file is never read whole
SHOWN_AFTER, SHOWN_EVERY = 2.0, 0.2  # seconds

NO_DATA = "layer {!r} ({}) got no data to adapt to"


class Adapting:
    """Mixin for layers that learn from data: `adapt`, based on three methods.

    A subclass defines `reset_state()`, `update_state(data)` for a batch, and `finalize_state()`.

    Attributes:
        columns: whether 1-D data get a second axis, so that each value is a sample.
    """

    name: str
    columns = True

    @door
    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn from data, replacing what was learned before.

        Args:
            data: an array or a list with one sample per row; or an iterable of batches: a
                generator, a `PyDataset`, a loader. Of batches `(x, y)`, only x is used. Arrays in
                files are read in chunks.
            steps: maximum number of batches; needed for endless iterables.
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
        """Iterate over any data in batches."""
        return batches(data, self.columns)

    def reset_state(self) -> None:
        """Discard the accumulated state."""
        raise NotImplementedError

    def update_state(self, data: Any) -> None:
        """Accumulate a batch."""
        raise NotImplementedError

    def finalize_state(self) -> None:
        """Set the layer's values from the accumulated state."""
        raise NotImplementedError


def is_array(data: Any) -> bool:
    """Whether data are samples in rows rather than an iterable of batches."""
    if isinstance(data, list | tuple) and data and getattr(data[0], "shape", ()):
        return False  # a list of arrays is one of batches
    if isinstance(data, list | tuple | str | bytes | np.ndarray | jax.Array):
        return True
    return hasattr(data, "__array__") or hasattr(data, "iloc") or not isinstance(data, Iterable)


def batches(data: Any, columns: bool = True) -> Iterator[Any]:
    """Iterate over any data in batches; see `Adapting.adapt`.

    Args:
        data: the data.
        columns: whether 1-D data get a second axis.
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
    step = _rows_at_once(data)
    for start in range(0, rows, step):
        part = np.asarray(data[start : start + step] if np.ndim(data) else data)
        yield part[:, None] if part.ndim == 1 and columns else part


def _rows_at_once(data: Any) -> int:
    """The number of an array's rows in a batch."""
    kind = getattr(getattr(data, "dtype", None), "kind", "O")
    most = NUMBERS if kind in "biufc" else TEXTS
    return max(1, most // max(1, math.prod(np.shape(data)[1:])))


def _first(value: Any) -> Any:
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return value


def _count(data: Any, steps: int | None) -> int | None:
    """The number of batches, if known."""
    if is_array(data):
        count: int | None = -(-np.shape(data)[0] // _rows_at_once(data)) if np.ndim(data) else 1
    else:
        count = operator.length_hint(data) or None  # `len` raises if it is unknown
    return count if steps is None or count is None else min(count, steps)


class _Progress:
    """A progress line on the terminal, shown if adapting takes long."""

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
        if settings.is_interactive_logging_enabled() and sys.stdout.isatty():
            self.shown = now
            of = f"/{self.count}" if self.count else ""
            rate = number / (now - self.began)
            text = f"{self.name}: adapting to batch {number}{of}, {rate:.0f} a second"
            self.width = max(self.width, len(text))
            print(f"\r{text:<{self.width}}", end="", flush=True)

    def __exit__(self, *error: Any) -> None:
        if self.width:
            print("\r" + " " * self.width, end="\r", flush=True)
