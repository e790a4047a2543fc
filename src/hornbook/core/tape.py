"""`Tape`: records operations on arrays as they run, and differentiates them.

Arrays stay plain arrays: a tape keeps a table by identity of those that depend on something it
watches. An operation on one of them is recorded as a `Step`: a pure function, its arguments and its
outputs. A gradient is `jax.vjp` of the steps between sources and targets, played again. The replay
is compiled and kept by its structure, so that a loop that records the same steps compiles once.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import tree
from hornbook.core.compiler import compiler_options
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.taping import paused, recording
from hornbook.core.variable import Variable

USED_UP = (
    "A non-persistent GradientTape can only be used to compute one set of gradients (or "
    "jacobians): pass persistent=True to compute several"
)
MOST_PROGRAMS = 128
MOST_MISSES = 6  # programs of one outline that were compiled and not used again
ARRAYS = (jax.Array, np.ndarray)
NEEDS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)


class Step(NamedTuple):
    """A recorded call of a pure function.

    Attributes:
        function: called again by a gradient.
        key: equal for functions that compute the same.
        form: structure of `(args, kwargs)`.
        leaves: the arguments, flat; variables as their arrays.
        masks: the masks attached to them.
        outputs: the outputs, flat.
    """

    function: Callable
    key: Any
    form: Any
    leaves: list
    masks: list
    outputs: list


class Tape:
    """Context that records what is computed from watched arrays and variables.

    Args:
        persistent: whether more than one gradient can be computed.
        watch_accessed_variables: whether trainable variables are watched when they are read.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self.persistent = persistent
        self.watches_all = watch_accessed_variables
        self.used = False
        self.reset()

    def reset(self) -> None:
        """Forget what was recorded and watched."""
        self.steps: list[Step] = []
        self.known: dict[int, Any] = {}  # arrays that depend on something watched, by id
        self.watched: dict[Variable, None] = {}
        self.reads: dict[Variable, list] = {}  # the arrays that a watched variable had

    def __enter__(self) -> "Tape":
        recording.tapes = (*recording.tapes, self)
        return self

    def __exit__(self, *error: Any) -> None:
        recording.tapes = tuple(one for one in recording.tapes if one is not self)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Context in which this tape does not record."""
        before = recording.tapes
        recording.tapes = tuple(one for one in before if one is not self)
        try:
            yield
        finally:
            recording.tapes = before

    # ---- recording

    def watch(self, value: Any) -> None:
        """Watch a variable or an array."""
        if isinstance(value, Variable):
            self.watched[value] = None
        else:
            self.known[id(value)] = value

    def read(self, variable: Variable, array: Any) -> None:
        """Take note of a variable's array, in all tapes that record."""
        for tape in recording.tapes:
            if (tape.watches_all and variable.trainable) or variable in tape.watched:
                tape.watched[variable] = None
                if id(array) not in tape.known:
                    tape.known[id(array)] = array
                    tape.reads.setdefault(variable, []).append(array)

    def call(self, function: Callable, args: tuple, kwargs: dict, key: Any = None) -> Any:
        """`function(*args, **kwargs)`, recorded by each tape that knows one of the arguments.

        Args:
            function: a pure function of arrays and plain values.
            args, kwargs: its arguments; variables stand for their arrays.
            key: equal for functions that compute the same; default the function.
        """
        leaves, form = jax.tree.flatten((args, kwargs))
        with paused():
            outputs = function(*args, **kwargs)
        tapes = [tape for tape in recording.tapes if any(id(leaf) in tape.known for leaf in leaves)]
        if not tapes or outputs is NotImplemented:
            return outputs
        given = set(map(id, leaves))
        found, structure = jax.tree.flatten(outputs)
        if any(id(one) in given for one in found if _differentiable(one)):
            found = [_copy(one) if id(one) in given else one for one in found]
            outputs = jax.tree.unflatten(structure, found)
        masks = [get_mask(leaf) if isinstance(leaf, jax.Array) else None for leaf in leaves]
        step = Step(function, key or function, form, leaves, masks, found)
        for tape in tapes:
            tape.steps.append(step)
            tape.known |= {id(one): one for one in found if _differentiable(one)}
        return outputs

    # ---- gradients

    def _value_of(self, target: Any) -> Any:
        if not isinstance(target, Variable):
            return target
        with paused():
            recording.tapes = (self,)
            return target.raw

    def derivatives(
        self, targets: list, sources: list, cotangents: list | None = None, kind: str = "gradient"
    ) -> list:
        """The derivatives of the sum of the targets with respect to each source.

        Args:
            targets: arrays or variables.
            sources: arrays or variables.
            cotangents: for each target an array of its shape, or `None` for ones.
            kind: one of `KINDS`.

        Returns:
            An array for each source, `None` for those that the targets do not depend on.

        Raises:
            RuntimeError: for a second set of gradients of a tape that is not persistent.
        """
        if self.used:
            raise RuntimeError(USED_UP)
        targets = [self._value_of(one) for one in targets]
        arrays = [
            self.reads.get(one, []) if isinstance(one, Variable) else [one] for one in sources
        ]
        if not self.persistent:
            self.used = True
            self.__exit__()
        given = cotangents or [None] * len(targets)
        kept = [i for i, one in enumerate(targets) if _differentiable(one)]
        targets, given = [targets[i] for i in kept], [given[i] for i in kept]
        slots = {id(one): one for listed in arrays for one in listed if _differentiable(one)}
        found = _play(self.steps, targets, slots, given, kind)
        if not self.persistent:
            self.reset()
        return [_total([found[id(one)] for one in listed if id(one) in found]) for listed in arrays]


