"""Feeds turn any data into slabs: samples on the device, and how many batches they hold.

Arrays become one slab for the whole epoch, shuffled by sending an index instead of the data. A
generator gives a slab for each batch, or for the few that arrived while the device was busy. The
loop sees only slabs.
"""

import itertools
import time
import warnings
from collections.abc import Callable, Iterator
from inspect import GEN_CREATED, getgeneratorstate, isgenerator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import placement, tree
from hornbook.core.random import host_generator, random_state, set_random_state
from hornbook.training import large
from hornbook.training.data import count_samples, take_samples, unpack
from hornbook.training.dataset import made_ahead
from hornbook.training.kinds import is_endless, kind_of
from hornbook.training.large import (
    Unread,
    copied,
    fill,
    may_be_copied,
    read_by_slices,
    shuffled_by_blocks,
)
from hornbook.training.slab import Slab

NO_SAMPLES = """there are no samples to train on or to evaluate: the arrays have 0 rows. Check \
the code that loads or selects them, for instance with print(x.shape)."""
ENDLESS = """the data never end: pass steps_per_epoch to fit, and steps to evaluate and predict \
(validation_steps for validation_data), or end them with data.take(batches)"""
STACK_BYTES = 8 * 2**20  # batches of a source sent to the device together
STACK_STEPS = 256
COARSE_BYTES = 1 << 20
HOST_THREADS, HOST_AHEAD = 2, 8  # host-stage threads, and batches in flight
END: Any = object()

# Whether to wait for one more batch: `more(first batch, number so far, start time)`.
More = Callable[[tuple, int, float], bool]


