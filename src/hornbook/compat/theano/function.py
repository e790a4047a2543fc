"""`theano.function`: compile variables to a function that may update shared variables.

It is compiled when it is called, once for each set of shapes. The overhead of a call is
microseconds: the path of a call with positional arrays is kept short.
"""

import copy
import functools
import warnings
from collections import OrderedDict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np

from hornbook.compat.theano import integers, merging
from hornbook.compat.theano.basic import cast
from hornbook.compat.theano.config import config, wide
from hornbook.compat.theano.graph import Graph, made_at, needed, rebuilt, sources
from hornbook.compat.theano.shared import SharedVariable
from hornbook.compat.theano.types import is_float
from hornbook.compat.theano.unneeded import without_values
from hornbook.compat.theano.values import fitted
from hornbook.compat.theano.variable import (
    TensorVariable,
    as_tensor_variable,
    is_constant,
    methods,
)
from hornbook.core.compiler import compiler_options
from hornbook.core.errors import shorten, users_stacklevel
from hornbook.core.undisturbed import undisturbed


class UnusedInputError(ValueError):
    """A function has an input that no output needs."""


class In:
    """An input of a function.

    Args:
        variable: the variable.
        name: its keyword name; default: the variable's name.
        value: the default; for a shared variable, its current value.
        update: a variable with the new `value` after each call.
        mutable, borrow, autoname, implicit, shared: accepted and ignored.
        strict: whether to accept only arrays of its dtype.
        allow_downcast: whether precision may be lost.

    Raises:
        TypeError: if `variable` is not a variable.
    """

    def __init__(
        self,
        variable: TensorVariable,
        name: str | None = None,
        value: Any = None,
        update: TensorVariable | None = None,
        mutable: bool | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        autoname: bool = True,
        implicit: bool | None = None,
        borrow: bool | None = None,
        shared: bool = False,
    ):
        if not isinstance(variable, TensorVariable) or is_constant(variable):
            raise TypeError(f"inputs of a function are variables, not {variable!r}")
        if isinstance(variable, SharedVariable):
            raise TypeError(
                f"{variable} is a shared variable and cannot be passed; givens={{{variable}: "
                "another}} substitutes a variable"
            )
        self.variable = variable
        self.name = name or variable.name
        self.value, self.update = value, update
        self.allow_downcast = False if strict else allow_downcast
        if update is not None and value is None:
            raise ValueError(f"In({variable}, update=...) needs an initial value")

    def default(self) -> Any:
        """The value if nothing is passed."""
        return self.value.array if isinstance(self.value, SharedVariable) else self.value


class Out:
    """An output of a function.

    Args:
        variable: the variable.
        borrow: accepted and ignored: the caller owns the result.
    """

    def __init__(self, variable: Any, borrow: bool = False):
        self.variable = as_tensor_variable(variable)


class Program:
    """The compiled program for some input shapes, and for some integers that determine shapes.

    Args:
        graph: the graph to compute.
        values: the graph's inputs in the first call.
        kept: how many inputs are donated; their new values are the last results.
    """

    def __init__(self, graph: Graph, values: list, kept: int):
        self.guards: list[Callable[[list], bool]] = []

        def run(*arrays: Any) -> list:
            trace = integers.Trace(values)
            for index, array in enumerate(arrays):
                trace.begin(array, index)
            with integers.tracing(trace):
                results = graph.run([*arrays])
            self.guards = trace.guards
            return results

        used_up = tuple(range(kept))
        self.run = jax.jit(run, donate_argnums=used_up, compiler_options=compiler_options())


