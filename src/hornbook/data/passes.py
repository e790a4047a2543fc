"""How a `Dataset` is read: passes with a position, seeds, and threads."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hornbook.core.random import draw_seed
from hornbook.data.elements import apply, describe, spec_of
from hornbook.training.dataset import in_advance, made_ahead

AUTOTUNE = -1  # as a number of threads or elements: as many as suit the machine
INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = -1, -2
AHEAD = 2  # elements prefetched by AUTOTUNE, and batches prefetched for `fit`
THREADS = 8  # maximum number of threads of AUTOTUNE
DRAWS = 1024  # random numbers of a shuffle that are drawn at once
END: Any = object()

# `read(start, key)`: an iterator over one pass from element `start` on; see `Dataset`.
Read = Callable[[int, tuple], Iterator]


class Passes:
    """What can be read again and again, one element at a time: the base class of `Dataset`.

    Args:
        read: `read(start, key)` returns an iterator over one pass from element `start` on. `key`
            has the numbers of the pass and of the repetitions inside it; shuffles draw from it.
        cardinality: number of elements; -1 if infinite, -2 if unknown.
        sources: the data sets that it reads.
        seed: seed of its own draws, if it has any.
    """

    def __init__(
        self,
        read: Read,
        cardinality: int = UNKNOWN_CARDINALITY,
        sources: tuple = (),
        seed: "Seed | None" = None,
    ):
        self._read = read
        self._count = cardinality
        self._sources = sources
        self._seed = seed
        self._passes = 0
        self._batch_size: int | None = None
        self._is_prefetched = False

    def __iter__(self) -> "DatasetIterator":
        return DatasetIterator(self)

    def read_ahead(self) -> "ReadAhead":
        """One pass, read ahead in a thread; how `fit` reads."""
        return ReadAhead(self)

    def as_numpy_iterator(self) -> "DatasetIterator":
        """The same as `iter(dataset)`: elements are numpy arrays."""
        return DatasetIterator(self)

    def cardinality(self) -> int:
        """Number of elements; -1 if infinite, -2 if unknown."""
        return self._count

    @property
    def element_spec(self) -> Any:
        """The structure of elements with a `TensorSpec` for each array, as in the first element.

        Raises:
            ValueError: if there are no elements.
        """
        for element in self._read(0, (0,)):
            return apply(lambda leaf: spec_of(leaf, self._batch_size is not None), element)
        raise ValueError("Dataset.element_spec: the data set has no elements")

    def __len__(self) -> int:
        if self._count < 0:
            known = "infinite" if self._count == INFINITE_CARDINALITY else "unknown"
            raise TypeError(f"the length of this Dataset is {known}")
        return self._count

    def __bool__(self) -> bool:
        return True

    def _seeds(self) -> Iterator["Seed"]:
        """The seeds of this data set and its sources, in a fixed order."""
        if self._seed is not None:
            yield self._seed
        for source in self._sources:
            yield from source._seeds()


class DatasetIterator(Iterator):
    """One pass over a `Dataset`, with a position that can be saved and restored."""

    def __init__(self, dataset: Passes):
        self._dataset = dataset
        self._begin(dataset._passes, 0)

    def _begin(self, number: int, position: int) -> None:
        self._number, self._position = number, position
        self._dataset._passes = number + 1
        self._elements = self._dataset._read(position, (number,))

    def __next__(self) -> Any:
        element = next(self._elements)
        self._position += 1
        return element

    def get_state(self) -> dict:
        """The position: plain integers, which JSON can hold."""
        seeds = [seed.value for seed in self._dataset._seeds()]
        return {"pass": self._number, "position": self._position, "seeds": seeds}

    def set_state(self, state: dict) -> None:
        """Continue from a position that `get_state` returned, for the same pipeline.

        Seeds that were drawn rather than passed are restored too.

        Raises:
            ValueError: if the state is of another pipeline.
        """
        seeds = list(self._dataset._seeds())
        whole = isinstance(state, dict) and {"pass", "position", "seeds"} == set(state)
        fits = whole and len(state["seeds"]) == len(seeds) and _are_counts(state)
        count = self._dataset._count
        if (
            not fits
            or 0 <= count < state["position"]
            or any(
                seed.given and seed.value != value
                for seed, value in zip(seeds, state["seeds"], strict=True)
            )
        ):
            raise ValueError(
                f"DatasetIterator.set_state: {state!r} was not returned by get_state() of the same "
                f"pipeline, which has the seeds {[seed.value for seed in seeds]}"
            )
        for seed, value in zip(seeds, state["seeds"], strict=True):
            seed.value = value
        self._begin(state["pass"], state["position"])


class ReadAhead(Iterator):
    """One pass over a `Dataset`, read ahead in a thread, with the position of its consumer."""

    def __init__(self, dataset: Passes):
        self._dataset = dataset
        self._begin(DatasetIterator(dataset))

    def _begin(self, elements: DatasetIterator) -> None:
        self._state = elements.get_state()
        self._elements: Iterator
        is_ahead = self._dataset._is_prefetched
        self._elements = elements if is_ahead else in_advance(elements, AHEAD)

    def __next__(self) -> Any:
        element = next(self._elements)
        self._state["position"] += 1
        return element

    def get_state(self) -> dict:
        """The position, as that of `DatasetIterator`."""
        return dict(self._state)

    def set_state(self, state: dict) -> None:
        """Continue from a position; see `DatasetIterator.set_state`."""
        elements = DatasetIterator(self._dataset)
        elements.set_state(state)
        self._begin(elements)


class Seed:
    """The seed of a shuffle, drawn if it is not given."""

    def __init__(self, seed: int | None):
        self.given = seed is not None
        self.value = draw_seed() if seed is None else int(seed)

    def draws(self, key: tuple) -> Iterator[float]:
        """Endless uniform random numbers below 1 for a key."""
        entropy = [abs(self.value), int(self.value < 0)]
        generator = np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=key))
        while True:
            yield from generator.random(DRAWS).tolist()


def shortest(counts: list[int]) -> int:
    """The cardinality of data sets that are read side by side."""
    if UNKNOWN_CARDINALITY in counts:
        return UNKNOWN_CARDINALITY
    finite = [count for count in counts if count != INFINITE_CARDINALITY]
    return min(finite, default=INFINITE_CARDINALITY)


def together(first: int, second: int) -> int:
    """The cardinality of two data sets that are read one after the other."""
    if INFINITE_CARDINALITY in (first, second):
        return INFINITE_CARDINALITY
    return first + second if min(first, second) >= 0 else UNKNOWN_CARDINALITY


def _are_counts(state: dict) -> bool:
    numbers = [state["pass"], state["position"], *state["seeds"]]
    return all(type(one) is int for one in numbers) and min(numbers[:2]) >= 0


def threads_of(asked: int | None, name: str) -> int:
    """The number of threads of `num_parallel_calls`."""
    if asked is None:
        return 0
    if isinstance(asked, bool) or (asked < 1 and asked != AUTOTUNE):
        raise ValueError(
            f"Dataset.{name}: num_parallel_calls is 1 or more, -1 (AUTOTUNE) or None, not {asked!r}"
        )
    return min(THREADS, os.cpu_count() or 1) if asked == AUTOTUNE else asked


def each(function: Callable, items: Iterator, threads: int) -> Iterator:
    """`function` of each item in order, in threads if there are any."""
    return made_ahead(function, items, threads, 2 * threads) if threads else map(function, items)


def call(function: Callable, name: str, numbered: tuple[int, Any]) -> Any:
    """A user's function of an element; its error names the element."""
    number, element = numbered
    try:
        return function(*element) if type(element) is tuple else function(element)
    except Exception as error:
        called = getattr(function, "__name__", type(function).__name__)
        error.add_note(f"in Dataset.{name}({called}), for element {number}: {describe(element)}")
        raise


