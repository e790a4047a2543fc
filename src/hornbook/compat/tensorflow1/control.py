"""Conditions and loops: parts of a graph that are run on demand, as JAX's `cond`, `while`, `scan`.

The functions that a program gives are called once, and what they record is the part. A loop whose
number of turns follows from sizes and constants is a `scan`, which has a gradient.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow1.applying import Spec, apply, convert, like
from hornbook.compat.tensorflow1.arrays import TensorArray, packed, unpacked
from hornbook.compat.tensorflow1.graph import Operation, get_default_graph, node_of
from hornbook.compat.tensorflow1.running import current, inputs_of, ordered
from hornbook.compat.tensorflow1.sources import Constant, Placeholder
from hornbook.compat.theano import integers
from hornbook.core.symbolic import Node, SymbolicTensor

NO_ASSIGN = "{} assigns {} in a loop: assign after the loop what the loop returns"
MOST_TURNS = 100_000  # of a loop whose turns are counted first


class Part:
    """What a function recorded: its nodes, results, assignments, and what it reads from outside.

    Args:
        inputs: tensors that stand for its arguments.
        ends: results, as tensors and operations.
        mark: the number of operations before it was called.
    """

    def __init__(self, inputs: list, ends: list, mark: int):
        known = set(inputs)
        order = ordered(ends, known)
        inner = {n for n in order if n.op is not None and getattr(n, "number", -1) >= mark}
        for node in order:  # layers of Keras are not numbered
            of_layer = node.op is not None and not isinstance(node, Operation)
            if of_layer and any(t in known or t.node in inner for t in inputs_of(node)):
                inner.add(node)
        self.inputs, self.ends = inputs, [e for e in ends if isinstance(e, SymbolicTensor)]
        self.nodes = [n for n in order if n in inner]
        self.assigned = list(
            dict.fromkeys(v for n in self.nodes for v in getattr(n, "assigns", ()))
        )
        used = [t for n in self.nodes for t in inputs_of(n)] + self.ends + self.assigned
        self.captured = [
            t
            for t in dict.fromkeys(used)
            if t not in known and t.node not in inner and not isinstance(t, Constant)
        ]

    def run(self, values: dict, fold: Any = None, also: list | None = None) -> list:
        """The results, and what variables are afterwards.

        Args:
            values: of inputs and of what is read from outside.
            fold: a number that random draws also depend on.
            also: other tensors to compute.
        """
        run = current()
        return run.part(self.nodes, [*self.ends, *(also or self.assigned)], values, fold)  # type: ignore[union-attr]


def traced(function: Callable, *args: Any) -> tuple[Any, int]:
    """What a function returns, and the number of operations before."""
    mark = len(get_default_graph().operations)
    return function(*args), mark


def stand_in(tensor: Any, shape: Any = None) -> Placeholder:
    """A tensor that stands for another in a part."""
    with get_default_graph().control_dependencies(None):
        return Placeholder(tensor.shape if shape is None else shape, tensor.dtype, "stand_in")


# ---- conditions


def cond(
    pred: Any,
    true_fn: Any = None,
    false_fn: Any = None,
    strict: bool = False,
    name: Any = None,
    fn1: Any = None,
    fn2: Any = None,
) -> Any:
    """`tf.cond`: the results of one of two functions."""
    first, second = true_fn or fn1, false_fn or fn2
    if isinstance(pred, bool | np.bool_):
        return first() if pred else second()
    results = [traced(function) for function in (first, second)]
    lists = [[_end(one) for one in flat_of(made)] for made, _ in results]
    if len(lists[0]) != len(lists[1]):
        raise ValueError(
            f"tf.cond: the functions return {len(lists[0])} and {len(lists[1])} tensors"
        )
    parts = [Part([], ends, mark) for ends, (_, mark) in zip(lists, results, strict=True)]
    assigned = list(dict.fromkeys([*parts[0].assigned, *parts[1].assigned]))
    captured = list(dict.fromkeys([*parts[0].captured, *parts[1].captured, *assigned]))
    specs = [like(v) for v in assigned] + [
        _either(a, b) for a, b in zip(parts[0].ends, parts[1].ends, strict=True)
    ]
    fn = _Cond(parts, captured, assigned)
    if not specs:
        return Operation(fn, (convert(pred), captured), name=name, kind="cond")
    made = apply(
        fn,
        (convert(pred), captured),
        name=name or "cond",
        kind="Merge",
        specs=specs,
        assigns=tuple(assigned),
    )
    if not parts[0].ends:
        return made[0].op
    return rebuilt(results[0][0], list(made[len(assigned) :]))


class _Cond:
    __name__ = "cond"

    def __init__(self, parts: list, captured: list, assigned: list):
        self.parts, self.captured, self.assigned = parts, captured, assigned

    def __call__(self, pred: Any, values: list) -> list:
        known = dict(zip(self.captured, values, strict=True))
        host = {k: v for k, v in known.items() if integers.is_host(v)}

        def branch(part: Part) -> Callable:
            def run(arrays: dict) -> list:
                inside = {**arrays, **host}
                found = part.run(inside, also=[*self.assigned, *part.assigned])
                count = len(part.ends)
                ends, after = found[:count], found[count : count + len(self.assigned)]
                return [jnp.asarray(one) for one in (*after, *ends)]

            return run

        chosen = [branch(part) for part in self.parts]
        arrays = {k: v for k, v in known.items() if k not in host}
        if integers.is_host(pred):
            return chosen[0 if bool(pred) else 1](arrays)
        keys = list(arrays)
        both = [lambda *vs, run=run: run(dict(zip(keys, vs, strict=True))) for run in chosen]
        return jax.lax.cond(jnp.reshape(pred, ()).astype(bool), *both, *arrays.values())


def _either(a: Any, b: Any) -> Spec:
    if a.shape == b.shape:
        return like(a)
    same = len(tuple(a.shape)) == len(tuple(b.shape))
    pairs = zip(tuple(a.shape), tuple(b.shape), strict=False)
    return Spec([x if x == y else None for x, y in pairs] if same else None, a.dtype)


def case(
    pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict=False, name="case"
) -> Any:
    """`tf.case`: the result of the function of the first true condition."""
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    chosen = default or pairs.pop()[1]
    for pred, function in reversed(pairs):
        chosen = lambda p=pred, f=function, rest=chosen: cond(p, f, rest)  # noqa: E731
    return chosen()


def flat_of(made: Any) -> list:
    if isinstance(made, dict):
        return [leaf for one in made.values() for leaf in flat_of(one)]
    if isinstance(made, list | tuple):
        return [leaf for one in made for leaf in flat_of(one)]
    if isinstance(made, TensorArray):
        return [made.flow]
    return [] if made is None else [made]


def _end(one: Any) -> Any:
    return one if isinstance(one, Node) and node_of(one) is one else convert(one)


def rebuilt(like: Any, values: list) -> Any:
    """The structure of `like` with other tensors; takes them from the list."""
    if isinstance(like, dict):
        return type(like)({key: rebuilt(one, values) for key, one in like.items()})
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(*(rebuilt(one, values) for one in like))
    if isinstance(like, list | tuple):
        return type(like)(rebuilt(one, values) for one in like)
    if isinstance(like, TensorArray):
        return like.with_flow(values.pop(0))
    if like is None or (isinstance(like, Node) and node_of(like) is like):
        return like
    return values.pop(0)


# ---- loops


def while_loop(
    cond: Callable,
    body: Callable,
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: Any = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """`tf.while_loop`: repeat `body` while `cond` holds."""
    single = not isinstance(loop_vars, list | tuple)
    variables = [loop_vars] if single else list(loop_vars)
    first = [packed(one) for one in _flat_arrays(variables)]
    shapes = flat_of(shape_invariants) if shape_invariants is not None else [None] * len(first)
    stands = [
        one.stand_in() if isinstance(one, TensorArray) else stand_in(one, shape)
        for one, shape in zip(first, [*shapes, *[None] * len(first)][: len(first)], strict=True)
    ]
    inside = _rebuilt_arrays(variables, list(stands))
    test, mark = traced(cond, *inside)
    made, _ = traced(body, *inside)
    made = [made] if single or not isinstance(made, list | tuple) else list(made)
    after = [packed(one) for one in _flat_arrays(made)]
    tensors = [unpacked(one) for one in stands]
    ends = [unpacked(one) for one in after]
    tests = Part(tensors, [convert(test)], mark)
    turns = Part(tensors, ends, mark)
    if turns.assigned:
        raise NotImplementedError(NO_ASSIGN.format(name or "tf.while_loop", turns.assigned))
    captured = list(dict.fromkeys(t for p in (tests, turns) for t in p.captured))
    fn = _While(
        tests, turns, captured, [isinstance(s, TensorArray) for s in stands], maximum_iterations
    )
    starts = [one.start() if isinstance(one, TensorArray) else one for one in first]
    specs = [_either(a, b) for a, b in zip(tensors, ends, strict=True)]
    results = list(apply(fn, (starts, captured), name=name or "while", kind="Exit", specs=specs))
    found = _rebuilt_arrays(
        variables,
        [
            one.with_flow(t) if isinstance(one, TensorArray) else t
            for one, t in zip(after, results, strict=True)
        ],
    )
    if len(variables) == 1 and not return_same_structure:
        return found[0]
    return type(loop_vars)(found) if isinstance(loop_vars, list | tuple) else found[0]


def _flat_arrays(made: Any) -> list:
    if isinstance(made, dict):
        return [leaf for one in made.values() for leaf in _flat_arrays(one)]
    if isinstance(made, list | tuple):
        return [leaf for one in made for leaf in _flat_arrays(one)]
    return [made]


def _rebuilt_arrays(like: Any, values: list) -> Any:
    if isinstance(like, dict):
        return type(like)({key: _rebuilt_arrays(one, values) for key, one in like.items()})
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(*(_rebuilt_arrays(one, values) for one in like))
    if isinstance(like, list | tuple):
        return type(like)(_rebuilt_arrays(one, values) for one in like)
    return values.pop(0)


class _While:
    __name__ = "while"

    def __init__(self, tests: Part, turns: Part, captured: list, arrays: list, most: Any):
        self.tests, self.turns, self.captured, self.arrays = tests, turns, captured, arrays
        self.most = most

    def __call__(self, starts: list, values: list) -> list:
        outside = dict(zip(self.captured, values, strict=True))
        inputs = self.turns.inputs
        starts = self._allocated(starts, outside)

        def test(carry: list) -> Any:
            given = outside | dict(zip(inputs, carry, strict=True))
            return self.tests.run(given)[0]

        def turn(carry: list, number: Any) -> list:
            given = outside | dict(zip(inputs, carry, strict=True))
            found = self.turns.run(given, number)
            return [
                jnp.asarray(v).astype(jnp.asarray(c).dtype)
                for v, c in zip(found, carry, strict=True)
            ]

        count = self._counted(starts, outside)
        carry = [jnp.asarray(one) for one in starts]
        if count is not None:
            try:
                return jax.lax.scan(
                    lambda c, k: (turn(c, k), None), carry, jnp.arange(count, dtype="int32")
                )[0]
            except TypeError as error:
                if "carry" not in str(error) or count > 1000:
                    raise
                for number in range(count):  # shapes that change
                    carry = turn(carry, number)
                return carry
        limit = 2**31 - 1 if self.most is None else self.most

        def go(pair: tuple) -> Any:
            return jnp.reshape(test(pair[0]), ()).astype(bool) & (pair[1] < limit)

        return jax.lax.while_loop(go, lambda p: (turn(*p), p[1] + 1), (carry, jnp.int32(0)))[0]

    def _allocated(self, starts: list, outside: dict) -> list:
        """The starts, with zeros for arrays of tensors that are not written yet."""
        found = list(starts)
        for place, is_array in enumerate(self.arrays):
            if is_array and np.shape(starts[place]) == (1, 0):
                found[place] = None
        if None not in [f if f is None else 0 for f in found]:
            return found
        run = current()
        missing = [k for k, f in enumerate(found) if f is None]
        inputs = self.turns.inputs

        def first(known: dict) -> list:
            given = outside | {inputs[k]: v for k, v in known.items()}
            given |= {inputs[k]: jnp.zeros((1, 0)) for k in missing}
            return run.part(self.turns.nodes, [self.turns.ends[k] for k in missing], given)  # type: ignore[union-attr]

        known = {k: jnp.asarray(f) for k, f in enumerate(found) if f is not None}
        for k, spec in zip(missing, jax.eval_shape(first, known), strict=True):
            found[k] = jnp.zeros(spec.shape, spec.dtype)
        return found

    def _counted(self, starts: list, outside: dict) -> int | None:
        """The number of turns, if it follows from what the host knows."""
        inputs = self.turns.inputs
        deciding: set = set()
        waiting = [t for n in self.tests.nodes for t in inputs_of(n)] + self.tests.ends
        produced = {t: n for n in (*self.tests.nodes, *self.turns.nodes) for t in n.output_list}
        seen: set = set()
        while waiting:
            t = waiting.pop()
            if t in seen:
                continue
            seen.add(t)
            if t in inputs:
                deciding.add(t)
                waiting.append(self.turns.ends[inputs.index(t)])
            elif t in produced:
                waiting.extend(inputs_of(produced[t]))
            elif t in outside and not integers.is_host(outside[t]):
                return None
        values = {t: v for t, v in zip(inputs, starts, strict=True) if t in deciding}
        if not all(integers.is_host(v) for v in values.values()):
            return None
        needed = [self.turns.ends[inputs.index(t)] for t in values]
        known = {k: v for k, v in outside.items() if integers.is_host(v)}
        nodes = ordered(needed, {*inputs, *outside})
        nodes = [n for n in nodes if n in set(self.turns.nodes)]
        count, run = 0, current()
        while count < MOST_TURNS and (self.most is None or count < self.most):
            test = self.tests.run(known | values)[0]
            if not integers.is_host(test):
                return None
            if not bool(np.all(test)):
                return count
            found = run.part(nodes, needed, known | values)  # type: ignore[union-attr]
            if not all(integers.is_host(v) for v in found):
                return None
            values = dict(zip(values, found, strict=True))
            count += 1
        return count if self.most is not None and count == self.most else None


# ---- functions of each element