class Function:
    """A compiled function, made by `function`.

    Args:
        inputs: its inputs.
        outputs: its outputs.
        updates: maps shared variables to their values after a call.
        unpack: maps the list of results to a call's return value.
        name: for messages.
    """

    def __init__(
        self,
        inputs: list[In],
        outputs: list[TensorVariable],
        updates: dict[SharedVariable, TensorVariable],
        unpack: Callable[[list], Any],
        name: str | None = None,
    ):
        self.inputs, self.outputs, self.updates = inputs, outputs, updates
        self.unpack, self.name = unpack, name
        self.trust_input = False
        self._states = [one for one in inputs if one.update is not None]
        self._staged: dict[TensorVariable, TensorVariable] = {}
        self._stages: list[Function] = []
        self._takes = [_taker(one) for one in inputs]
        self._places = {one.name: i for i, one in enumerate(inputs) if one.name}
        self._prepare()

    # ---- compiling

    def _prepare(self) -> None:
        """Order the graph; repeated when another of its integers is computed first."""
        self._programs: dict[Any, list[Program]] = {}
        ends = [
            *self.outputs,
            *(one.update for one in self._states if one.update is not None),
            *self.updates.values(),
        ]
        ends = rebuilt(merging.merged(ends), self._staged)
        given = [*(one.variable for one in self.inputs), *self._staged.values()]
        ends = without_values(ends, set(given))
        found = sources(ends, set(given))
        self._kept = list(self.updates)
        known = set(self._kept)
        self._read = [v for v in found if isinstance(v, SharedVariable) and v not in known]
        self.graph = Graph([*self._kept, *self._read, *given], ends)
        self._number = len(self.outputs) + len(self._states)

    def _program(self, values: list) -> "Program":
        """The program for the shapes and integers of a call, compiled if there is none."""
        shapes = tuple([value.shape for value in values])
        known = self._programs.get(shapes, ())
        for program in known:
            if all(guard(values) for guard in program.guards):
                return program
        program = Program(self.graph, values, len(self._kept))
        self._programs[shapes] = [program, *known]
        return program

    def _stage(self, error: integers.NotKnownError) -> None:
        """Compute an integer that determines a shape before the rest."""
        variable = error.variable
        if variable is None or variable in self._staged:
            raise error
        given = {one.variable for one in self.inputs}
        for source in sources([variable], given):
            if not (is_constant(source) or isinstance(source, SharedVariable)):
                error.add_note(f"The size is {variable}, within a loop. {made_at(variable)}")
                raise error
        self._stages.append(Function(self.inputs, [variable], {}, list))
        self._staged[variable] = variable.type(str(variable))
        self._prepare()

    # ---- calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if kwargs or len(args) != len(self._takes):
                args = self._arranged(args, kwargs)
            given = [take(value) for take, value in zip(self._takes, args, strict=True)]
            return self._computed(given, args)
        except Exception as error:
            shorten(error)
            raise

    def _computed(self, given: list, args: Any) -> Any:
        with wide():
            if self._stages:
                given = given + [stage._first(given) for stage in self._stages]
            try:
                results = undisturbed(lambda: self._run(given)) if self._kept else self._run(given)
            except integers.NotKnownError as error:
                self._stage(error)
                return self._computed(given[: len(self._takes)], args)
        found = [np.array(result) for result in results]
        if self._states:
            for one, value in zip(self._states, found[len(self.outputs) :], strict=True):
                one.value = value
            del found[len(self.outputs) :]
        return self.unpack(found)

    def _first(self, given: list) -> np.ndarray:
        """The first output."""
        return self._computed(given, None)[0]

    def _run(self, given: list) -> list:
        """Run and return JAX arrays, updating shared variables."""
        values = [*[v.array for v in self._kept], *[v.array for v in self._read], *given]
        results = self._program(values).run(*values)
        for variable, array in zip(self._kept, results[self._number :], strict=True):
            variable.array = array
        return results[: self._number]

    def _arranged(self, args: tuple, kwargs: dict) -> list:
        """The positional arguments, with keywords and defaults filled in."""
        if len(args) > len(self.inputs):
            raise TypeError(f"{self} takes {len(self.inputs)} arguments, not {len(args)}")
        values: list[Any] = [*args] + [_NOTHING] * (len(self.inputs) - len(args))
        for name, value in kwargs.items():
            if name not in self._places:
                raise TypeError(f"{self} has no input {name!r}; it has {[*self._places]}")
            if values[self._places[name]] is not _NOTHING:
                raise TypeError(f"{self} got {name!r} twice: by position and by name")
            values[self._places[name]] = value
        for index, one in enumerate(self.inputs):
            if values[index] is _NOTHING:
                values[index] = one.default()
                if values[index] is None:
                    raise TypeError(f"{self}: missing required input: {one.variable}")
        return values

    # ---- introspection

    def get_shared(self) -> list[SharedVariable]:
        """The shared variables that it reads or updates."""
        return [*self._kept, *self._read]

    @property
    def maker(self) -> Any:
        """The graph for inspection: `maker.fgraph.toposort()` lists the ops."""
        graph = SimpleNamespace(
            inputs=[one.variable for one in self.inputs],
            outputs=self.outputs,
            toposort=lambda: self.graph.nodes,
        )
        return SimpleNamespace(fgraph=graph, inputs=self.inputs, outputs=self.outputs)

    def copy(
        self,
        share_memory: bool = False,
        swap: dict | None = None,
        delete_updates: bool = False,
        name: str | None = None,
        profile: Any = None,
    ) -> "Function":
        """Copy the function.

        Args:
            share_memory, profile: accepted and ignored.
            swap: maps shared variables to their replacements.
            delete_updates: whether to drop all updates.
            name: for messages.
        """
        pairs = dict(swap or {})
        ends = rebuilt([*self.outputs, *self.updates.values()], pairs)
        keys = [pairs.get(variable, variable) for variable in self.updates]
        updates = {} if delete_updates else dict(zip(keys, ends[len(self.outputs) :], strict=True))
        outputs = ends[: len(self.outputs)]
        return Function(self.inputs, outputs, updates, self.unpack, name or self.name)

    def __deepcopy__(self, memo):
        return self.copy(swap={v: copy.deepcopy(v, memo) for v in self.get_shared()})

    def __reduce__(self):
        return Function, (self.inputs, self.outputs, self.updates, self.unpack, self.name)

    def __str__(self):
        return f"theano function {self.name!r}" if self.name else "theano function"

    __repr__ = __str__


