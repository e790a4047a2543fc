"""Batches prefetched in the background: `keras.utils.GeneratorEnqueuer` and its sibling."""

import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import Any

import numpy as np


class GeneratorEnqueuer:
    """Prefetches batches from a generator in a thread.

    Args:
        generator: an iterator of batches.
        use_multiprocessing: ignored.
        wait_time: ignored.
        random_seed: ignored.
    """

    def __init__(
        self,
        generator: Any,
        use_multiprocessing: bool = False,
        wait_time: Any = None,
        random_seed: Any = None,
        **kwargs: Any,
    ):
        self._source = generator
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.queue: Queue = Queue()

    def _batches(self) -> Iterator:
        return iter(self._source)

    def start(self, workers: int = 1, max_queue_size: int = 10, **kwargs: Any) -> None:
        """Start the thread; at most `max_queue_size` batches are queued.

        Args:
            workers: ignored: one thread reads the generator.
            max_queue_size: of the queue.
            **kwargs: `max_q_size`, Keras 1's name.
        """
        self.queue = Queue(kwargs.get("max_q_size", max_queue_size))
        self._stop.clear()
        self._thread = threading.Thread(target=self._fill, daemon=True)
        self._thread.start()

    def _fill(self) -> None:
        last: tuple = (None, None)
        try:
            for batch in self._batches():
                if not self._put((batch, None)):
                    return
        except Exception as error:
            last = (None, error)
        self._put((*last, "end"))

    def _put(self, item: tuple) -> bool:
        while not self._stop.is_set():
            try:
                self.queue.put(item, timeout=0.05)
            except Full:
                continue
            return True
        return False

    def is_running(self) -> bool:
        """Whether it is started and not stopped."""
        return self._thread is not None and not self._stop.is_set()

    def get(self) -> Iterator:
        """The batches, in order; an error of the generator is raised here."""
        while self.is_running():
            try:
                batch, error, *end = self.queue.get(timeout=0.05)
            except Empty:
                continue
            if error is not None:
                raise error
            if end:
                return
            yield batch

    def stop(self, timeout: float | None = None) -> None:
        """Stop the thread.

        Args:
            timeout: seconds to wait for it.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)
            self._thread = None


class OrderedEnqueuer(GeneratorEnqueuer):
    """Prefetches the batches of a `Sequence` in a thread, epoch after epoch.

    Args:
        sequence: has `len` and returns a batch by index.
        use_multiprocessing: ignored.
        shuffle: whether to shuffle each epoch.
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, shuffle: bool = False):
        super().__init__(sequence)
        self.shuffle = shuffle

    def _batches(self) -> Iterator:
        while True:
            order = np.arange(len(self._source))
            for i in np.random.permutation(order) if self.shuffle else order:
                yield self._source[int(i)]
            if hasattr(self._source, "on_epoch_end"):
                self._source.on_epoch_end()
