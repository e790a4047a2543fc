"""`theano.scan`: a loop is one node that runs its step on the device.

The step function is called once, with variables for one element of each sequence and for the
states, and becomes a part of the graph. Loop-invariant computations in it run before the loop.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hornbook.compat.theano import integers
from hornbook.compat.theano.basic import cast
from hornbook.compat.theano.graph import Part, made_at, sources
from hornbook.compat.theano.shared import SharedVariable
from hornbook.compat.theano.types import TensorType, is_float
from hornbook.compat.theano.variable import (
    Op,
    TensorVariable,
    as_tensor_variable,
    is_constant,
    record,
)

ATTEMPTS = 4  # to find stable types of the states


class Until:
    """Returned by a step to give the condition after which the loop stops.

    Args:
        condition: a scalar variable.
    """

    def __init__(self, condition: Any):
        self.condition = as_tensor_variable(condition)
        if self.condition.ndim:
            raise TypeError(f"the condition of until is a scalar, not {condition}")


until = Until


class OrderedUpdates(OrderedDict):
    """Maps shared variables to their values after a loop; `+` merges two."""

    def __add__(self, other):
        return OrderedUpdates([*self.items(), *dict(other).items()])

    def __radd__(self, other):
        return OrderedUpdates([*dict(other).items(), *self.items()])


class Sequence(NamedTuple):
    """A sequence, of which a step gets elements.

    Attributes:
        input: a variable.
        taps: offsets of the elements relative to the step.
    """

    input: TensorVariable
    taps: tuple[int, ...]


class State(NamedTuple):
    """The results of earlier steps that a step gets.

    Attributes:
        initial: a variable, with a leading time axis for several steps; `None` if unused.
        taps: offsets of the steps relative to this one.
    """

    initial: TensorVariable | None
    taps: tuple[int, ...]

    @property
    def depth(self) -> int:
        """How many steps back the taps reach."""
        return -min(self.taps, default=0)

    @property
    def type(self) -> TensorType:
        """The type of one of them."""
        made = self.initial.type  # type: ignore[union-attr]
        return made if self.taps == (-1,) else made.clone(broadcastable=made.broadcastable[1:])


class Step:
    """The step of a loop, as a part of the graph.

    Args:
        sequences: variables for elements of the sequences, one per tap.
        states: variables for each state, one per tap.
        outputs: its results.
        updates: maps shared variables to their values after the step.
        condition: the loop stops after the step where it is true.
    """

    def __init__(
        self,
        sequences: list,
        states: list[list],
        outputs: list,
        updates: dict,
        condition: TensorVariable | None,
    ):
        self.outputs, self.updates, self.condition = outputs, updates, condition
        starts = [*sequences, *(v for taps in states for v in taps), *updates]
        ends = [*outputs, *updates.values(), *([] if condition is None else [condition])]
        self.part = Part(starts, ends)
        self.graph = self.part.graph()


class Loop(Op):
    """A loop over a step.

    Its arguments are the sequences, the initial states, the shared variables, the step's other
    inputs, and the number of steps.

    Args:
        step: the step.
        taps: the taps of each sequence.
        states: the taps of each output, `()` for none.
        backwards: whether to read the sequences in reverse.
        truncate: number of last steps that gradients flow through; -1 for all.
        types: of the results.
        name: for messages.
    """

    def __init__(
        self,
        step: Step,
        taps: list[tuple[int, ...]],
        states: list[tuple[int, ...]],
        backwards: bool,
        truncate: int,
        types: list[TensorType],
        name: str,
    ):
        super().__init__(self._run, types, name)
        self.step, self.taps, self.states = step, taps, states
        self.backwards, self.truncate = backwards, truncate

    def _run(self, sequences: list, initial: list, shared: list, outside: list, steps: Any) -> list:
        elements, number = self._elements(sequences, steps)
        carry = self._begin(initial, shared)
        body = self._body(outside)
        cut = number - self.truncate
        if self.truncate < 0 or cut <= 0:
            (_, kept), outputs = lax.scan(body, carry, elements, length=number)
            return [*outputs, *kept]
        before, after = [x[:cut] for x in elements], [x[cut:] for x in elements]
        first = self._body([lax.stop_gradient(x) for x in outside])
        carry, early = lax.scan(first, _stopped(carry), _stopped(before), length=cut)
        (_, kept), late = lax.scan(body, _stopped(carry), after, length=self.truncate)
        joined = [
            jnp.concatenate([lax.stop_gradient(a), b]) for a, b in zip(early, late, strict=True)
        ]
        return [*joined, *kept]

    def _elements(self, sequences: list, steps: Any) -> tuple[list, int]:
        """The arrays to loop over, one per tap, and the number of steps."""
        found = []
        for array, taps in zip(sequences, self.taps, strict=True):
            last, first = max(*taps, 0), min(*taps, 0)
            for tap in taps:
                end = array.shape[0] - (last - tap)
                cut = jnp.asarray(array)[tap - first : max(end, 0)]
                found.append(cut[::-1] if self.backwards else cut)
        lengths = [array.shape[0] for array in found]
        number = min(lengths) if steps is None else integers.concrete(steps)
        if lengths and number > min(lengths):
            raise ValueError(
                f"{self.name} has n_steps={number}, and its sequences have elements for "
                f"{min(lengths)} steps"
            )
        if number < 0:
            raise ValueError(f"{self.name} has n_steps={number}")
        return [array[:number] for array in found], number

    def _begin(self, initial: list, shared: list) -> tuple[list, list]:
        """The initial carry: the windows of last states, and the shared variables."""
        states = []
        given = iter(initial)
        for number, taps in enumerate(self.states):
            if not taps:
                continue
            value = jnp.asarray(next(given))
            if taps == (-1,):
                states.append([value])
            else:
                depth = -min(taps)
                if value.shape[0] < depth:
                    raise ValueError(
                        f"output {number} of {self.name} has taps {list(taps)}: its initial value "
                        f"needs {depth} steps; it has shape {value.shape}"
                    )
                states.append([value[i] for i in range(depth)])
        return states, [jnp.asarray(x) for x in shared]

    def _body(self, outside: list) -> Callable:
        """The body for `lax.scan`."""
        count = len(self.step.outputs)

        def body(carry: Any, elements: list) -> tuple[Any, list]:
            states, shared = carry
            results = self._called(states, shared, elements, outside)
            outputs, kept = results[:count], results[count : count + len(shared)]
            kept = [jnp.asarray(x, before.dtype) for x, before in zip(kept, shared, strict=True)]
            return (self._moved(states, outputs), kept), [jnp.asarray(x) for x in outputs]

        return body

    def _called(self, states: list, shared: list, elements: list, outside: list) -> list:
        """The results of a step."""
        seen = [
            window[len(window) + tap]
            for window, taps in zip(states, (t for t in self.states if t), strict=True)
            for tap in taps
        ]
        trace = integers.current()
        for array in (*elements, *seen):
            if trace is not None and array.ndim == 0 and array.dtype.kind in "iu":
                trace.note(array, integers.Sum({integers.Leaf(None): 1}))
        return self.step.graph.run([*elements, *seen, *shared, *outside])

    def _moved(self, states: list, outputs: list) -> list:
        """Shift the windows of last states by one step."""
        moved = []
        new = [(i, x) for i, (x, taps) in enumerate(zip(outputs, self.states, strict=True)) if taps]
        for window, (number, result) in zip(states, new, strict=True):
            if result.shape != window[-1].shape:
                raise ValueError(
                    f"output {number} of {self.name} begins with shape {window[-1].shape}, and a "
                    f"step gives shape {result.shape}: a state keeps its shape"
                )
            moved.append([*window[1:], jnp.asarray(result, window[-1].dtype)])
        return moved


class Count(Loop):
    """The number of steps until the condition of a loop is true, inclusive."""

    def _run(self, sequences: list, initial: list, shared: list, outside: list, steps: Any) -> Any:
        elements, number = self._elements(sequences, steps)
        states, kept = self._begin(initial, shared)
        count = len(self.step.outputs)

        def going(carry: tuple) -> Any:
            index, done, *_ = carry
            return (index < number) & ~done

        def body(carry: tuple) -> tuple:
            index, _, states, shared = carry
            results = self._called(states, shared, [x[index] for x in elements], outside)
            kept = [jnp.asarray(x, y.dtype) for x, y in zip(results[count:-1], shared, strict=True)]
            done = jnp.asarray(results[-1]) != 0
            return index + 1, done, self._moved(states, results[:count]), kept

        begin = (jnp.asarray(0, "int64"), jnp.asarray(False), states, kept)
        return lax.while_loop(going, body, begin)[0]


def _stopped(values: Any) -> Any:
    return jax.tree.map(lax.stop_gradient, values)


# ---- public functions


def scan(
    fn: Callable,
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    n_steps: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
    profile: Any = False,
    allow_gc: Any = None,
    strict: bool = False,
    return_list: bool = False,
) -> tuple[Any, OrderedUpdates]:
    """Loop over sequences.

    Args:
        fn: the step: maps elements of the sequences, results of earlier steps and `non_sequences`
            to its results, updates of shared variables and `until`.
        sequences: a variable, `{"input": variable, "taps": [...]}`, or a list of these.
        outputs_info: for each result `None`, an initial value, or
            `{"initial": variable, "taps": [...]}`; or a list of these.
        non_sequences: a variable, or a list of them.
        n_steps: number of steps; default: the length of the sequences.
        truncate_gradient: number of last steps that gradients flow through; -1: all.
        go_backwards: whether to read the sequences in reverse.
        mode, profile, allow_gc: accepted and ignored.
        name: for messages.
        strict: whether shared variables must be listed in `non_sequences`.
        return_list: whether to return a list even for one result.

    Returns:
        The results of all steps, stacked along a new first axis (a variable, a list, or
        `None`), and the updates of shared variables.

    Raises:
        ValueError: if the number of results differs from that of `outputs_info`, or the number of
            steps is unknown.
        TypeError: if a state cannot keep its type.

    Example:
        >>> k, a = TensorType("int64", ())("k"), TensorType("float32", (False,))("a")
        >>> powers, updates = scan(lambda p, a: p * a, None, a * 0 + 1, a, n_steps=k)
        >>> powers.eval({k: 2, a: [2, 3]}).tolist()
        [[2.0, 3.0], [4.0, 9.0]]
    """
    read = [_sequence(one) for one in _list(sequences)]
    states = None if outputs_info is None else [_state(one) for one in _list(outputs_info)]
    others = [as_tensor_variable(one) for one in _list(non_sequences)]
    steps = None if n_steps is None else as_tensor_variable(n_steps)
    label = name or "scan"
    if not read and steps is None:
        raise ValueError(f"{label} has neither sequences nor n_steps")
    if steps is not None and steps.dtype[0] not in "iu":
        raise TypeError(f"n_steps is an integer; {steps} is {steps.dtype}")
    step, states = _traced(fn, read, states, others, label)
    if strict:
        _check_strict(step, others, label)
    taps, kept = [one.taps for one in read], [state.taps for state in states]
    settings = (step, taps, kept, go_backwards, truncate_gradient)
    args: tuple = (
        [one.input for one in read],
        [state.initial for state in states if state.taps],
        list(step.updates),
        step.part.outside,
        steps,
    )
    if step.condition is not None:
        counted = Count(*settings, [TensorType("int64", ())], label)
        args = (*args[:4], record(counted, args, {}, several=False))
    types = [TensorType(v.dtype, (False, *v.broadcastable)) for v in step.outputs]
    loop = Loop(*settings, [*types, *(v.type for v in step.updates)], label)
    results = record(loop, args, {}, several=True)
    updates = OrderedUpdates(zip(step.updates, results[len(types) :], strict=True))
    for variable, value in updates.items():
        if variable.default_update is not None:
            variable.default_update = value
    found = results[: len(types)]
    if not return_list:
        found = {0: None, 1: found[0] if found else None}.get(len(found), found)
    return found, updates


def _list(given: Any) -> list:
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]


def _sequence(given: Any) -> Sequence:
    if isinstance(given, dict):
        taps = given.get("taps")
        taps = [0] if taps is None else _list(taps)
        return Sequence(_with_axes(given["input"]), tuple(int(tap) for tap in taps))
    return Sequence(_with_axes(given), (0,))


def _with_axes(given: Any) -> TensorVariable:
    variable = as_tensor_variable(given)
    if not variable.ndim:
        raise TypeError(f"scan loops over the first axis of a sequence; {variable} is a scalar")
    return variable


def _state(given: Any) -> State:
    taps: Any = (-1,)
    if isinstance(given, dict):
        unknown = given.keys() - {"initial", "taps", "return_steps", "inplace", "store_steps"}
        if unknown:
            raise ValueError(f"outputs_info has {sorted(unknown)}; it knows 'initial' and 'taps'")
        taps = given.get("taps", (-1,))
        given = given.get("initial")
        if given is None and taps not in (None, (-1,)):
            raise ValueError(f"outputs_info with taps {taps} has no 'initial'")
    if given is None or taps is None:
        return State(None, ())
    taps = tuple(int(tap) for tap in _list(taps))
    if not taps or max(taps) >= 0:
        raise ValueError(f"taps of outputs are negative, such as [-2, -1], not {list(taps)}")
    initial = as_tensor_variable(given)
    if taps != (-1,) and not initial.ndim:
        raise ValueError(f"taps {list(taps)} need an initial value with a time axis")
    return State(initial, taps)


def _traced(
    fn: Callable, read: list[Sequence], states: list[State] | None, others: list, label: str
) -> tuple[Step, list[State]]:
    """Trace the step; returns it, and the states with stable types."""
    for _ in range(ATTEMPTS):
        elements = [_element(one.input, tap) for one in read for tap in one.taps]
        seen = [
            [TensorVariable(state.type, _name(state.initial, tap)) for tap in state.taps]
            for state in states or []
        ]
        made = fn(*elements, *(v for taps in seen for v in taps), *others)
        outputs, updates, condition = _returned(made)
        found = [State(None, ())] * len(outputs) if states is None else states
        if len(found) != len(outputs):
            raise ValueError(
                f"{label} has {len(found)} outputs_info, and its step returns {len(outputs)} "
                "results: there is one outputs_info for each, None where a result is no state"
            )
        changed = [_keeping(state, v, label) for state, v in zip(found, outputs, strict=True)]
        if all(a is b for a, b in zip(found, changed, strict=True)):
            outputs = [
                v if not state.taps else cast(v, state.type.dtype)
                for v, state in zip(outputs, found, strict=True)
            ]
            _add_default_updates(updates, outputs)
            return Step(elements, seen, outputs, updates, condition), found
        states = changed
    raise TypeError(f"{label}: the types of its states change with every step")


def _element(variable: TensorVariable, tap: int) -> TensorVariable:
    inner = variable.type.clone(broadcastable=variable.broadcastable[1:])
    return TensorVariable(inner, _name(variable, tap))


def _name(variable: Any, tap: int) -> str | None:
    where = "t" if tap == 0 else f"t{tap:+d}"
    return f"{variable.name}[{where}]" if variable.name else None


def _keeping(state: State, result: TensorVariable, label: str) -> State:
    """The state with a type that can hold a step's result."""
    if not state.taps:
        return state
    before, after = state.type, result.type
    if before.ndim != after.ndim:
        raise ValueError(
            f"{label}: a state begins as {state.initial} with {before.ndim} axes, and a step "
            f"returns {result} with {after.ndim}. {made_at(result)}"
        )
    pattern = [a and b for a, b in zip(before.broadcastable, after.broadcastable, strict=True)]
    wider = np.result_type(before.dtype, after.dtype).name
    if is_float(before.dtype) and not is_float(after.dtype):
        wider = before.dtype
    elif is_float(after.dtype) and not is_float(before.dtype):
        wider = after.dtype
    if wider == before.dtype and tuple(pattern) == before.broadcastable:
        return state
    initial: Any = cast(state.initial, wider)
    axes = pattern if state.taps == (-1,) else [initial.broadcastable[0], *pattern]
    kept = TensorType(wider, axes)
    return State(record(Op(_same, [kept], "state"), (initial,), {}, several=False), state.taps)