_NOTHING = object()


def _taker(one: In) -> Callable[[Any], Any]:
    """A function that converts an argument to an array of the input's type."""
    type_, dtype, ndim = one.variable.type, one.variable.type.numpy_dtype, one.variable.ndim
    downcast = one.allow_downcast
    plain = not any(type_.broadcastable)
    of_floats = is_float(type_.dtype)
    narrowed = "iuf" if of_floats and (downcast or downcast is None) else ""
    python_float = of_floats and not ndim and downcast is not False and type_.dtype == config.floatX

    def take(value: Any) -> Any:
        kind = type(value)
        if kind is np.ndarray and plain and value.ndim == ndim:
            if value.dtype == dtype:
                return value
            if value.dtype.kind in narrowed and (downcast or not config.floatX_is_set):
                return value.astype(dtype)
        elif kind is float and python_float:
            return np.asarray(value, dtype)
        elif plain and isinstance(value, jax.Array) and value.dtype == dtype and value.ndim == ndim:
            return value
        try:
            return fitted(value, type_, downcast)
        except TypeError as error:
            raise TypeError(f"Bad input argument {one.variable}: {error}") from None

    return take


def function(
    inputs: Any,
    outputs: Any = None,
    mode: Any = None,
    updates: Any = None,
    givens: Any = None,
    no_default_updates: Any = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
) -> Function:
    """Compile a function of variables.

    Args:
        inputs: a list of variables and `In` objects.
        outputs: a variable, a list or a dictionary of them, or `None`.
        mode, accept_inplace, rebuild_strict, profile: accepted and ignored.
        updates: a dictionary or pairs from shared variable to its value after a call.
        givens: a dictionary or pairs from variable to its replacement.
        no_default_updates: whether all shared variables, or a list of them, ignore their default
            updates.
        name: for messages.
        allow_input_downcast: whether arguments may lose precision.
        on_unused_input: `"raise"`, `"warn"` or `"ignore"`.

    Raises:
        MissingInputError: if an output needs a variable that is not an input.
        UnusedInputError: if an input is not used.
        TypeError: if an update's type differs from its variable's.

    Example:
        >>> from hornbook.compat.theano.types import TensorType
        >>> x = TensorType("float32", ())("x")
        >>> square = function([x], x * x)
        >>> square(3.0)
        array(9., dtype=float32)
    """
    taken = _inputs(inputs, allow_input_downcast)
    listed, unpack = _outputs(outputs)
    changed = _updates(updates)
    _add_default_updates(changed, listed, no_default_updates)
    ends = [*listed, *(one.update for one in taken if one.update is not None), *changed.values()]
    if givens:
        ends = _with_givens(ends, givens)
    made = iter(ends)
    listed = [next(made) for _ in listed]
    for one in taken:
        if one.update is not None:
            one.update = next(made)
    changed = {variable: _as_update(variable, next(made)) for variable in changed}
    ends = [*listed, *(one.update for one in taken if one.update is not None), *changed.values()]
    _check_used(taken, ends, on_unused_input)
    return Function(taken, listed, changed, unpack, name)


def _inputs(inputs: Any, allow_downcast: bool | None) -> list[In]:
    if not isinstance(inputs, list | tuple):
        raise TypeError(f"the inputs of a function are a list, not {inputs!r}")
    found = []
    for one in inputs:
        if isinstance(one, In):
            copied = In(one.variable, one.name, one.value, one.update)
            copied.allow_downcast = one.allow_downcast
            found.append(copied)
        else:
            found.append(In(one))
    for one in found:
        if one.allow_downcast is None:
            one.allow_downcast = allow_downcast
    variables = [one.variable for one in found]
    if len(set(variables)) != len(variables):
        twice = next(v for v in variables if variables.count(v) > 1)
        raise UnusedInputError(f"the variable {twice} is among the inputs twice: {variables}")
    return found


def _outputs(outputs: Any) -> tuple[list, Callable[[list], Any]]:
    """The outputs as a list, and a function from their values to a call's return value."""
    if outputs is None:
        return [], _nothing
    if isinstance(outputs, dict):
        keys = [*outputs]
        return [_output(v) for v in outputs.values()], functools.partial(_by_key, keys)
    if isinstance(outputs, list | tuple):
        return [_output(v) for v in outputs], list
    return [_output(outputs)], _only


