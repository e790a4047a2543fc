"""Variables, and `bind`: the bridge between stateful objects and pure functions.

To a user a variable is an array that can be assigned. The engine runs the same code with other
values bound to the variables, and collects the assignments:

    with bind({layer.kernel: traced_kernel}) as scope:
        y = layer(x)              # reads traced_kernel, wherever the code looks
    scope[layer.kernel]           # the value at the end, assigned or not

Inside a `bind` no assignment reaches the variable itself, so a traced value can never leak.
"""

import functools
import math
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import forked, placement
from hornbook.core.dtype import canonical, is_float, standardize_dtype
from hornbook.core.symbolic import Operators
from hornbook.core.taping import recording, through
from hornbook.core.undisturbed import turn

KINDS = ("weight", "state", "carry", "metric", "optimizer", "seed")
# weight: trained. state: part of the model but not trained (moving averages).
# carry: passed from batch to batch (states of stateful recurrent layers), not saved.
# metric, optimizer, seed: belong to a training run. Only weight and state are a model's weights.


Value = TypeVar("Value")
Function = TypeVar("Function", bound=Callable)


class Inside(Generic[Value]):
    """Context that pushes a value onto a thread-local tuple.

    On exit the tuple is restored as it was on entry, even if an interrupt kept an inner `with` from
    exiting.

    Args:
        name: name of the tuple.
        value: the value, which is yielded.
    """

    __slots__ = ("before", "name", "value")

    def __init__(self, name: str, value: Value):
        self.name, self.value = name, value

    def __enter__(self) -> Value:
        self.before = getattr(thread, self.name)
        setattr(thread, self.name, (*self.before, self.value))
        return self.value

    def __exit__(self, *error) -> None:
        setattr(thread, self.name, self.before)


class _Thread(threading.local):
    def __init__(self):
        self.scopes: tuple[dict[Variable, Any], ...] = ()
        self.compute_dtypes: tuple[str | None, ...] = (None,)
        self.names: tuple[str, ...] = ()
        self.calls: tuple[Any, ...] = ()  # calls of layers, see `layers.calling`
        self.watchers: tuple[Callable, ...] = ()
        self.rooms: tuple[list[int], ...] = ()  # bytes left for new variables


thread = _Thread()


def contained(function: Function) -> Function:
    """Decorator that restores the thread's contexts, such as `bind`, however the function ends.

    A signal handler may raise after any call; the single call in `finally` restores everything.
    """

    @functools.wraps(function)
    def call(*args, **kwargs):
        now = vars(thread)
        before = now.copy()
        try:
            return function(*args, **kwargs)
        finally:
            now.update(before)

    return call  # type: ignore[return-value]


def bind(values: "dict[Variable, Any]") -> "AbstractContextManager[dict[Variable, Any]]":
    """Run code with other values bound to variables, and collect its assignments.

    Args:
        values: maps variables to their values inside; a variable given as a value means its
            current array. Other variables keep their own values.

    Yields:
        The live dictionary: `values`, updated by each assignment.
    """
    scope = {v: value.raw if isinstance(value, Variable) else value for v, value in values.items()}
    return Inside("scopes", scope)


def room(size: int) -> AbstractContextManager[list[int]]:
    """Context that limits new variables to `size` bytes in total; more is refused unallocated."""
    return Inside("rooms", [size])


def _take_room(path: str, shape: Any, dtype: Any) -> None:
    sizes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if not all(isinstance(size, int) for size in sizes):
        return
    left = thread.rooms[-1]
    left[0] -= math.prod(sizes) * jnp.dtype(dtype or "float32").itemsize
    if left[0] < 0:
        raise ValueError(
            f"refused: the variable {path!r} of shape {sizes} takes more memory than the weights "
            "in the file can fill. A size in the config does not match the saved weights"
        )


def compute_dtype(dtype: str | None) -> AbstractContextManager[str | None]:
    """Context in which floating `autocast` variables are read in `dtype` (`None`: as stored)."""
    return Inside("compute_dtypes", dtype)


def name_scope(name: str) -> AbstractContextManager[str]:
    """Context in which the paths of new variables begin with `name/`.

    Args:
        name: a string without `/`.

    Raises:
        ValueError: if the name is not a string or has a `/`.
    """
    if not isinstance(name, str) or "/" in name:
        raise ValueError(f"the name of a name_scope must be a string without '/', not {name!r}")
    return Inside("names", name)


def current_scope() -> str:
    """The path prefix of variables created now."""
    return "/".join(thread.names)


def _unknown_initializer(name: Any) -> Callable:
    raise ValueError(f"the initializer {name!r} is unknown: none is registered by name")


