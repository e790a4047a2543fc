"""`tf.scan`, `tf.map_fn` and folds: a part of a graph for each element."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.compat.tensorflow1.applying import Spec, apply, convert
from hornbook.compat.tensorflow1.control import Part, flat_of, rebuilt, stand_in, traced


def scan(
    fn: Callable,
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: Any = None,
) -> Any:
    """`tf.scan`: all values of `state = fn(state, element)`, stacked."""
    return _scanned(fn, elems, initializer, reverse, name or "scan", all_states=True)


def foldl(fn: Callable, elems: Any, initializer: Any = None, name: Any = None, **ignored: Any):
    """`tf.foldl`: the last value of `state = fn(state, element)`."""
    return _scanned(fn, elems, initializer, False, name or "foldl", all_states=False)


def foldr(fn: Callable, elems: Any, initializer: Any = None, name: Any = None, **ignored: Any):
    """`tf.foldr`: `foldl` from the last element."""
    return _scanned(fn, elems, initializer, True, name or "foldr", all_states=False)


def map_fn(fn: Callable, elems: Any, dtype: Any = None, name: Any = None, **ignored: Any) -> Any:
    """`tf.map_fn`: the results of a function of each element, stacked."""
    given = [convert(one) for one in flat_of(elems)]
    inside = [stand_in(one, tuple(one.shape)[1:]) for one in given]
    made, mark = traced(fn, rebuilt(elems, list(inside)))
    ends = [convert(one) for one in flat_of(made)]
    part = Part(inside, ends, mark)
    fn_ = _Map(part, part.captured)
    count = tuple(given[0].shape)[0] if given[0].shape else None
    specs = [Spec((count, *e.shape) if e.shape.ndims is not None else None, e.dtype) for e in ends]
    results = apply(fn_, (given, part.captured), name=name or "map", kind="Map", specs=specs)
    return rebuilt(made, list(results))


class _Map:
    __name__ = "map_fn"

    def __init__(self, part: Part, captured: list):
        self.part, self.captured = part, captured

    def __call__(self, elems: list, values: list) -> list:
        outside = dict(zip(self.captured, values, strict=True))

        def one(pair: tuple) -> list:
            number, parts = pair
            given = outside | dict(zip(self.part.inputs, parts, strict=True))
            return [jnp.asarray(v) for v in self.part.run(given, number)]

        arrays = [jnp.asarray(e) for e in elems]
        return jax.lax.map(one, (jnp.arange(arrays[0].shape[0], dtype="int32"), arrays))


def _scanned(
    fn: Callable, elems: Any, initializer: Any, reverse: bool, name: str, all_states: bool
) -> Any:
    given = [convert(one) for one in flat_of(elems)]
    begins = initializer is not None
    states = (
        [convert(one) for one in flat_of(initializer)]
        if begins
        else [apply(_end_of, (one, reverse)) for one in given]
    )
    shape = initializer if begins else elems
    inside = [stand_in(one) for one in states]
    element = [stand_in(one, tuple(one.shape)[1:]) for one in given]
    made, mark = traced(fn, rebuilt(shape, list(inside)), rebuilt(elems, list(element)))
    ends = [convert(one) for one in flat_of(made)]
    part = Part([*inside, *element], ends, mark)
    fn_ = _Scan(part, part.captured, begins, reverse, all_states)
    count = tuple(given[0].shape)[0]
    specs = [Spec((count, *e.shape) if all_states else e.shape, e.dtype) for e in ends]
    results = apply(fn_, (states, given, part.captured), name=name, kind="Scan", specs=specs)
    return rebuilt(made, list(results))


def _end_of(x: Any, reverse: bool) -> Any:
    return x[-1 if reverse else 0]


class _Scan:
    __name__ = "scan"

    def __init__(self, part: Part, captured: list, begins: bool, reverse: bool, all_states: bool):
        self.part, self.captured, self.begins = part, captured, begins
        self.reverse, self.all_states = reverse, all_states

    def __call__(self, states: list, elems: list, values: list) -> list:
        outside = dict(zip(self.captured, values, strict=True))
        arrays = [jnp.asarray(e) for e in elems]
        if not self.begins:
            arrays = [a[:-1] if self.reverse else a[1:] for a in arrays]
        first = [jnp.asarray(s) for s in states]

        def turn(carry: list, pair: tuple) -> tuple:
            number, parts = pair
            given = outside | dict(zip(self.part.inputs, [*carry, *parts], strict=True))
            found = [
                jnp.asarray(v).astype(c.dtype)
                for v, c in zip(self.part.run(given, number), carry, strict=True)
            ]
            return found, found if self.all_states else None

        numbers = jnp.arange(arrays[0].shape[0], dtype="int32")
        found: Any
        last, found = jax.lax.scan(turn, first, (numbers, arrays), reverse=self.reverse)
        if not self.all_states:
            return last
        if self.begins:
            return found
        ends = [f[None] for f in first]
        pairs = zip(ends, found, strict=True)
        return [jnp.concatenate([f, e] if self.reverse else [e, f]) for e, f in pairs]