def from_the_start(elements: Callable[[tuple], Iterator]) -> Read:
    """`read` of a data set whose elements before the position must be computed."""
    return lambda start, key: itertools.islice(elements(key), start, None)


def one_by_one(read: Read, keys: Iterator[tuple], start: int) -> Iterator:
    """Passes one after another, the first from element `start` on; ends after an empty one."""
    for key in keys:
        given = False
        for element in read(start, key):
            yield element
            given = True
        if not given and not start:
            return
        start = 0


def shuffled(elements: Iterator, draws: Iterator[float], room: int | None) -> Iterator:
    """Elements in random order, each drawn from a buffer of the next `room`; `None` for all."""
    buffer = list(itertools.islice(elements, room))
    for element in elements:
        i = int(next(draws) * len(buffer))
        yield buffer[i]
        buffer[i] = element
    while buffer:
        i = int(next(draws) * len(buffer))
        buffer[i], buffer[-1] = buffer[-1], buffer[i]
        yield buffer.pop()


def windows(elements: Iterator, size: int, shift: int, stride: int) -> Iterator[list]:
    """Windows of up to `size` elements, every `stride`-th; their starts are `shift` apart."""
    span = (size - 1) * stride + 1
    held = list(itertools.islice(elements, span))
    while held:
        yield held[::stride]
        unused = max(shift - len(held), 0)
        next(itertools.islice(elements, unused, unused), None)
        held = held[shift:]
        held += itertools.islice(elements, span - len(held))


def in_turn(sources: Iterator[Iterator], cycle: int, block: int) -> Iterator:
    """Elements of `cycle` iterators in turn, `block` from each; one that ends is replaced."""
    slots = list(itertools.islice(sources, cycle))
    while slots:
        for place, source in enumerate(slots):
            given = 0
            for element in itertools.islice(source, block):
                yield element
                given += 1
            if given < block:
                slots[place] = next(sources, END)
        slots = [source for source in slots if source is not END]
