"""`tf.function`: the first call runs in Python, later ones are compiled.

A function reads and assigns variables wherever they are. So the second call first traces it in a
scope that notes the variables, and is then compiled as a function of their values. A function that
needs the values of tensors, as a loop or a condition in Python does, keeps running in Python, and
so does one whose Python code does more than compute: that prints, draws numbers, reads files and
data sets, or keeps a tensor.
"""

import functools
import io
import operator
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any, cast

import jax
import numpy as np

from hornbook.compat.tensorflow.concrete import ConcreteFunction, check_signature
from hornbook.core import placement, tree
from hornbook.core.compiler import compiler_options
from hornbook.core.symbolic import Operators
from hornbook.core.tape import NEEDS_VALUES
from hornbook.core.taping import recording
from hornbook.core.variable import Inside, Variable, thread
from hornbook.data import TensorSpec

MOST_WAYS = 16
MOST_STEPS = 32  # of a loop that a trace unrolls
MOST_EQUATIONS = 20_000  # of a trace that is compiled
NOT_TRACED = (
    "the operations of {!r} cannot be listed: it needs the values of tensors, prints, or changes "
    "more than variables, and so runs in Python"
)
CHANGED = (bool, int, float, complex, str, type(None), list, dict)
KEPT = (bool, int, float, complex, str, bytes, np.generic, Variable)  # what a function may return
EAGER = {"all": False}


class Touched(dict):
    """The scope of a `bind` that keeps the variables that are read inside."""

    def __init__(self, values: dict | None = None):
        super().__init__(values or {})
        self.read: dict[Variable, None] = {}

    def __contains__(self, variable: object) -> bool:
        self.read[variable] = None  # type: ignore[index]
        return super().__contains__(variable)


class _Unknown(BaseException):
    """A trace touched other variables than the first one, or did more than compute."""


class _Tracing(threading.local):
    on = False


tracing = _Tracing()


def refuse(steps: int = MOST_STEPS) -> None:
    """Raise inside the trace of a `tf.function`: what follows must happen at each call.

    Args:
        steps: of a loop, which a trace would unroll; a short one is allowed.
    """
    if tracing.on and steps >= MOST_STEPS:
        raise _Unknown


def run_functions_eagerly(run_eagerly: Any) -> None:
    """Whether functions run in Python from now on."""
    EAGER["all"] = bool(run_eagerly)


def do_not_convert(func: Callable | None = None) -> Any:
    """The function itself, or a decorator that returns it: no function is converted."""
    return func if func is not None else do_not_convert


def function(func: Callable | None = None, **options: Any) -> Any:
    """`tf.function`: compiles a function at its second call.

    Args:
        func: the function; if left out, a decorator is returned.
        **options: `input_signature`, a `TensorSpec` for each argument; others are accepted for
            compatibility.
    """
    if func is None:
        return functools.partial(function, **options)
    ways: dict[Any, _Way | None] = {}

    signature = options.get("input_signature")

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        if signature is not None:
            check_signature(signature, args)
        leaves, form = jax.tree.flatten((args, kwargs), is_leaf=_is_variable)
        inside = recording.tapes or thread.scopes or thread.calls or placement.current()
        if inside or EAGER["all"] or any(map(_is_unknown, leaves)):
            return func(*args, **kwargs)
        numbers, fixed = tree.parted(leaves, _is_numbers)
        arrays = [*map(_plain, numbers)]
        kinds = tuple((a.shape, a.dtype, getattr(a, "weak_type", False)) for a in arrays)
        key = form, kinds, tuple((type(leaf), leaf) for leaf in map(_hashed, fixed))
        try:
            known = key in ways
        except TypeError:
            return func(*args, **kwargs)
        if not known:
            if len(ways) < MOST_WAYS:
                ways[key] = _Way(func, form, fixed)
            return func(*args, **kwargs)
        way = ways[key]
        if way is not None:
            try:
                return way(arrays)
            except way.failures:
                ways[key] = None
        return func(*args, **kwargs)

    call.python_function = func  # type: ignore[attr-defined]
    call.get_concrete_function = _concrete(call, func, signature)  # type: ignore[attr-defined]
    return call


