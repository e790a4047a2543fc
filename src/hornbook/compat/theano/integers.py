"""Integers that determine shapes: `x[i * 20 : (i + 1) * 20]`, `T.zeros((n, 5))`, `n_steps=k`.

A function is compiled when it is called, so shapes are known. Integer arguments are traced, since
otherwise every value would need its own compilation. An op that needs a concrete value anyway gets
that of the current call, and a guard restricts the compiled program to calls with the same value. A
slice only needs its length, and that it ends within the array.

To this end each traced integer is recorded as a linear combination of `Leaf`s.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from hornbook.core.origins import Origins

FEW = 64  # largest number of elements computed at trace time
TRIED = 4  # stand-in for unknown sizes in type inference
NOT_KNOWN = (
    "a size depends on values that are known only at run time. Sizes can depend on shapes, "
    "constants and the function's integer inputs and shared variables"
)


class NotKnownError(ValueError):
    """A size depends on values that are known only at run time.

    Args:
        array: the values.
        where: text appended to the message.
    """

    def __init__(self, array: Any, where: str = ""):
        super().__init__(NOT_KNOWN + where)
        self.array = array
        self.variable: Any = None  # the variable with that value, once found


class Leaf:
    """An integer or integer vector passed to a call, or computed from such.

    Args:
        value: maps a call's integers on the host to the value; `None` if only the device has it.
    """

    def __init__(self, value: Callable[[list], Any] | None):
        self.value = value


class Sum:
    """`constant` plus multiples of leaves."""

    def __init__(self, terms: dict[Leaf, int], constant: int = 0):
        self.terms = {leaf: factor for leaf, factor in terms.items() if factor}
        self.constant = constant

    def plus(self, other: "Sum", sign: int = 1) -> "Sum":
        """The sum or difference of two."""
        terms = dict(self.terms)
        for leaf, factor in other.terms.items():
            terms[leaf] = terms.get(leaf, 0) + sign * factor
        return Sum(terms, self.constant + sign * other.constant)

    def times(self, factor: int) -> "Sum":
        """A multiple."""
        return Sum({leaf: n * factor for leaf, n in self.terms.items()}, self.constant * factor)

    @property
    def known(self) -> bool:
        """Whether the value can be computed on the host."""
        return all(leaf.value is not None for leaf in self.terms)

    def value(self, integers: list) -> Any:
        """The value in a call."""
        if self.constant == 0 and [*self.terms.values()] == [1]:
            return next(iter(self.terms)).value(integers)  # type: ignore[misc]
        parts = (n * int(leaf.value(integers)) for leaf, n in self.terms.items())  # type: ignore[misc]
        return self.constant + sum(parts)


class Trace:
    """What is known about integers while one call is traced.

    Args:
        integers: the call's values; only integers on the host are read.
    """

    def __init__(self, integers: list):
        self.integers = integers
        self.guards: list[Callable[[list], bool]] = []
        self._sums = Origins()

    def begin(self, array: Any, index: int) -> None:
        """Record the call's array at an index, if it holds few integers."""
        if _is_small_integer(array):
            self.note(array, Sum({Leaf(lambda values: np.asarray(values[index])): 1}))

    def note(self, array: Any, made_of: Sum) -> None:
        """Record how an integer is computed."""
        self._sums.note(array, made_of)

    def sum_of(self, array: Any) -> Sum | None:
        """How an integer is computed; `None` if unknown."""
        if array is None:
            return None
        if isinstance(array, jax.core.Tracer):
            return self._sums.of(array)
        return Sum({}, int(array))

    def equal(self, made_of: Sum) -> Any:
        """The value in this call; guards the trace against calls with another one."""
        found = made_of.value(self.integers)
        if made_of.terms:
            known = np.array(found)

            def same(now: list) -> bool:
                return bool(np.array_equal(made_of.value(now), known))

            self.guards.append(same)
        return found

    def within(self, made_of: Sum, low: int, high: int) -> None:
        """Guard the trace against calls where an integer is out of this range."""
        if made_of.terms:
            self.guards.append(lambda now: low <= made_of.value(now) <= high)


class _Thread(threading.local):
    traces: tuple[Trace | None, ...] = (None,)
    guesses = False


_thread = _Thread()


def current() -> Trace | None:
    """The trace in progress, if any."""
    return _thread.traces[-1]


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """A context in which a call is being traced."""
    before = _thread.traces, _thread.guesses
    _thread.traces, _thread.guesses = (*before[0], trace), False
    try:
        yield trace
    finally:
        _thread.traces, _thread.guesses = before


@contextmanager
def guessing() -> Iterator[None]:
    """A context for type inference, where any size will do."""
    before = _thread.guesses
    _thread.guesses = True
    try:
        yield
    finally:
        _thread.guesses = before


def is_guessing() -> bool:
    """Whether types are being inferred."""
    return _thread.guesses


