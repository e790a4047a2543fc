"""`tf.FIFOQueue` and its siblings: queues of elements that threads fill and empty.

Operations on queues run between compiled programs. One that needs room or elements waits for other
threads, up to the `operation_timeout_in_ms` of the session's config.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.applying import Spec, convert
from hornbook.compat.tensorflow1.graph import Operation, get_default_graph, here
from hornbook.compat.tensorflow1.host import OutOfRangeError, hosted
from hornbook.compat.tensorflow1.shapes import TensorShape

CLOSED = "{!r} is closed and has insufficient elements (requested {}, current size {})"
NO_MORE = "{!r} is closed: it takes no more elements"
LATE = "{!r}: waited longer than operation_timeout_in_ms"
NO_SHAPES = "{}.{}: the queue needs shapes= of its components"
TICK = 0.05  # seconds after which a waiting thread looks whether its program has ended


class DeadlineExceededError(Exception):
    """`tf.errors.DeadlineExceededError`: an operation waited too long."""


class CancelledError(Exception):
    """`tf.errors.CancelledError`: a queue is closed."""


class QueueBase:
    """A queue of elements of one or more components.

    Args:
        capacity: the number of elements it has room for.
        dtypes: the dtypes of components.
        shapes: their shapes; needed by operations of several elements.
        names: names of components, so that elements are dictionaries.
        shared_name: ignored: sessions share a queue.
        name: its name.
    """

    kind = "fifo_queue"
    least = 0  # elements that are kept until the queue is closed

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: Any = None,
        name: str | None = None,
    ):
        single = not isinstance(dtypes, list | tuple)
        self.dtypes = [as_dtype(one) for one in ([dtypes] if single else dtypes)]
        if shapes is not None and len(self.dtypes) == 1 and not _is_list_of_shapes(shapes):
            shapes = [shapes]
        unknown = [TensorShape(None)] * len(self.dtypes)
        self.shapes = unknown if shapes is None else [TensorShape(one) for one in shapes]
        self.names, self.capacity = names, capacity if capacity > 0 else 2**31
        self.name = get_default_graph().unique_name(name or self.kind)
        self._elements: list = []
        self._closed = False
        self._changed = threading.Condition()

    queue_ref = property(lambda self: self)

    # ---- operations

    def enqueue(self, vals: Any, name: Any = None) -> Operation:
        """An operation that appends an element."""
        return self._operation(
            lambda given: self._put([given]), self._listed(vals), "Enqueue", name
        )

    def enqueue_many(self, vals: Any, name: Any = None) -> Operation:
        """An operation that appends the rows of tensors."""
        return self._operation(
            lambda given: self._put([list(row) for row in zip(*given, strict=True)]),
            self._listed(vals),
            "EnqueueMany",
            name,
        )

    def dequeue(self, name: Any = None) -> Any:
        """The first element, as tensors."""
        specs = [Spec(s, d) for s, d in zip(self.shapes, self.dtypes, strict=True)]
        return self._results(lambda: self._taken(1, 1)[0], specs, "Dequeue", name)

    def dequeue_many(self, n: int, name: Any = None) -> Any:
        """The first `n` elements, as the rows of tensors."""
        return self._rows(n, n, "DequeueMany", name)

    def dequeue_up_to(self, n: int, name: Any = None) -> Any:
        """The first `n` elements, or what is left in a closed queue."""
        return self._rows(n, 1, "DequeueUpTo", name)

    def size(self, name: Any = None) -> Any:
        """The number of elements."""
        count = Spec((), "int32")
        return hosted(lambda: np.int32(len(self._elements)), (), count, "QueueSize", name)

    def close(self, cancel_pending_enqueues: bool = False, name: Any = None) -> Operation:
        """An operation after which the queue takes no more elements."""
        return self._operation(self._close, [], "Close", name)

    def is_closed(self, name: Any = None) -> Any:
        """Whether it is closed."""
        return hosted(lambda: np.bool_(self._closed), (), Spec((), "bool"), "QueueIsClosed", name)

    def _operation(self, fn: Callable, given: list, kind: str, name: Any) -> Operation:
        def act(values: list) -> np.ndarray:
            fn(values)
            return np.zeros((), bool)

        name = name or f"{self.name}_{kind.lower()}"
        return hosted(act, (given,), Spec((), "bool"), f"Queue{kind}", name).op

    def _listed(self, vals: Any) -> list:
        if isinstance(vals, dict):
            vals = [vals[name] for name in self.names]
        vals = vals if isinstance(vals, list | tuple) else [vals]
        if len(vals) != len(self.dtypes):
            vals = [vals] if len(self.dtypes) == 1 else vals
        pairs = zip(vals, self.dtypes, strict=True)
        return [convert(value, kind) for value, kind in pairs]

    def _rows(self, n: int, least: int, kind: str, name: Any) -> Any:
        if any(shape.ndims is None for shape in self.shapes):
            raise ValueError(NO_SHAPES.format(self.name, kind))
        size = n if least == n else None
        pairs = zip(self.shapes, self.dtypes, strict=True)
        specs = [Spec((size, *shape), dtype) for shape, dtype in pairs]

        def rows() -> list:
            columns = zip(*self._taken(n, least), strict=True)
            return [self._stacked(list(column)) for column in columns]

        return self._results(rows, specs, kind, name)

    def _stacked(self, column: list) -> np.ndarray:
        return np.stack([np.asarray(one) for one in column])

    def _results(self, fn: Callable, specs: list, kind: str, name: Any) -> Any:
        made = list(hosted(fn, (), specs, f"Queue{kind}", name or f"{self.name}_{kind}"))
        if self.names is not None:
            return dict(zip(self.names, made, strict=True))
        return made[0] if len(made) == 1 else made

    # ---- elements

    def _wait(self, ready: Callable[[], bool]) -> None:
        """Wait, with the lock, until other threads have changed something."""
        limit = _timeout()
        end = None if limit is None else time.monotonic() + limit
        while not ready():
            if end is not None and time.monotonic() > end:
                raise DeadlineExceededError(LATE.format(self.name))
            self._changed.wait(TICK)

    def _put(self, elements: list) -> None:
        for element in elements:
            made = [
                np.asarray(value, kind.as_numpy_dtype if kind != "string" else object)
                for value, kind in zip(element, self.dtypes, strict=True)
            ]
            with self._changed:
                self._wait(lambda: self._closed or len(self._elements) < self.capacity)
                if self._closed:
                    raise CancelledError(NO_MORE.format(self.name))
                self._elements.append(made)
                self._changed.notify_all()

    def _taken(self, n: int, least: int) -> list:
        with self._changed:
            self._wait(lambda: self._closed or len(self._elements) >= n + self.least)
            count = min(n, len(self._elements))
            if count < least:
                raise OutOfRangeError(CLOSED.format(self.name, n, len(self._elements)))
            found = [self._elements.pop(self._place()) for _ in range(count)]
            self._changed.notify_all()
            return found

    def _place(self) -> int:
        return 0

    def _close(self, values: Any) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _is_list_of_shapes(shapes: Any) -> bool:
    return isinstance(shapes, list | tuple) and any(
        isinstance(one, list | tuple | TensorShape) for one in shapes
    )


def _timeout() -> float | None:
    """Seconds after which the current session gives up."""
    config = getattr(here.sessions[-1], "config", None) if here.sessions else None
    limit = vars(config).get("operation_timeout_in_ms") if config is not None else None
    return limit / 1000 if isinstance(limit, int | float) and limit > 0 else None


class FIFOQueue(QueueBase):
    """`tf.FIFOQueue`: elements leave in the order in which they came."""


class PaddingFIFOQueue(FIFOQueue):
    """`tf.PaddingFIFOQueue`: rows of several elements are padded with zeros to the longest."""

    kind = "padding_fifo_queue"

    def _stacked(self, column: list) -> np.ndarray:
        arrays = [np.asarray(one) for one in column]
        sizes = [max(one.shape[k] for one in arrays) for k in range(arrays[0].ndim)]
        made = np.zeros([len(arrays), *sizes], arrays[0].dtype)
        if made.dtype == object:
            made[...] = b""
        for row, one in zip(made, arrays, strict=True):
            row[tuple(slice(n) for n in one.shape)] = one
        return made


class RandomShuffleQueue(QueueBase):
    """`tf.RandomShuffleQueue`: elements leave in a random order.

    Args:
        min_after_dequeue: the number of elements that stay, to mix with later ones, until the queue
            is closed.
        seed: of the order.
    """

    kind = "random_shuffle_queue"

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        seed: Any = None,
        shared_name: Any = None,
        name: str | None = None,
    ):
        super().__init__(capacity, dtypes, shapes, names, shared_name, name)
        self.least = int(min_after_dequeue)
        chosen = get_default_graph().seed if seed is None else seed
        self._random = np.random.default_rng(chosen)

    def _place(self) -> int:
        return int(self._random.integers(len(self._elements)))