def _nothing(found: list) -> None:
    return None


def _only(found: list) -> Any:
    return found[0]


def _by_key(keys: list, found: list) -> dict:
    return dict(zip(keys, found, strict=True))


def _output(one: Any) -> TensorVariable:
    return one.variable if isinstance(one, Out) else as_tensor_variable(one)


def _pairs(what: str, given: Any) -> dict:
    if given is None:
        return {}
    pairs = list(given.items()) if isinstance(given, dict) else list(given)
    found: dict[Any, Any] = OrderedDict()
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"{what} are pairs of a variable and a value, not {pair!r}")
        if pair[0] in found:
            raise ValueError(f"{what} have {pair[0]} twice")
        found[pair[0]] = pair[1]
    return found


def _updates(updates: Any) -> dict:
    found = _pairs("updates", updates)
    for variable in found:
        if not isinstance(variable, SharedVariable):
            raise TypeError(f"updates are for shared variables, not {variable!r}")
    return {variable: as_tensor_variable(value) for variable, value in found.items()}


def _add_default_updates(updates: dict, outputs: list, but: Any) -> None:
    """Add the default updates of shared variables that are used without an explicit one."""
    if but is True:
        return
    left_out = set(but or ())
    more = True
    while more:
        used = sources([*outputs, *updates.values(), *updates])
        found = {
            v: v.default_update
            for v in used
            if isinstance(v, SharedVariable) and v.default_update is not None
        }
        more = {v: new for v, new in found.items() if v not in updates and v not in left_out}
        updates.update(more)


def _with_givens(ends: list, givens: Any) -> list:
    pairs = _pairs("givens", givens)
    replace = {}
    for variable, value in pairs.items():
        if not isinstance(variable, TensorVariable):
            raise TypeError(f"givens are for variables, not {variable!r}")
        made = as_tensor_variable(value)
        if made.ndim != variable.ndim:
            raise TypeError(
                f"givens replace {variable} ({variable.type}) by {made} ({made.type}): "
                "it has another number of axes"
            )
        replace[variable] = _of_dtype(f"givens for {variable}", made, variable.dtype)
    return rebuilt(merging.merged(ends), replace)


def _as_update(variable: SharedVariable, value: TensorVariable) -> TensorVariable:
    """The new value of a shared variable, in its dtype."""
    if value.ndim != variable.ndim:
        raise TypeError(
            f"An update must have the same type as the original shared variable "
            f"(shared_var={variable}, shared_var.type={variable.type}, update_val={value}, "
            f"update_val.type={value.type}): it has another number of axes. {made_at(value)}"
        )
    return _of_dtype(f"An update of the shared variable {variable}", value, variable.dtype)


def _of_dtype(what: str, value: TensorVariable, dtype: str) -> TensorVariable:
    """Cast a variable if nothing is lost, or if the program has not set `floatX`."""
    if value.dtype == dtype:
        return value
    floats = is_float(value.dtype) and is_float(dtype) and not config.floatX_is_set
    if not (floats or np.can_cast(value.dtype, dtype)):
        raise TypeError(
            f"{what} must have its dtype: it is {dtype}, and {value} is {value.dtype}. If you do "
            f"not mind the loss, use T.cast(..., {dtype!r}). {made_at(value)}"
        )
    return cast(value, dtype)


def _check_used(inputs: list[In], ends: list, what: str | None) -> None:
    what = what or config.on_unused_input
    if what not in ("raise", "warn", "ignore"):
        raise ValueError(f"on_unused_input is 'raise', 'warn' or 'ignore', not {what!r}")
    if what == "ignore":
        return
    given = {one.variable for one in inputs}
    used = {v for node in needed(ends, given) for v in node.inputs} | set(ends)
    for one in inputs:
        if one.variable not in used:
            message = (
                f"theano.function was asked to create a function with the input {one.variable}, "
                "which is not used for any output or update. Leave it out, or pass "
                f"on_unused_input='ignore'. {made_at(one.variable)}"
            )
            if what == "raise":
                raise UnusedInputError(message)
            warnings.warn(message, stacklevel=users_stacklevel())


def evaluated(variable: TensorVariable, inputs_to_values: dict | None = None) -> Any:
    """The value of a variable.

    Args:
        variable: the variable to compute.
        inputs_to_values: values for the variables it depends on.

    Example:
        >>> from hornbook.compat.theano.types import TensorType
        >>> x = TensorType("float32", ())("x")
        >>> evaluated(x + 1, {x: 2.0})
        array(3., dtype=float32)
    """
    given = inputs_to_values or {}
    known = variable.__dict__.setdefault("_evaluated", {})
    key = tuple(given)
    if key not in known:
        known[key] = function(list(key), variable, on_unused_input="ignore")
    return known[key](*given.values())


methods(eval=evaluated)