def _concrete(call: Callable, func: Callable, signature: Any) -> Callable:
    """`get_concrete_function` of a function, which returns one object for arguments of one form."""
    made: dict[Any, ConcreteFunction] = {}

    def trace(args: tuple, kwargs: dict) -> Any:
        leaves, form = jax.tree.flatten((args, kwargs), is_leaf=_is_variable)
        numbers, fixed = tree.parted(leaves, _is_form)
        try:
            return _Way(func, form, fixed)._find([*map(_abstract, numbers)])
        except (_Unknown, *NEEDS_VALUES) as error:
            raise ValueError(NOT_TRACED.format(getattr(func, "__name__", func))) from error

    def get_concrete_function(*args: Any, **kwargs: Any) -> ConcreteFunction:
        if signature is not None and not args and not kwargs:
            args = tuple(signature)
        leaves, form = jax.tree.flatten((args, kwargs), is_leaf=_is_variable)
        shown = [(tuple(one.shape), one.dtype) if _is_form(one) else one for one in leaves]
        key = form, tuple((type(one), _hashed(one)) for one in shown)
        if key not in made:
            made[key] = ConcreteFunction(call, func, args, kwargs, trace)
        return made[key]

    return get_concrete_function


def _is_form(value: Any) -> bool:
    return isinstance(value, TensorSpec) or _is_numbers(value)


def _abstract(value: Any) -> Any:
    """The shape and dtype of an array or a `TensorSpec`, for a trace."""
    return jax.ShapeDtypeStruct(tuple(value.shape), jax.dtypes.canonicalize_dtype(value.dtype))


def _is_variable(value: Any) -> bool:
    return isinstance(value, Variable)


def _is_unknown(value: Any) -> bool:
    """Whether a function of an argument is not compiled."""
    symbolic = isinstance(value, Operators) and not _is_variable(value)
    return symbolic or _is_wide(value) or isinstance(value, jax.core.Tracer | Iterator)


def _is_wide(value: Any) -> bool:
    """Whether an array has numbers that need 64 bits, of which a compiled function keeps 32."""
    if not isinstance(value, np.ndarray) or value.dtype.itemsize < 8:
        return False
    if value.dtype.kind not in "iu":
        return value.dtype.kind in "fc" and value.dtype != "complex64"
    return bool(value.size) and not -(2**31) <= value.min() <= value.max() < 2**31


def _plain(array: Any) -> Any:
    return array if isinstance(array, jax.Array) else np.asarray(array)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, jax.Array | np.ndarray) and value.dtype.kind not in "OSU"


def _hashed(value: Any) -> Any:
    return (value.start, value.stop, value.step) if isinstance(value, slice) else value