def bucket(samples: int, size: int) -> int:
    """Round up to one of a few sizes, so that data sets of similar size share compiled code.

    Args:
        samples: a number of samples or steps.
        size: of the data, in bytes. Small data are rounded up to a power of two, others by at most
            an eighth.
    """
    bits = (samples - 1).bit_length()
    unit = 1 << (bits if size <= COARSE_BYTES else max(0, samples.bit_length() - 4))
    return -(-samples // unit) * unit


def _padded(array: Any, size: int) -> Any:
    if len(array) == size:
        return array
    if isinstance(array, jax.Array):
        return jnp.concatenate(
            [array, jnp.zeros((size - len(array), *array.shape[1:]), array.dtype)]
        )
    padded = np.zeros((size, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded


class Pass(NamedTuple):
    """Progress of one pass over the samples: their order, and the batches given so far."""

    order: np.ndarray | None
    done: int


def warn_of_end(done: int, asked: int) -> None:
    """Warn that an epoch has fewer batches than asked for."""
    warnings.warn(
        f"the data ended after {done} of {asked} batches of this epoch. Data that can be re-read "
        "start over with the next epoch; a generator must yield steps_per_epoch * epochs "
        "batches",
        stacklevel=7,
    )


class ArrayFeed:
    """Batches of arrays, sent to the device once or read in pieces; shuffled by index each pass.

    Args:
        data: `(x, y, sample_weight)`.
        batch_size: samples in a batch; the last may be smaller.
        shuffle: whether to reshuffle each epoch; `"batch"` shuffles batches, not samples.
        steps: maximum number of batches per epoch. An epoch continues where the last one stopped,
            and never spans two passes over the samples.
        send: whether to send the arrays to the device; else they stay on the host.
        anew: whether each epoch starts from the first sample.
        check: called with each piece that is read, and its sample indices.
    """

    def __init__(
        self,
        data: tuple,
        batch_size: int,
        shuffle: bool | str,
        steps: int | None = None,
        send: bool = True,
        anew: bool = False,
        check: Callable[[tuple, Any], None] | None = None,
    ):
        self.samples = count_samples(data)
        if self.samples == 0 and send:
            raise ValueError(NO_SAMPLES)
        if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer):
            raise TypeError(f"batch_size is a positive integer, not {batch_size!r}")
        if batch_size < 1:
            raise ValueError(f"batch_size is a positive integer, not {batch_size!r}")
        placement.alike("numbers of samples", self.samples)
        self.batch = min(int(batch_size), max(self.samples, 1))
        self.shuffle = shuffle
        self.total = max(-(-self.samples // self.batch), 1)  # no samples give outputs too
        self.asked = steps
        self.steps = min(steps, self.total) if steps else self.total
        self.anew = anew
        self.check = check
        self._pass = self._began = Pass(None, self.total)  # as after a finished pass
        leaves = [leaf for leaf in tree.flatten(data) if leaf is not None]
        size = sum(leaf.nbytes for leaf in leaves)
        one_device = placement.current() is None
        self.size = size
        self.resident = not send or (
            one_device and may_be_copied(leaves, size, self.steps / self.total)
        )
        self.data = data
        if self.resident and send:
            copy = copied if size > large.SMALL_BYTES else _small_copied
            padded = bucket(self.samples, size)
            self.data = tree.map_structure(lambda a: copy(a, padded), data, none_is_leaf=False)
        self.sample_bytes = max(1, size // max(self.samples, 1))
        self.by_blocks = not self.resident and any(map(read_by_slices, leaves))
        self._foreseen: tuple[Any, np.ndarray, Any] | None = None
        self._ahead: np.random.Generator | None = None  # reused: a copy takes 0.1 ms

    def order(self) -> np.ndarray | None:
        """This epoch's order of samples; `None` if not shuffled."""
        if not self.shuffle:
            return None
        bits = host_generator().bit_generator
        if self._foreseen and self._foreseen[0] == bits.state:
            _, order, bits.state = self._foreseen
            return order
        return self._drawn(host_generator())

    def _foresee(self) -> None:
        """Draw the next order in advance; it is valid if the generator is not used in between."""
        now = host_generator().bit_generator
        ahead = self._ahead or np.random.Generator(type(now)(0))
        ahead.bit_generator.state = before = now.state
        self._foreseen = before, self._drawn(ahead), ahead.bit_generator.state
        self._ahead = ahead

    def _drawn(self, generator: np.random.Generator) -> np.ndarray:
        if self.by_blocks and self.shuffle != "batch":
            return shuffled_by_blocks(self.samples, self.sample_bytes, generator)
        if self.shuffle == "batch":
            starts = generator.permutation(self.samples // self.batch) * self.batch
            order = (starts[:, None] + np.arange(self.batch)).ravel()
            return np.concatenate([order, np.arange(len(order), self.samples)]).astype("int32")
        return generator.permutation(self.samples).astype("int32")

    def epoch(self, more: More | None = None) -> Iterator[Slab]:
        """The slabs of one epoch, as large as possible."""
        if self._pass.done >= self.total or self.anew:
            self._pass = Pass(self.order(), 0)
        order, first = self._began = self._pass
        count = min(self.steps, self.total - first)
        if self.asked and count < self.asked:
            warn_of_end(count, self.asked)
        self._pass = Pass(order, first + count)
        rest = self.samples % self.batch
        whole = count - bool(rest and first + count == self.total)
        if self.resident:
            if order is None and self.steps < self.total:
                order = np.arange(self.samples, dtype="int32")
            if order is not None:
                wanted = order[first * self.batch : (first + count) * self.batch]
                order = _padded(wanted, bucket(self.steps, self.size) * self.batch)
            yield Slab(self.data, order, self.batch, count, rest, whole)
        else:
            yield from self._pieces(order, first, count, rest, whole)
        if self.shuffle and self._pass.done >= self.total:
            self._foresee()  # while the device works

    def position(self, done: int) -> dict[str, Any]:
        """The position in the data as plain data, after `done` batches of an unfinished epoch."""
        order, first = self._began if done else self._pass
        return {"samples": self.samples, "order": None if first >= self.total else order,
                "first": first, "epoch": done}  # fmt: skip

    def resume(self, position: dict[str, Any]) -> int:
        """Continue from a position; returns how many batches to skip in the next slabs.

        Raises:
            ValueError: if it is none of these data.
        """
        order, first, samples = position["order"], position["first"], position["samples"]
        if samples != self.samples:
            raise ValueError(f"it was training on {samples} samples; there are {self.samples}")
        shuffled = order is not None and not np.array_equal(np.sort(order), np.arange(samples))
        if shuffled or not 0 <= first <= self.total:
            raise ValueError("its position in the data is not valid")
        self._pass = Pass(order, first)
        return position["epoch"]

    def _pieces(
        self, order: np.ndarray | None, first: int, count: int, rest: int, whole: int
    ) -> Iterator[Slab]:
        """`count` batches starting at `first`, in slabs of one shape that are read when needed."""
        room = min(self.steps, max(1, large.PIECE_BYTES // (self.sample_bytes * self.batch)))
        for begin in range(0, count, room):
            steps = min(room, count - begin)
            start = (first + begin) * self.batch
            numbers = range(start, min(start + steps * self.batch, self.samples))
            chosen = numbers if order is None else order[numbers.start : numbers.stop]

            def read(array, chosen=chosen):
                piece = np.empty((room * self.batch, *array.shape[1:]), array.dtype)
                fill(piece, array, chosen)
                return piece

            data = tree.map_structure(read, self.data, none_is_leaf=False)
            if self.check:
                self.check(take_samples(data, slice(0, len(chosen))), chosen)
            whole_here = min(steps, whole - begin)
            yield Slab(_on_its_device(data), None, self.batch, steps, rest, whole_here)


def _small_copied(array: Any, size: int) -> Any:
    return jax.device_put(_padded(array[:] if isinstance(array, Unread) else array, size))


def _on_its_device(data: tuple) -> tuple:
    """Data on the device; if there are several, they stay on the host until they are spread."""
    return jax.device_put(data) if placement.current() is None else data


def _copy_of(array: Any) -> Any:
    return array.copy() if isinstance(array, np.ndarray) else array


class Stack:
    """Consecutive batches of one shape, to become one slab.

    Each is copied on arrival, since a source may reuse its buffer. The arrays have room for a fixed
    number of batches, so that any number of them shares one compilation.

    Args:
        first: the first batch. If its arrays are not on the host, or are padded sequences, which
            rarely have equal lengths in a row, there is room for this batch only.
    """

    def __init__(self, first: tuple):
        self.first = first
        self.samples = count_samples(first, "a batch")
        self.steps = 1
        self.form = self._form(first)
        leaves = [leaf for leaf in tree.flatten(first) if leaf is not None]
        size = max(1, sum(leaf.nbytes for leaf in leaves))
        on_host = len(first) == 3 and all(isinstance(leaf, np.ndarray) for leaf in leaves)
        self.room = max(1, min(STACK_STEPS, STACK_BYTES // size)) if on_host else 1
        self.whole: tuple | None = None

    def _form(self, data: tuple) -> list:
        return [(k, v if v is None else (v.shape, v.dtype)) for k, v in tree.named_leaves(data)]

    def fits(self, data: tuple) -> bool:
        """Whether a batch has the same shapes and dtypes as the others."""
        return self._form(data) == self.form

    def open(self) -> None:
        """Make room for more batches."""
        if self.whole is None:
            self.whole = tree.map_structure(
                lambda a: np.empty((self.room * len(a), *a.shape[1:]), a.dtype),
                self.first,
                none_is_leaf=False,
            )
            self._copy(self.first, 0)

    def add(self, data: tuple) -> None:
        """Append a batch."""
        self._copy(data, self.steps)
        self.steps += 1

    def _copy(self, data: tuple, step: int) -> None:
        rows = slice(step * self.samples, (step + 1) * self.samples)
        for whole, part in zip(tree.flatten(self.whole), tree.flatten(data), strict=True):
            if whole is not None:
                whole[rows] = part

    def slab(self) -> Slab:
        """The batches as a slab with its own arrays.

        A CPU takes numpy arrays in the call itself; for other devices they are sent ahead.
        """
        if self.whole is None:
            own = tree.map_structure(_copy_of, self.first)
        else:
            own = self.whole if self.steps > 1 else take_samples(self.whole, slice(0, self.samples))
        if jax.default_backend() != "cpu":
            own = _on_its_device(own)
        return Slab(own, None, self.samples, self.steps)


def on_host(host: Callable, batches: Iterator) -> Iterator[tuple]:
    """Batches with `host` applied to x, prefetched."""

    def made(item: Any) -> tuple:
        return unpack(item, host)

    yield from map(made, itertools.islice(batches, 1))  # the first may build the model
    yield from made_ahead(made, batches, HOST_THREADS, HOST_AHEAD)


class IterableFeed:
    """Batches from an iterator, generator, data set or indexable sequence of batches.

    Without `steps`, an epoch is one pass over the source. With `steps`, an epoch continues where
    the last one stopped and never spans two passes: at the end of a source that can be re-read the
    epoch ends, and the next one starts from the first batch. Sources with a true `endless`
    attribute continue with the next pass.

    Args:
        source: yields `x`, `(x, y)` or `(x, y, sample_weight)`, one batch at a time.
        steps: batches in an epoch; needed for endless sources.
        shuffle: whether to visit an indexable sequence in a new order each pass.
        prepare: applied to each `(x, y, sample_weight)`.
        anew: whether each epoch starts from the first batch, if the source can be re-read.
        host: converts x to numbers, in prefetching threads.
    """

    def __init__(
        self,
        source: Any,
        steps: int | None = None,
        shuffle: bool = False,
        prepare: Callable[[tuple], tuple] | None = None,
        anew: bool = False,
        host: Callable | None = None,
    ):
        self.source = source
        self.host = host
        self.kind = kind_of(source)
        self.again = self.kind.again
        self.asked = steps
        self.endless = bool(steps and self.again and getattr(source, "endless", False))
        if not steps and is_endless(source):
            raise ValueError(ENDLESS)
        self.steps = steps or self.kind.length(source)
        self.shuffle = shuffle
        self.prepare = prepare or (lambda batch: batch)
        self.anew = anew
        self.batch: int | None = None
        self._running: Iterator | None = None
        self._raw: Any = None  # the source's own iterator
        self._given = 0  # batches of this pass
        self._done = 0  # batches of the coming epoch that were given in an earlier run
        self._peeked: list[tuple] = []
        self._random: dict[str, Any] = {}  # the random state at the start of this pass
        self._start: Any = None  # the state of the source's iterator there, if it has one
        self._fresh = not isgenerator(source) or getgeneratorstate(source) == GEN_CREATED

    def peek(self) -> tuple:
        """The first batch, `(x, y, sample_weight)`, without consuming it."""
        self._begin()
        try:
            self._peeked.append(self._prepared(next(self._running)))  # type: ignore[arg-type]
        except StopIteration:
            raise ValueError(f"{type(self.source).__name__} yielded no batches") from None
        return self._peeked[0]

    def _begin(self, given: int = 0, state: Any = None) -> None:
        """Start a new pass over the source, or continue one of which some batches were given.

        Args:
            given: number of those batches.
            state: the saved state of the source's iterator, if it has one.
        """
        self._random = random_state()
        skip = [given] if given and not state else []
        raw = self._raw = self.kind.cut(self.source, self.shuffle, *skip)
        if state:
            raw.set_state(state["iterator"])
            for _ in range(state["behind"]):
                next(raw, END)
        self._start = raw.get_state() if hasattr(raw, "get_state") else None
        self._running, self._given = on_host(self.host, raw) if self.host else raw, given

    def position(self, done: int) -> dict[str, Any]:
        """The position in the data as plain data, after `done` batches of an unfinished epoch.

        An iterator with `get_state` and `set_state` knows its position. Others are read again from
        the random state at the start of the pass.
        """
        given = self._given if self._running is not None else 0
        state = random = None
        if self._start is not None and self.host:  # the iterator is ahead
            state = {"iterator": self._start, "behind": given}
        elif self._start is not None:
            state = {"iterator": self._raw.get_state(), "behind": 0}
        elif self.again and given:
            random = self._random
        return {"given": given, "epoch": done, "random": random, "state": state}

    def resume(self, position: dict[str, Any]) -> int:
        """Continue from a position; returns how many batches to skip in the next slabs: none."""
        given, self._done, state = position["given"], position["epoch"], position["state"]
        peeked, self._peeked = len(self._peeked), []
        if position["random"]:
            set_random_state(position["random"])
        if self.again or state:
            if given or state:
                self._begin(given, state)
            if not given:  # the next epoch begins the next pass
                self._running = None
        elif self._fresh:
            self._given = given
            for _ in range(given - peeked):
                next(self._running, END)  # type: ignore[arg-type]
        return 0

    def epoch(self, more: More | None = None) -> Iterator[Slab]:
        """The slabs of one epoch: one batch each, or several while `more` is true."""
        stack: Stack | None = None
        began = time.perf_counter()
        try:
            for data in self._epoch():
                if stack is not None and stack.fits(data):
                    stack.add(data)
                else:
                    if stack is not None:
                        yield stack.slab()
                        began = time.perf_counter()
                    stack = Stack(data)
                if more and stack.steps < stack.room and more(stack.first, stack.steps, began):
                    stack.open()
                else:
                    done, stack = stack, None
                    yield done.slab()
                    began = time.perf_counter()
        except Exception:
            if stack is not None:
                yield stack.slab()  # what came before the error
            raise
        if stack is not None:
            yield stack.slab()

    def _epoch(self) -> Iterator[tuple]:
        """The batches of one epoch."""
        getattr(self.source, "on_epoch_begin", lambda: None)()
        if self._running is None or (self.anew and self.again and not self._peeked):
            self._begin()
        done, self._done = self._done, 0
        batch: tuple | None = ()
        while self.asked is None or done < self.asked:
            batch = self._next(done)
            if batch is None:
                break
            yield batch
            done += 1
        if (self.asked and done < self.asked) or (not done and not self.again):
            warn_of_end(done, self.asked or 1)
        self.steps = self.steps or done
        if self.again and (batch is None or self._given == self.kind.length(self.source)):
            self._running = None
        getattr(self.source, "on_epoch_end", lambda: None)()

    def _next(self, done: int) -> tuple | None:
        """The next batch, after `done` in this epoch; `None` at the end of the pass.

        If a pass of unknown length turns out to have ended with the last epoch, a new one starts.
        """
        if not self._peeked:
            item = next(self._running, END)  # type: ignore[arg-type]
            if item is END and self.again and self._given and (self.endless or not done):
                if done:
                    getattr(self.source, "on_epoch_end", lambda: None)()
                self._begin()
                item = next(self._running, END)  # type: ignore[arg-type]
            if item is END:
                return None
            self._peeked.append(self._prepared(item))
        self._given += 1
        return self._peeked.pop()

    def _prepared(self, item: Any) -> tuple:
        data = self.prepare(unpack(item))
        self.batch = count_samples(data, "a batch")
        return data
