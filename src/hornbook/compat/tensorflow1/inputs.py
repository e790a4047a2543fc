"""Pipelines of TensorFlow 1 made of queues: readers, threads that fill queues, and batches."""

import itertools
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from hornbook.compat.tensorflow.csv_files import lines_of
from hornbook.compat.tensorflow.files import path_of
from hornbook.compat.tensorflow.records import read_records
from hornbook.compat.tensorflow1.applying import Spec, convert
from hornbook.compat.tensorflow1.graph import get_default_graph, session_here
from hornbook.compat.tensorflow1.host import OutOfRangeError, hosted
from hornbook.compat.tensorflow1.queues import (
    CancelledError,
    FIFOQueue,
    PaddingFIFOQueue,
    QueueBase,
    RandomShuffleQueue,
)
from hornbook.compat.tensorflow1.variables import GraphKeys

STOPPED_LATE = "Coordinator stopped with threads still running: {}"
ENDS = (OutOfRangeError, CancelledError)  # by which a thread that fills a queue ends

# ---- threads


class Coordinator:
    """`tf.train.Coordinator`: asks threads to stop, and joins them.

    Args:
        clean_stop_exception_types: errors that only end the threads.
    """

    def __init__(self, clean_stop_exception_types: Any = None):
        self._clean = tuple(clean_stop_exception_types or ENDS)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._threads: list[threading.Thread] = []

    def should_stop(self) -> bool:
        """Whether the threads are asked to stop."""
        return self._stop.is_set()

    def request_stop(self, ex: Any = None) -> None:
        """Ask the threads to stop.

        Args:
            ex: the error that is the reason, which `join` raises; or `sys.exc_info()`.
        """
        error = ex[1] if isinstance(ex, tuple) else ex
        if error is not None and not isinstance(error, self._clean) and self._error is None:
            self._error = error
        self._stop.set()

    def clear_stop(self) -> None:
        """Forget that the threads were asked to stop."""
        self._stop.clear()

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Wait until the threads are asked to stop."""
        return self._stop.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Add a thread that `join` waits for."""
        self._threads.append(thread)

    joined = property(lambda self: not any(one.is_alive() for one in self._threads))

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """A context whose errors ask the threads to stop."""
        try:
            yield
        except Exception as error:
            self.request_stop(error)

    def join(
        self,
        threads: Any = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Wait for the threads, and raise the error for which they stopped.

        Raises:
            RuntimeError: if a thread runs longer than the grace period.
        """
        waited = [*self._threads, *(threads or ())]
        while any(one.is_alive() for one in waited) and not self._stop.wait(0.05):
            pass
        for one in waited:
            one.join(stop_grace_period_secs)
        late = [one.name for one in waited if one.is_alive()]
        if self._error is not None:
            raise self._error
        if late and not ignore_live_threads:
            raise RuntimeError(STOPPED_LATE.format(" ".join(late)))

    def raise_requested_exception(self) -> None:
        """Raise the error for which the threads were asked to stop, if any."""
        if self._error is not None:
            raise self._error


class QueueRunner:
    """`tf.train.QueueRunner`: a thread for each operation that fills a queue.

    Args:
        queue: the queue, closed when all threads have ended.
        enqueue_ops: the operations.
    """

    def __init__(self, queue: Any = None, enqueue_ops: Any = None, **ignored: Any):
        self.queue, self.enqueue_ops = queue, list(enqueue_ops or [])
        self.exceptions_raised: list = []
        self._running, self._lock = 0, threading.Lock()

    name = property(lambda self: self.queue.name)

    def create_threads(
        self, sess: Any, coord: Any = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """Threads that run the operations until their sources or the coordinator end."""
        self._running += len(self.enqueue_ops)
        threads = [
            threading.Thread(target=self._run, args=(sess, op, coord), daemon=True, name=op.name)
            for op in self.enqueue_ops
        ]
        for thread in threads:
            if coord is not None:
                coord.register_thread(thread)
            if start:
                thread.start()
        return threads

    def _run(self, sess: Any, operation: Any, coord: Any) -> None:
        try:
            while not (coord is not None and coord.should_stop()) and not sess.closed:
                sess.run(operation)
        except ENDS:
            pass
        except Exception as error:
            if not sess.closed:
                self.exceptions_raised.append(error)
                if coord is None:
                    traceback.print_exc()
                else:
                    coord.request_stop(error)
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self.queue._close(())


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """`tf.train.add_queue_runner`."""
    get_default_graph().add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None,
    coord: Any = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:
    """`tf.train.start_queue_runners`: start the threads of all queues of the graph."""
    sess = sess or session_here()
    runners = sess.graph.get_collection(collection)
    return [one for qr in runners for one in qr.create_threads(sess, coord, daemon, start)]


# ---- readers


class ReaderBase:
    """A reader of records of the files whose names are in a queue."""

    def __init__(self, name: Any = None):
        self._name, self._produced, self._lock = name, 0, threading.Lock()
        self._records: Iterator[tuple[bytes, bytes]] = iter(())

    def records(self, path: str) -> Iterator[tuple[Any, bytes]]:
        """The place in the file, and the content, of each record."""
        raise NotImplementedError

    def read(self, queue: QueueBase, name: Any = None) -> tuple:
        """The key, `file:place`, and the content of the next record, as tensors."""

        def following() -> list:
            with self._lock:
                return list(self._next(queue))

        specs = [Spec((), "string")] * 2
        return tuple(hosted(following, (), specs, "ReaderReadV2", name))

    def read_up_to(self, queue: QueueBase, num_records: int, name: Any = None) -> tuple:
        """The keys and contents of the next records, as tensors."""

        def following() -> list:
            with self._lock:
                found = [self._next(queue)]
                found += itertools.islice(self._rest(queue), num_records - 1)
            return [_objects(column) for column in zip(*found, strict=True)]

        specs = [Spec((None,), "string")] * 2
        return tuple(hosted(following, (), specs, "ReaderReadUpToV2", name))

    def _rest(self, queue: QueueBase) -> Iterator[tuple[bytes, bytes]]:
        while queue._elements or not queue._closed:
            try:
                yield self._next(queue)
            except OutOfRangeError:
                return

    def _next(self, queue: QueueBase) -> tuple[bytes, bytes]:
        while True:
            for record in self._records:
                self._produced += 1
                return record
            self._records = self._of_file(path_of(queue._taken(1, 1)[0][0].item()))

    def _of_file(self, path: str) -> Iterator[tuple[bytes, bytes]]:
        for place, content in self.records(path):
            yield (path if place is None else f"{path}:{place}").encode(), content

    def num_records_produced(self, name: Any = None) -> Any:
        """How many records were read."""
        count = Spec((), "int64")
        return hosted(lambda: np.int64(self._produced), (), count, "ReaderNumRecords", name)


def _objects(values: Any) -> np.ndarray:
    made = np.empty(len(values), object)
    made[:] = values
    return made


class TextLineReader(ReaderBase):
    """`tf.TextLineReader`: lines.

    Args:
        skip_header_lines: the number of lines that are skipped in each file.
    """

    def __init__(self, skip_header_lines: Any = None, name: Any = None):
        super().__init__(name)
        self._skipped = skip_header_lines or 0

    def records(self, path: str) -> Iterator[tuple[int, bytes]]:
        """The numbers of lines, and the lines."""
        lines = enumerate(lines_of(path), 1)
        return ((k, one.encode()) for k, one in itertools.islice(lines, self._skipped, None))


class WholeFileReader(ReaderBase):
    """`tf.WholeFileReader`: whole files; keys are their names."""

    def records(self, path: str) -> Iterator[tuple[None, bytes]]:
        """The content."""
        with open(path, "rb") as file:
            yield None, file.read()


class TFRecordReader(ReaderBase):
    """`tf.TFRecordReader`: the records of TFRecord files."""

    def __init__(self, name: Any = None, options: Any = None):
        super().__init__(name)
        self._options = options

    def records(self, path: str) -> Iterator[tuple[int, bytes]]:
        """The numbers of records, and the records."""
        return enumerate(read_records(path, self._options))


class FixedLengthRecordReader(ReaderBase):
    """`tf.FixedLengthRecordReader`: records of one number of bytes."""

    def __init__(
        self,
        record_bytes: int,
        header_bytes: Any = None,
        footer_bytes: Any = None,
        *_: Any,
        **__: Any,
    ):
        super().__init__()
        self._size, self._header = int(record_bytes), int(header_bytes or 0)
        self._footer = int(footer_bytes or 0)

    def records(self, path: str) -> Iterator[tuple[int, bytes]]:
        """The numbers of records, and the records."""
        with open(path, "rb") as file:
            end = file.seek(0, 2) - self._footer
            file.seek(self._header)
            for number in range((end - self._header) // self._size):
                yield number, file.read(self._size)


# ---- queues of a pipeline


def _produced(
    count: int, pick: Callable[[int], list], kinds: list, shapes: list, options: dict, kind: str
) -> QueueBase:
    """A queue that a thread fills with the elements of some source, in passes."""
    options = {"num_epochs": None, "shuffle": True, "seed": None, "capacity": 32} | options
    queue = FIFOQueue(options["capacity"], kinds, shapes, name=options.get("name") or kind)
    random = np.random.default_rng(options["seed"])
    left = itertools.repeat(0) if options["num_epochs"] is None else range(options["num_epochs"])

    def elements() -> Iterator[list]:
        for _ in left:
            yield from map(pick, random.permutation(count) if options["shuffle"] else range(count))

    source, lock = elements(), threading.Lock()

    def following() -> list:
        with lock:
            for one in source:
                return one
        raise OutOfRangeError("the passes over the source have ended")

    specs = [Spec(shape, one) for shape, one in zip(shapes, kinds, strict=True)]
    made = list(hosted(following, (), specs, "Producer"))
    add_queue_runner(QueueRunner(queue, [queue.enqueue(made)]))
    return queue


def string_input_producer(string_tensor: Any, *settings: Any, **options: Any) -> QueueBase:
    """`tf.train.string_input_producer`: a queue of texts, such as names of files.

    Args:
        string_tensor: the texts.
        settings, options: `num_epochs` (default without end), `shuffle`, `seed`, `capacity`.
    """
    names = ("num_epochs", "shuffle", "seed", "capacity", "shared_name", "name")
    options |= dict(zip(names, settings, strict=False))
    given = getattr(string_tensor, "data", string_tensor)
    texts = [t.encode() if isinstance(t, str) else t for t in np.ravel(np.asarray(given, object))]
    if not texts:
        raise ValueError("string_input_producer requires a non-null input tensor")
    return _produced(
        len(texts), lambda k: [np.asarray(texts[k], object)], ["string"], [()], options, "producer"
    )


def range_input_producer(limit: int, *settings: Any, **options: Any) -> QueueBase:
    """`tf.train.range_input_producer`: a queue of the numbers below a limit."""
    names = ("num_epochs", "shuffle", "seed", "capacity", "shared_name", "name")
    options |= dict(zip(names, settings, strict=False))
    return _produced(int(limit), lambda k: [np.int32(k)], ["int32"], [()], options, "range")


def slice_input_producer(tensor_list: Any, *settings: Any, **options: Any) -> list:
    """`tf.train.slice_input_producer`: one row of each tensor, in a random order by default."""
    names = ("num_epochs", "shuffle", "seed", "capacity", "shared_name", "name")
    options |= dict(zip(names, settings, strict=False))
    tensors = [convert(one) for one in tensor_list]
    queue = range_input_producer(tuple(tensors[0].shape)[0], **options)
    index = queue.dequeue()
    return [one[index] for one in tensors]


def _batched(
    queue: QueueBase, tensors: Any, size: int, threads: int, short: bool, many: bool
) -> Any:
    listed = list(tensors.values()) if isinstance(tensors, dict) else tensors
    listed = listed if isinstance(listed, list | tuple) else [listed]
    put = queue.enqueue_many(list(listed)) if many else queue.enqueue(list(listed))
    add_queue_runner(QueueRunner(queue, [put] * threads))
    made = queue.dequeue_up_to(size) if short else queue.dequeue_many(size)
    parts = made if isinstance(made, list) else [made]
    if isinstance(tensors, dict):
        return dict(zip(tensors, parts, strict=True))
    return parts if isinstance(tensors, list | tuple) else parts[0]


def _forms(tensors: Any, shapes: Any, many: bool) -> tuple[list, list]:
    listed = list(tensors.values()) if isinstance(tensors, dict) else tensors
    listed = [convert(one) for one in (listed if isinstance(listed, list | tuple) else [listed])]
    own = [tuple(one.shape)[1:] if many else one.shape for one in listed]
    return [one.dtype for one in listed], own if shapes is None else list(shapes)


def batch(
    tensors: Any,
    batch_size: int,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: Any = None,
    name: Any = None,
) -> Any:
    """`tf.train.batch`: batches of tensors, which threads compute."""
    kinds, forms = _forms(tensors, shapes, enqueue_many)
    kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
    queue = kind(capacity, kinds, forms, name=name or "batch")
    return _batched(
        queue, tensors, batch_size, num_threads, allow_smaller_final_batch, enqueue_many
    )


def shuffle_batch(
    tensors: Any,
    batch_size: int,
    capacity: int,
    min_after_dequeue: int,
    num_threads: int = 1,
    seed: Any = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: Any = None,
    name: Any = None,
) -> Any:
    """`tf.train.shuffle_batch`: batches of tensors in a random order."""
    kinds, forms = _forms(tensors, shapes, enqueue_many)
    queue = RandomShuffleQueue(
        capacity, min_after_dequeue, kinds, forms, seed=seed, name=name or "shuffle_batch"
    )
    return _batched(
        queue, tensors, batch_size, num_threads, allow_smaller_final_batch, enqueue_many
    )