class _Way:
    """A function compiled for arguments of one form."""

    failures: Any = (Exception, _Unknown)  # while it has never run

    def __init__(self, func: Callable, form: Any, fixed: tuple):
        self.func, self.form, self.fixed = func, form, fixed
        self.compiled: Any = None
        self.changed: list[Variable] = []
        self.others: list[Variable] = []
        self.told: Any = None  # what the function returned

    def __call__(self, arrays: list) -> Any:
        for _ in range(3):
            if self.compiled is None:
                self._find(arrays)
            values = [variable.raw for variable in self.changed]
            rest = [variable.raw for variable in self.others]
            try:
                found, after = self.compiled(values, rest, arrays)
                break
            except _Unknown:
                self.compiled = None
        else:
            raise _Unknown
        for variable, value in zip(self.changed, after, strict=True):
            variable._value, variable._private = value, None
        self.failures = (_Unknown, *NEEDS_VALUES)
        form, fixed = self.told
        return tree.joined(form, fixed, found)

    def _find(self, arrays: list) -> Any:
        """Find the variables, by a trace, which is returned."""
        seen = Touched()

        def trace(arrays: list) -> list:
            found = self._traced(seen, arrays)
            self.changed = list(seen)
            seen.clear()  # of the traced values, which must not outlive the trace
            return found

        streams = random.getstate(), np.random.get_state()
        drawn, said, places = _drawn(), io.StringIO(), _places(self.func, self.fixed)
        try:
            with jax.checking_leaks(), redirect_stdout(said):
                made = jax.make_jaxpr(trace)(arrays)
        finally:
            moved = sum(place.restored() for place in places) + (_drawn() != drawn)
            random.setstate(streams[0])
            np.random.set_state(streams[1])
        if moved or said.getvalue() or len(made.eqns) > MOST_EQUATIONS:
            raise _Unknown
        changed = set(self.changed)
        self.others = [variable for variable in seen.read if variable not in changed]
        self.compiled = jax.jit(self._run, compiler_options=compiler_options(wide=True))
        return made

    def _run(self, values: list, rest: list, arrays: list) -> tuple:
        known = [*self.changed, *self.others]
        scope = Touched(dict(zip(known, [*values, *rest], strict=True)))
        found = self._traced(scope, arrays)
        assigned = any(scope[v] is not a for v, a in zip(self.others, rest, strict=True))
        if assigned or {*scope.read, *scope} - set(known):
            raise _Unknown
        return found, [scope[variable] for variable in self.changed]

    def _traced(self, scope: Touched, arrays: list) -> list:
        args, kwargs = tree.joined(self.form, self.fixed, arrays)
        before, tracing.on = tracing.on, True
        try:
            with Inside("scopes", scope):
                result = self.func(*args, **kwargs)
        finally:
            tracing.on = before
        leaves, form = jax.tree.flatten(result, is_leaf=_is_variable)
        if not all(isinstance(leaf, (jax.Array, *KEPT)) for leaf in leaves):
            raise _Unknown
        found, fixed = tree.parted(leaves)
        self.told = form, fixed
        return found


def _drawn() -> tuple:
    """The states of the generators of Python and numpy."""
    name, keys, *rest = cast(tuple, np.random.get_state())
    return random.getstate(), name, keys.tobytes(), *rest


class _Place:
    """A name whose value Python code may change: in globals, in a closure or of an object."""

    def __init__(self, read: Callable, write: Callable):
        self.read, self.write, self.value = read, write, read()
        self.copy: Any = self.value.copy() if isinstance(self.value, list | dict) else None

    def restored(self) -> bool:
        """Whether it was changed, in which case it gets its value back."""
        now, value, copy = self.read(), self.value, self.copy
        if isinstance(value, list) and not _same(value, copy):
            value[:] = copy
        elif isinstance(value, dict) and not (
            _same([*value], [*copy]) and _same([*value.values()], [*copy.values()])
        ):
            value.clear()
            value.update(copy)
        elif now is value or type(now) is type(value) and copy is None and now == value:
            return False
        if now is not value:
            self.write(value)
        return True


def _same(first: list, second: list) -> bool:
    return len(first) == len(second) and all(map(operator.is_, first, second))


def _places(func: Callable, fixed: tuple) -> list[_Place]:
    """The names of plain values, lists and dictionaries that a function may change."""
    used = set(getattr(getattr(func, "__code__", None), "co_names", ()))
    spaces = [(getattr(func, "__globals__", {}), used)]
    for owner in (*fixed, getattr(func, "__self__", None)):
        space = getattr(owner, "__dict__", None)
        if isinstance(space, dict):
            spaces.append((space, set(space)))
    pairs = [
        (functools.partial(space.get, name), functools.partial(space.__setitem__, name))
        for space, names in spaces
        for name in names & set(space)
    ]
    for cell in getattr(func, "__closure__", None) or ():
        read = functools.partial(getattr, cell, "cell_contents", None)
        pairs.append((read, functools.partial(setattr, cell, "cell_contents")))
    return [_Place(*pair) for pair in pairs if type(pair[0]()) in CHANGED]
