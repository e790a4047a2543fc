"""`tf.queue`: a queue of elements, in the order in which they came."""

from collections import deque
from typing import Any

import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.tensors import tensor

EMPTY = "the queue has {} elements and {} are taken: TensorFlow would wait for others forever"
FULL = "the queue has room for {} elements and {} come: TensorFlow would wait for room forever"
COUNT = "an element of this queue has {} components ({}); it got {}"
SHAPE = "component {} of the element has shape {}; the queue takes {}"


class FIFOQueue:
    """A queue of elements, each of several tensors.

    Args:
        capacity: how many elements it holds.
        dtypes: a dtype, or one for each component.
        shapes: a shape, or one for each component; without them any shapes.
        names: a name for each component: elements are dicts.
        shared_name, name: ignored.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: Any = None,
        name: str = "fifo_queue",
    ):
        one = not isinstance(dtypes, list | tuple)
        self.dtypes = [as_dtype(kind) for kind in ([dtypes] if one else dtypes)]
        if shapes is not None and one and not _has_shapes(shapes):
            shapes = [shapes]
        self.shapes = None if shapes is None else [tuple(shape) for shape in shapes]
        self.names, self.capacity, self.name = names, int(capacity), name
        self._elements: deque = deque()
        self._closed = False

    def enqueue(self, vals: Any, name: Any = None) -> None:
        """Append an element.

        Raises:
            ValueError: for other components, or if the queue is full or closed.
        """
        self._append([self._components(vals)])

    def enqueue_many(self, vals: Any, name: Any = None) -> None:
        """Append the elements whose components are the rows of arrays."""
        columns = self._columns(vals)
        self._append([self._components(list(row)) for row in zip(*columns, strict=True)])

    def dequeue(self, name: Any = None) -> Any:
        """Take the first element.

        Raises:
            ValueError: if the queue is empty.
        """
        return self._result(self._taken(1)[0])

    def dequeue_many(self, n: Any, name: Any = None) -> Any:
        """Take the first `n` elements, each component as an array of rows."""
        rows = self._taken(int(n))
        return self._result([np.stack(column) for column in zip(*rows, strict=True)])

    def dequeue_up_to(self, n: Any, name: Any = None) -> Any:
        """Take the first `n` elements, or all that a closed queue has left."""
        return self.dequeue_many(min(int(n), len(self._elements)) if self._closed else n)

    def size(self, name: Any = None) -> Any:
        """How many elements it has."""
        return tensor(np.int32(len(self._elements)))

    def close(self, cancel_pending_enqueues: bool = False, name: Any = None) -> None:
        """Accept no more elements."""
        self._closed = True

    def is_closed(self, name: Any = None) -> Any:
        """Whether it was closed."""
        return tensor(np.bool_(self._closed))

    def _columns(self, vals: Any) -> list:
        if isinstance(vals, dict):
            vals = [vals[key] for key in self.names]
        vals = vals if isinstance(vals, list | tuple) else [vals]
        vals = [vals] if len(self.dtypes) == 1 != len(vals) else vals
        if len(vals) != len(self.dtypes):
            raise ValueError(COUNT.format(len(self.dtypes), self.dtypes, len(vals)))
        return list(vals)

    def _components(self, vals: Any) -> list:
        made = [
            np.asarray(value, kind.as_numpy_dtype)
            for value, kind in zip(self._columns(vals), self.dtypes, strict=True)
        ]
        for i, (value, shape) in enumerate(zip(made, self.shapes or [], strict=False)):
            if value.shape != shape:
                raise ValueError(SHAPE.format(i, value.shape, shape))
        return made

    def _append(self, elements: list) -> None:
        room = self.capacity - len(self._elements)
        if self._closed:
            raise ValueError("the queue is closed: it takes no more elements")
        if len(elements) > room:
            raise ValueError(FULL.format(room, len(elements)))
        self._elements.extend(elements)

    def _taken(self, count: int) -> list:
        if count > len(self._elements):
            raise ValueError(EMPTY.format(len(self._elements), count))
        return [self._elements.popleft() for _ in range(count)]

    def _result(self, components: list) -> Any:
        made = [tensor(one) for one in components]
        if self.names is not None:
            return dict(zip(self.names, made, strict=True))
        return made[0] if len(made) == 1 else made


def _has_shapes(shapes: Any) -> bool:
    return any(isinstance(one, list | tuple) for one in shapes)