def _same(x):
    return x


def _returned(made: Any) -> tuple[list, dict, TensorVariable | None]:
    """Split a step's return value into results, updates and condition."""
    if made is None:
        return [], {}, None
    parts = list(made) if isinstance(made, list | tuple) else [made]
    if _are_pairs(made):
        return [], dict(made), None
    outputs: list = []
    updates: dict = {}
    condition = None
    for number, part in enumerate(parts):
        if isinstance(part, Until):
            condition = part.condition
        elif isinstance(part, dict) or (_are_pairs(part) and number):
            updates.update(part)
        elif isinstance(part, list | tuple) and len(parts) <= 3:
            outputs += [as_tensor_variable(one) for one in part]
        else:
            outputs.append(as_tensor_variable(part))
    for variable in updates:
        if not isinstance(variable, SharedVariable):
            raise TypeError(f"a step updates shared variables, not {variable}")
    return outputs, {v: cast(new, v.dtype) for v, new in updates.items()}, condition


def _are_pairs(made: Any) -> bool:
    """Whether a value is a list of pairs of a shared variable and its value."""
    return (
        isinstance(made, list | tuple)
        and bool(made)
        and all(
            isinstance(pair, list | tuple)
            and len(pair) == 2
            and isinstance(pair[0], SharedVariable)
            for pair in made
        )
    )