def concrete(value: Any) -> Any:
    """The concrete integer, or tuple of integers, in this call.

    Ops call it on each argument that determines a shape.

    Args:
        value: an integer, or a scalar or vector of integers, traced or not.

    Raises:
        NotKnownError: if it is known only at run time.
    """
    if isinstance(value, jax.core.Tracer):
        trace, made_of = current(), None
        if is_guessing():
            return (TRIED,) * value.shape[0] if value.ndim else TRIED
        if trace is not None:
            made_of = trace.sum_of(value)
        if trace is None or made_of is None or not made_of.known:
            raise NotKnownError(value)
        value = trace.equal(made_of)
    found = np.asarray(value)
    return int(found) if found.ndim == 0 else tuple(int(n) for n in found)


def concretes(values: Any) -> tuple[int, ...]:
    """The concrete sizes of a shape: a vector, or a list or tuple of integers."""
    if isinstance(values, list | tuple):
        return tuple(concrete(value) for value in values)
    found = concrete(values)
    return found if isinstance(found, tuple) else (found,)


def is_host(value: Any) -> bool:
    """Whether a value is known at trace time."""
    return isinstance(value, np.ndarray | np.generic | int | float | bool)


def window(size: int, start: Any, stop: Any) -> tuple[Any, int]:
    """The start of a slice of an axis, and its concrete length.

    Args:
        size: of the axis.
        start, stop: integers, traced or not; `None` for the ends of the axis.

    Raises:
        NotKnownError: if the length is not known.
    """
    trace = current()
    ends = [0 if start is None else start, size if stop is None else stop]
    if all(is_host(end) for end in ends):
        first, last, _ = slice(int(ends[0]), int(ends[1])).indices(size)
        return first, max(last - first, 0)
    if is_guessing():
        return 0, size
    where = f" (the slice {_shown(start)}:{_shown(stop)})"
    low, high = (trace.sum_of(end) if trace else None for end in ends)
    if trace is None or low is None or high is None:
        raise NotKnownError(ends[0] if low is None else ends[1], where)
    length = high.plus(low, -1)
    if not low.known or not high.known:
        if length.terms or not 0 <= length.constant <= size:
            raise NotKnownError(ends[1] if low.known else ends[0], where)
        return ends[0], length.constant
    first, last = int(low.value(trace.integers)), int(high.value(trace.integers))
    if not 0 <= first <= last <= size:
        first, last, _ = slice(trace.equal(low), trace.equal(high)).indices(size)
        return first, max(last - first, 0)
    count = int(trace.equal(length))
    trace.within(low, 0, size - count)
    return ends[0], count


def _shown(end: Any) -> str:
    return "" if end is None else str(end) if is_host(end) else "?"


def derived(name: str, fn: Callable, args: list, results: list) -> None:
    """Record how the small integers that an op returned are computed.

    Args:
        name: the op; `add`, `sub`, `mul`, `neg` and `cast` are tracked symbolically.
        fn: maps its tensors to the list of its results.
        args: its tensors.
        results: its traced results.
    """
    trace = current()
    small = [isinstance(r, jax.core.Tracer) and _is_small_integer(r) for r in results]
    if trace is None or not any(small):
        return
    sums: list[Any] = []
    for arg in args:
        if is_host(arg) and np.size(arg) <= FEW:
            whole = np.ndim(arg) == 0 and np.asarray(arg).dtype.kind in "iub"
            sums.append(Sum({}, int(arg)) if whole else Sum({Leaf(_always(arg)): 1}))
        else:
            sums.append(trace.sum_of(arg) if isinstance(arg, jax.core.Tracer) else None)
    if None in sums:
        return
    made_of = SEEN_THROUGH[name](*sums) if name in SEEN_THROUGH and results[0].ndim == 0 else None
    if made_of is not None and all(np.ndim(arg) == 0 for arg in args):
        return trace.note(results[0], made_of)
    known = all(made_of.known for made_of in sums)
    for index, result in enumerate(results):
        if small[index]:

            def value(integers, index=index):
                with jax.ensure_compile_time_eval():
                    return np.asarray(fn(*[s.value(integers) for s in sums])[index])

            trace.note(result, Sum({Leaf(value if known else None): 1}))


def _always(value: Any) -> Callable[[list], Any]:
    return lambda integers: value


def _is_small_integer(array: Any) -> bool:
    return array.ndim <= 1 and array.size <= FEW and array.dtype.kind in "iub"


def _product(a: Sum, b: Sum) -> Sum | None:
    if not a.terms:
        return b.times(a.constant)
    return None if b.terms else a.times(b.constant)


SEEN_THROUGH: dict[str, Callable] = {
    "add": lambda a, b: a.plus(b),
    "sub": lambda a, b: a.plus(b, -1),
    "mul": _product,
    "neg": lambda a: a.times(-1),
    "cast": lambda a: a,
}