# Finds an initializer by name; set by `initializers`, which core cannot import.
_initializer_of: list[Callable[[Any], Any]] = [_unknown_initializer]


def name_initializers(get: Callable[[Any], Any]) -> None:
    """Set the function that finds initializers by name."""
    _initializer_of[0] = get


class Variable(Operators):
    """A named array that can be assigned; acts as an array in arithmetic.

    Args:
        initializer: the value (array-like), or an initializer: its name, or a callable
            `(shape, dtype) -> array`.
        shape: the shape, for an initializer.
        dtype: storage dtype; default the value's own, or `floatx()` for a callable.
        trainable: whether training may change it.
        name: the last part of its path.
        kind: its role; one of `KINDS`. Default `"weight"`, or `"state"` if not trainable.
        autocast: whether a mixed-precision layer reads it in its compute dtype.
        regularizer: called with the value; its result is added to the loss.
        constraint: called with the new value after each update by an optimizer.
        layout: how it lies on several devices: a `keras.distribution.TensorLayout`, or the path of
            the variable that it lies like; default as the distribution says for its path.
        aggregation, synchronization: accepted for compatibility.

    Raises:
        ValueError: if an initializer is unknown or has no shape, or an assigned value has another
            shape.

    Example:
        >>> v = Variable([1.0, 2.0], name="v")
        >>> _ = v.assign_add([1.0, 1.0])
        >>> (v * 2).tolist(), v.shape
        ([4.0, 6.0], (2,))
    """

    overwrite_with_gradient: bool = False  # whether its gradient is its new value

    def __init__(
        self,
        initializer: Any,
        shape: tuple[int, ...] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        kind: str | None = None,
        autocast: bool = True,
        regularizer: Callable | None = None,
        constraint: Callable | None = None,
        layout: Any = None,
        aggregation: str | None = None,
        synchronization: str | None = None,
    ):
        self.name = name or "variable"
        if "/" in self.name:
            raise ValueError(f"a variable's name has no '/': {self.name!r}")
        scope = current_scope()
        self.path = f"{scope}/{self.name}" if scope else self.name
        self.trainable = bool(trainable)
        self.kind = kind or ("weight" if trainable else "state")
        if self.kind not in KINDS:
            raise ValueError(f"kind of variable {self.path!r} must be one of {KINDS}, not {kind!r}")
        self.autocast = autocast
        self.regularizer = regularizer
        self.constraint = constraint
        self._layout = layout
        if thread.rooms:
            _take_room(self.path, shape, dtype)
        self._private: Any = None  # the value, if nothing but this variable can refer to its array
        self._value = self._initial(initializer, shape, dtype)
        self.shape = tuple(self._value.shape)
        self.dtype = self._value.dtype.name
        if layout is not None or placement.current() is not None:
            self.place()

    @forked.uses_engine
    def _initial(self, initializer, shape, dtype):
        forked.engine["started"] = True
        with jax.ensure_compile_time_eval():  # a layer may be built while it is traced
            if isinstance(initializer, str | dict):
                initializer = _initializer_of[0](initializer)
            if callable(initializer):
                if shape is None:
                    raise ValueError(
                        f"variable {self.path!r} has an initializer and no shape; pass shape=(...)"
                    )
                initializer = initializer(tuple(shape), dtype=standardize_dtype(dtype))
            value = unwrap(initializer)
            if dtype is None:
                given = getattr(value, "dtype", None)
                plain_float = given is None and is_float(np.asarray(value).dtype)
                dtype = (
                    standardize_dtype(None) if plain_float else (given or np.asarray(value).dtype)
                )
            dtype = canonical(dtype)
            on_host = placement.current() is not None and not isinstance(value, jax.Array)
            if type(value) is np.ndarray and value.dtype == dtype and not on_host:
                value = self._private = jax.device_put(value, may_alias=False)
            else:
                value = (np if on_host else jnp).asarray(value, dtype)
        if shape is not None and tuple(shape) != value.shape:
            raise ValueError(
                f"variable {self.path!r} wants shape {tuple(shape)}; "
                f"its initial value has shape {value.shape}"
            )
        return value

    @property
    def _value(self) -> Any:
        """The variable's own array."""
        held = self._held
        return held.array() if type(held) is Part else held

    @_value.setter
    def _value(self, array: Any) -> None:
        self._held = array

    def place(self) -> None:
        """Move the value to the devices where it belongs now."""
        self._value = placement.placed(self, self._value)

    # ---- reading

    @property
    def value(self) -> Any:
        """The current array: the bound one inside a `bind`, else its own."""
        found = self.raw
        dtype = thread.compute_dtypes[-1]
        if dtype is not None and self.autocast and found.dtype != dtype and is_float(found.dtype):
            return through(_cast, found, dtype)
        return found

    @property
    def raw(self) -> Any:
        """The value in its storage dtype."""
        found = self._found()
        if found is self._private:
            self._private = None  # the caller may keep it
        if recording.tapes:
            recording.tapes[-1].read(self, found)
        return found

    def _found(self) -> Any:
        for scope in reversed(thread.scopes):
            if self in scope:
                return scope[self]
        held = self._held
        if type(held) is Part:
            return held.array()
        if held.is_deleted():  # donated to a run in another thread: wait for its result
            with turn:
                return self._value
        return held

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    def _read(self, convert: Callable[[Any], Any]) -> Any:
        """Convert the value; if a run in another thread has donated it, wait for the new one."""
        try:
            return convert(self._found())
        except (RuntimeError, ValueError):  # the array was donated
            with turn:
                return convert(self._found())

    def numpy(self) -> np.ndarray:
        """A copy of the value as a numpy array."""
        return self._read(lambda value: np.array(placement.fetched(value)))

    def __array__(self, dtype=None, copy=None):
        return self._read(lambda value: np.array(placement.fetched(value), dtype=dtype))

    def __jax_array__(self):
        return self.value

    def __len__(self):
        if not self.shape:
            raise TypeError(f"variable {self.path!r} is a scalar: it has no length")
        return self.shape[0]

    def __iter__(self):
        return iter(self.value)

    def __float__(self):
        return self._read(float)

    def __int__(self):
        return self._read(int)

    def __bool__(self):
        return self._read(bool)

    def __format__(self, spec):
        return format(self.raw, spec)

    def __repr__(self):
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"

    def __deepcopy__(self, memo):
        clone = object.__new__(type(self))
        memo[id(self)] = clone
        self._private = None
        vars(clone).update(self.__getstate__())
        return clone

    def __getstate__(self):
        return vars(self) | {"_held": self._value}

    # ---- assigning

    def assign(self, value: Any) -> Any:
        """Replace the value.

        Args:
            value: array-like of this variable's shape; cast to its dtype.

        Returns:
            The new value.

        Raises:
            ValueError: if the shape differs.
        """
        value = jnp.asarray(unwrap(value), self.dtype)
        if value.shape != self.shape:
            raise ValueError(
                f"variable {self.path!r} has shape {self.shape}; "
                f"it cannot be assigned a value of shape {value.shape}"
            )
        if thread.scopes:
            thread.scopes[-1][self] = value
        elif isinstance(value, jax.core.Tracer):
            raise ValueError(
                f"variable {self.path!r} was assigned inside a function that JAX traces, where the "
                "assignment would be lost. Run the code in bind({variable: value}), or in the "
                "layer's call during fit, evaluate or predict."
            )
        elif self._layout is not None or placement.current() is not None:
            self._value = value = placement.placed(self, value)
        else:
            self._value = value
        return value

    def assign_add(self, value: Any) -> Any:
        """Add to the value."""
        return self.assign(self.raw + jnp.asarray(unwrap(value)))

    def assign_sub(self, value: Any) -> Any:
        """Subtract from the value."""
        return self.assign(self.raw - jnp.asarray(unwrap(value)))


class Part:
    """The value of a variable that lies in a stack of several; cut from it when it is read.

    Args:
        stack: a variable; where it is bound, so is this value.
        index: position on its first axis.
    """

    __slots__ = ("cut", "index", "of", "stack")

    def __init__(self, stack: Variable, index: int):
        self.stack, self.index = stack, index
        self.of = self.cut = None  # the stack's array that was last cut, and what was cut

    def array(self) -> Any:
        """The current value."""
        for scope in reversed(thread.scopes):
            if self.stack in scope:
                return scope[self.stack][self.index]
        with turn, jax.ensure_compile_time_eval():
            whole = self.stack._value
            if self.of is not whole:
                self.cut = jax.device_put(np.asarray(whole)[self.index], may_alias=False)
                self.of = whole
            return self.cut


def _cast(array: Any, dtype: str) -> Any:
    return array.astype(dtype)


def unwrap(value: Any) -> Any:
    """The array of a variable; anything else unchanged."""
    return value.value if isinstance(value, Variable) else value


# jax.numpy's compiled functions flatten their arguments first: there a variable becomes its array,
# and is never rebuilt as a variable.
jax.tree_util.register_pytree_node(
    Variable, lambda variable: ((variable.value,), None), lambda _, children: children[0]
)