def _add_default_updates(updates: dict, outputs: list) -> None:
    """Add default updates, so that random streams advance at each step."""
    while True:
        used = sources([*outputs, *updates.values()])
        found = {
            v: v.default_update
            for v in used
            if isinstance(v, SharedVariable) and v.default_update is not None and v not in updates
        }
        if not found:
            return
        updates.update(found)


def _check_strict(step: Step, others: list, label: str) -> None:
    for variable in step.part.outside:
        if variable not in others and not is_constant(variable):
            raise ValueError(f"{label} is strict, and {variable} is not among its non_sequences")


def map(
    fn: Callable,
    sequences: Any,
    non_sequences: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """Map `fn` over the sequences. For the arguments see `scan`."""
    return scan(
        fn, sequences, None, non_sequences, None, truncate_gradient, go_backwards, mode, name
    )


def reduce(
    fn: Callable,
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """The last results of a loop. For the arguments see `scan`."""
    found, updates = scan(
        fn, sequences, outputs_info, non_sequences, None, -1, go_backwards, mode, name
    )
    return [x[-1] for x in found] if isinstance(found, list) else found[-1], updates


def foldl(
    fn: Callable,
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """The last results of a loop. For the arguments see `scan`."""
    return reduce(fn, sequences, outputs_info, non_sequences, False, mode, name)


def foldr(
    fn: Callable,
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """The last results of a loop in reverse. For the arguments see `scan`."""
    return reduce(fn, sequences, outputs_info, non_sequences, True, mode, name)