def _differentiable(value: Any) -> bool:
    return isinstance(value, ARRAYS) and jnp.issubdtype(value.dtype, jnp.inexact)


def _copy(value: Any) -> Any:
    if not _differentiable(value):
        return value
    copy = jnp.array(value, copy=True)
    set_mask(copy, get_mask(value))
    return copy


def _total(parts: list) -> Any:
    return sum(parts[1:], parts[0]) if parts else None


# ---- the replay


class _Line(NamedTuple):
    """A step of a program: its function, and where each argument comes from."""

    function: Callable
    form: Any
    wires: tuple  # of `(kind, value)`: an argument's place, or itself
    masks: tuple  # of pairs: position of the argument, and where its mask comes from
    moved: tuple  # of pairs: position of the output, slot that is added to it


class Program:
    """The derivatives of recorded steps, as a function of arrays.

    Args:
        lines: the steps.
        targets: where each target comes from, as in `_Line.wires`.
        kind: one of `KINDS`.
    """

    def __init__(self, lines: list, targets: tuple, kind: str):
        self.lines, self.targets, self.kind = lines, targets, kind
        self.compiled: Any = jax.jit(self.run, compiler_options=compiler_options())

    def __call__(self, slots: list, constants: list, cotangents: list) -> list:
        leaves = jax.tree.leaves((slots, constants, cotangents))
        if self.compiled is None or any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            return self.run(slots, constants, cotangents)
        try:
            return self.compiled(slots, constants, cotangents)
        except NEEDS_VALUES:  # a function branches on the value of a constant
            self.compiled = None
            return self.run(slots, constants, cotangents)

    def run(self, slots: list, constants: list, cotangents: list) -> list:
        """The derivatives with respect to the slots."""
        with paused():
            outputs, pull = jax.vjp(lambda values: self.forward(values, constants), slots)
            return KINDS[self.kind](outputs, pull, cotangents)

    def forward(self, slots: list, constants: list) -> list:
        """The targets."""
        places = {"slot": slots, "constant": constants, "value": []}

        def at(kind: str, what: Any) -> Any:
            return places[kind][what] if kind in places else what

        for line in self.lines:
            leaves = [at(*wire) for wire in line.wires]
            for position, mask in line.masks:
                set_mask(leaves[position], at(*mask))
            args, kwargs = jax.tree.unflatten(line.form, leaves)
            found = jax.tree.leaves(line.function(*args, **kwargs))
            for position, slot in line.moved:
                found[position] = found[position] + slots[slot]
            places["value"] += found
        return [at(*wire) for wire in self.targets]


def _gradient(outputs: list, pull: Callable, cotangents: list) -> list:
    pairs = zip(outputs, cotangents, strict=True)
    return pull([jnp.ones_like(y) if g is None else _as(g, y) for y, g in pairs])[0]


def _as(given: Any, output: Any) -> Any:
    return jnp.broadcast_to(jnp.asarray(given, output.dtype), output.shape)


def _jacobian(outputs: list, pull: Callable, cotangents: list) -> list:
    (y,) = outputs
    basis = jnp.eye(y.size, dtype=y.dtype).reshape(y.size, *y.shape)
    (rows,) = jax.vmap(lambda g: pull([g]))(basis)
    return [one.reshape(*y.shape, *one.shape[1:]) for one in rows]


def _batch_jacobian(outputs: list, pull: Callable, cotangents: list) -> list:
    (y,) = outputs
    size = y[0].size
    basis = jnp.eye(size, dtype=y.dtype).reshape(size, 1, *y.shape[1:])
    basis = jnp.broadcast_to(basis, (size, *y.shape))
    (rows,) = jax.vmap(lambda g: pull([g]))(basis)
    rows = [jnp.moveaxis(one, 0, 1) for one in rows]
    return [one.reshape(*y.shape, *one.shape[2:]) for one in rows]


