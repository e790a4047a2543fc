"""`tf.GradientTape` and what belongs to it, on `core.tape`."""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from hornbook import ops
from hornbook.compat.attributes import Table
from hornbook.core import tree
from hornbook.core.symbolic import BINARY, METHODS, UNARY
from hornbook.core.tape import Tape, leaves_of, watch_all
from hornbook.core.taping import paused, recording
from hornbook.core.variable import Variable, unwrap

DTYPE = (
    "The dtype of the {} must be floating (e.g. tf.float32) when calling GradientTape.{}, got {}"
)


class UnconnectedGradients:
    """What `gradient` returns for sources that the target does not depend on."""

    NONE = "none"
    ZERO = "zero"


class GradientTape:
    """Records operations on watched tensors, and differentiates them.

    Args:
        persistent: whether more than one gradient can be computed.
        watch_accessed_variables: whether trainable variables are watched when they are read.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True):
        self._tape = Tape(persistent, watch_accessed_variables)

    def __enter__(self) -> "GradientTape":
        if self._tape in recording.tapes:
            raise ValueError("Tape is still recording, This can happen if you try to re-enter it.")
        self._tape.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._tape.__exit__()

    def watch(self, tensor: Any) -> None:
        """Record what is computed from tensors, or from variables."""
        for one in watch_all(self._tape, tensor):
            warnings.warn(DTYPE.format("watched tensor", "watch", _dtype(one)), stacklevel=2)

    def watched_variables(self) -> tuple:
        """The variables that it has watched, in the order of their use."""
        return tuple(self._tape.watched)

    def stop_recording(self) -> Any:
        """A context in which nothing is recorded."""
        return self._tape.stopped()

    def reset(self) -> None:
        """Forget what was recorded."""
        self._tape.reset()

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """The gradient of the sum of the targets, in the structure of the sources.

        Args:
            target: tensors or variables.
            sources: a structure of tensors and variables.
            output_gradients: for each target a tensor to multiply its gradient by.
            unconnected_gradients: `"none"` or `"zero"`.
        """
        targets = leaves_of(target)
        for one in targets:
            if not jnp.issubdtype(one.dtype, jnp.inexact):
                warnings.warn(DTYPE.format("target tensor", "gradient", _dtype(one)), stacklevel=2)
        given = None
        if output_gradients is not None:
            given = [None if g is None else unwrap(g) for g in tree.flatten(output_gradients)]
        return self._found("gradient", targets, sources, unconnected_gradients, given)

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivatives of each element of the target: of shape `target.shape + source.shape`."""
        return self._found("jacobian", [target], sources, unconnected_gradients)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The jacobian of each sample: of shape `target.shape + source.shape[1:]`."""
        found = self._found("batch_jacobian", [target], source, UnconnectedGradients.NONE)
        return jnp.zeros((*target.shape, *source.shape[1:])) if found is None else found

    def _found(
        self, kind: str, targets: list, sources: Any, unconnected: Any, given: Any = None
    ) -> Any:
        listed = tree.flatten(sources)
        found = self._tape.derivatives(targets, listed, given, kind)
        if getattr(unconnected, "value", unconnected) == UnconnectedGradients.ZERO:
            pairs = zip(found, listed, strict=True)
            found = [ops.zeros_like(unwrap(s)) if g is None else g for g, s in pairs]
        return found[0] if tree.is_leaf_value(sources) else tree.unflatten_as(sources, found)


def _dtype(value: Any) -> Any:
    return getattr(value, "dtype", type(value))


def stop_gradient(input: Any, name: str | None = None) -> Any:
    """A tensor as a constant."""
    value = unwrap(input)
    with paused():
        return jnp.array(value, copy=True) if isinstance(value, jax.Array) else value


def custom_gradient(f: Callable) -> Callable:
    """A function whose gradient is the second of the two things that it returns.

    Args:
        f: `f(*tensors) -> (outputs, gradient)`, where `gradient(*upstream)` returns a gradient for
            each tensor.
    """

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        @jax.custom_vjp
        def function(*arrays: Any) -> Any:
            return f(*arrays, **kwargs)[0]

        def forward(*arrays: Any) -> tuple:
            return f(*arrays, **kwargs)[0], arrays

        def backward(arrays: tuple, upstream: Any) -> tuple:
            many = upstream if isinstance(upstream, list | tuple) else (upstream,)
            found = f(*arrays, **kwargs)[1](*many)
            found = found if isinstance(found, list | tuple) else (found,)
            pairs = zip(found, arrays, strict=True)
            return tuple(jnp.zeros_like(a) if g is None else unwrap(g) for g, a in pairs)

        function.defvjp(forward, backward)
        arrays = tuple(jnp.asarray(unwrap(arg)) if not _is_array(arg) else arg for arg in args)
        if recording.tapes:
            return recording.tapes[-1].call(function, arrays, {}, key=(f, *kwargs.items()))
        return function(*arrays)

    return call


def _is_array(value: Any) -> bool:
    return isinstance(value, jax.Array | Variable)


# ---- operators and methods of arrays


def _recorded(name: str, original: Any) -> Callable:
    """A method of arrays that a tape records."""

    def again(*args: Any, **kwargs: Any) -> Any:
        return getattr(args[0], name)(*args[1:], **kwargs)

    again.__qualname__ = name

    def method(*args: Any, **kwargs: Any) -> Any:
        if recording.tapes:
            return recording.tapes[-1].call(again, args, kwargs)
        return original(*args, **kwargs)

    method.__name__ = name
    return method


def _iterated(original: Any) -> Callable:
    def method(self: Any) -> Any:
        return iter([self[i] for i in range(len(self))]) if recording.tapes else original(self)

    return method


def _by_name(name: str) -> Callable:
    """A method that tracers have, but not their class."""
    return lambda self, *args, **kwargs: jax.core.Tracer.__getattr__(self, name)(*args, **kwargs)


SPECIAL = (
    *(f"__{name.strip('_')}__" for name in (*BINARY, *UNARY)),
    *(f"__r{name.strip('_')}__" for name in BINARY),
    "__getitem__",
)


def replaced() -> Table:
    """The methods of arrays that are replaced during a run."""
    classes = type(jnp.zeros(())), jax.core.Tracer
    names = (*SPECIAL, *METHODS)
    return {
        cls: {
            **{name: _recorded(name, getattr(cls, name)) for name in names if hasattr(cls, name)},
            "__iter__": _iterated(cls.__iter__),
        }
        for cls in classes
    }


def attributes() -> Table:
    """Methods that the class of tracers gets during a run."""
    cls = jax.core.Tracer
    missing = [name for name in METHODS if not hasattr(cls, name)]
    return {cls: {name: _recorded(name, _by_name(name)) for name in missing}}