KINDS = {"gradient": _gradient, "jacobian": _jacobian, "batch_jacobian": _batch_jacobian}

_programs: OrderedDict[Any, Program] = OrderedDict()
_misses: dict[Any, int] = {}


def _play(steps: list[Step], targets: list, slots: dict, cotangents: list, kind: str) -> dict:
    """The derivatives of the targets, by id of the slot; only of slots that they depend on."""
    kept = _between(steps, set(map(id, targets)), set(slots))
    used = {id(leaf) for step in kept for leaf in step.leaves} | set(map(id, targets))
    slots = {key: one for key, one in slots.items() if key in used}
    connected = [i for i, one in enumerate(targets) if _reached(one, kept, slots)]
    if not connected:
        return {}
    targets = [targets[i] for i in connected]
    number = {key: i for i, key in enumerate(slots)}
    place: dict[int, tuple] = {key: ("slot", i) for key, i in number.items()}
    constants: list = []

    def wire(leaf: Any) -> tuple:
        if not isinstance(leaf, ARRAYS):
            return ("fixed", leaf)
        if id(leaf) not in place:
            place[id(leaf)] = ("constant", len(constants))
            constants.append(leaf)
        return place[id(leaf)]

    lines, keys, count = [], [], 0
    for step in kept:
        wires = tuple(map(wire, step.leaves))
        masks = tuple((i, wire(m)) for i, m in enumerate(step.masks) if m is not None)
        moved = tuple((i, number[id(y)]) for i, y in enumerate(step.outputs) if id(y) in number)
        lines.append(_Line(step.function, step.form, wires, masks, moved))
        keys.append((step.key, step.form, tuple(_key(*one) for one in wires), masks, moved))
        place |= {id(y): ("value", count + i) for i, y in enumerate(step.outputs)}
        count += len(step.outputs)
    ends = tuple(map(wire, targets))
    program = _program((tuple(keys), ends, kind), lines, ends, kind)
    made = {id(y) for step in kept for y in step.outputs}
    # computed again, so that what they are computed from may be a source too
    values = [jnp.zeros_like(one) if key in made else one for key, one in slots.items()]
    args = values, constants, [cotangents[i] for i in connected]
    if recording.tapes:
        found = recording.tapes[-1].call(program, args, {})
    else:
        found = program(*args)
    return dict(zip(slots, found, strict=True))


def _between(steps: list[Step], targets: set[int], sources: set[int]) -> list[Step]:
    """The steps on a path from the sources to the targets."""
    reached, after = set(sources), []
    for step in steps:
        if any(id(leaf) in reached for leaf in step.leaves):
            after.append(step)
            reached |= {id(one) for one in step.outputs if _differentiable(one)}
    needed, kept = set(targets), []
    for step in reversed(after):
        if any(id(one) in needed for one in step.outputs):
            kept.append(step)
            needed |= {id(leaf) for leaf in step.leaves if id(leaf) in reached}
    return kept[::-1]


def _reached(target: Any, kept: list[Step], slots: dict) -> bool:
    return id(target) in slots or any(target is one for step in kept for one in step.outputs)


def _program(key: Any, lines: list, targets: tuple, kind: str) -> Program:
    """The program for a structure, made at its first use.

    If one outline keeps giving new programs, because its functions are made anew in each step, they
    are not compiled.
    """
    try:
        found = _programs.get(key)
    except TypeError:  # an argument is not hashable
        key = None
        found = None
    if found is None:
        found = Program(lines, targets, kind)
        outline = (kind, *(getattr(line.function, "__qualname__", "") for line in lines))
        _misses[outline] = _misses.get(outline, 0) + 1
        if key is None or _misses[outline] > MOST_MISSES:
            found.compiled = None
        if key is not None:
            _programs[key] = found
            if len(_programs) > MOST_PROGRAMS:
                _programs.popitem(last=False)
    elif key is not None:
        _programs.move_to_end(key)
    return found


def _key(kind: str, value: Any) -> tuple:
    if isinstance(value, slice):
        return (kind, slice, value.start, value.stop, value.step)
    return (kind, type(value), value)


def leaves_of(structure: Any) -> list:
    """The variables and arrays in a structure."""
    return [leaf for leaf in tree.flatten(structure) if leaf is not None]


def watch_all(tape: Tape, structure: Any) -> Iterable[Any]:
    """Watch each variable and array of a structure; returns those that cannot be watched."""
    found = leaves_of(structure)
    for one in found:
        tape.watch(one)
    return [one for one in found if not (isinstance(one, Variable) or _differentiable(one))]
