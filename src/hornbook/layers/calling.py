"""What surrounds a layer's call: training flag, added losses, watchers, argument conversion."""

import functools
import inspect
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import placement, tree
from hornbook.core.dtype import is_float
from hornbook.core.forked import uses_engine
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.origins import are_in_python
from hornbook.core.symbolic import Operators, SymbolicTensor
from hornbook.core.taping import through
from hornbook.core.unknown import known
from hornbook.core.variable import Inside, Variable, current_scope
from hornbook.layers.arguments import WHOLE


class Call:
    """The state of one outermost call.

    Attributes:
        training: the training flag.
        losses: those added so far.
        only_random: whether layers that keep a state, such as moving averages, are called as
            outside of training.
    """

    def __init__(self, training: bool | None, losses: list, only_random: bool = False):
        self.training = training
        self.losses = losses
        self.only_random = only_random

    def inner(self, training: bool | None) -> "Call":
        """The state of a call within this one."""
        return Call(training, self.losses, self.only_random)


class collect_losses(Inside[Call]):
    """Context in which losses that layers add with `add_loss` are collected in the yielded list."""

    def __init__(self):
        super().__init__("calls", Call(None, []))

    def __enter__(self) -> list:  # type: ignore[override]
        return super().__enter__().losses


def looping() -> AbstractContextManager[None]:
    """Context for a `jax.lax` loop; inside `steps_in_python` the loop runs in Python too."""
    return jax.disable_jit() if are_in_python() else nullcontext()


def laid_out(outputs: Any) -> Any:
    """The outputs of the layer being called, laid out as a layout map says for `path/output`."""
    where = placement.current()
    layout = where and where.get_tensor_layout(f"{current_scope()}/output")
    if not layout:
        return outputs
    return tree.map_structure(lambda a: placement.place(a, layout.backend_layout), outputs)


def watch_calls(watcher: Callable) -> Inside[Callable]:
    """Context in which `watcher(layer, inputs, outputs)` runs after each layer call."""
    return Inside("watchers", watcher)


@functools.lru_cache(maxsize=4096)
def parameters_of(function: Callable) -> dict[str, inspect.Parameter]:
    """The parameters of a function by name."""
    return dict(inspect.signature(function).parameters)


def overrides(kind: type, *names: str) -> bool:
    """Whether a class overrides any of these methods of its base class.

    Example:
        >>> class Mine(keras.Model):
        ...     def train_step(self, state, data): ...
        >>> overrides(Mine, "test_step"), overrides(Mine, "train_step", "test_step")
        (False, True)
    """
    return any(_overrides(kind, name) for name in names)


def _looked_up(kind: type, name: str) -> bool:
    base = next(vars(c)[name] for c in reversed(kind.__mro__) if name in vars(c))
    return getattr(kind, name) is not base


_overrides: Callable[[type, str], bool] = functools.lru_cache(maxsize=4096)(_looked_up)


@functools.lru_cache(maxsize=4096)
def arguments_of(method: Callable) -> dict[str, inspect.Parameter]:
    """The parameters of a method by name, without `self`, whatever its name."""
    listed = list(parameters_of(method).values())
    if listed and listed[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        del listed[0]
    return {parameter.name: parameter for parameter in listed}


@uses_engine
def convert(layer: Any, value: Any) -> Any:
    """Convert an argument of a layer: numpy arrays become JAX arrays, and floats are cast to the
    layer's compute dtype."""
    if layer._host is not None and not isinstance(value, None | bool):
        return layer._host_arrays(value)
    if isinstance(value, SymbolicTensor | None | bool | int | float | str):
        return value
    if isinstance(value, list | tuple | dict):
        if is_plain_numbers(value):
            value = np.asarray(value)
        else:
            return tree.map_structure(lambda leaf: convert(layer, leaf), value)
    if isinstance(value, Variable):
        value = value.value
    if not isinstance(value, jax.Array | np.ndarray | np.generic):
        if not (hasattr(value, "__array__") and hasattr(value, "shape")):
            return value
        value = np.asarray(value)
    if not jnp.issubdtype(value.dtype, jax.dtypes.prng_key) and is_float(value.dtype):
        if not (layer.autocast and layer._casts_inputs):
            return jnp.asarray(value)
        if value.dtype != layer.compute_dtype:
            mask = get_mask(value)
            value = through(jnp.asarray, value, layer.compute_dtype)
            set_mask(value, mask)
            return value
    elif value.dtype.kind in "OUST":
        return layer._text(value)
    return value if isinstance(value, jax.Array) else through(jax.device_put, value)


def per_sample(penalty: Any, output: Any) -> Any:
    """A penalty on the outputs of a whole batch, divided by the batch size."""
    shape = getattr(output, "shape", ())
    return penalty / max(shape[0], 1) if shape else penalty


def given_mask(layer: Any, args: tuple, kwargs: dict, masks: Any) -> Any:
    """The mask passed to the call, or else the masks attached to the inputs."""
    mask = kwargs.get("mask")
    if mask is None and len(args) > 1:
        names = list(arguments_of(type(layer).call))
        mask = dict(zip(names, args, strict=False)).get("mask")
    return masks if mask is None else mask


def tree_of_symbols(shape: Any, dtype: str) -> Any:
    """Symbolic tensors for a shape, or for a structure of shapes."""
    if isinstance(shape, dict):
        return {key: tree_of_symbols(child, dtype) for key, child in shape.items()}
    if shape and isinstance(shape, list | tuple) and isinstance(shape[0], list | tuple | dict):
        return [tree_of_symbols(child, dtype) for child in shape]
    return SymbolicTensor(tuple(shape), dtype)


def is_plain_numbers(value: Any) -> bool:
    """Whether a value is a nested list of numbers, thus one array and not several inputs."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return isinstance(value, bool | int | float | np.generic)


def has_tensor(value: Any) -> bool:
    """Whether an argument contains a tensor."""
    return any(isinstance(leaf, jax.Array | np.ndarray | Operators) for leaf in tree.walk(value))


def shape_of(value: Any) -> Any:
    """The shapes of a structure of tensors, in the same structure."""
    return tree.map_structure(lambda leaf: known(getattr(leaf, "shape", ())), value)


def as_shape(value: Any) -> Any:
    """Convert lists read from JSON back to shapes."""
    if isinstance(value, dict):
        return {key: as_shape(child) for key, child in value.items()}
    if isinstance(value, list | tuple) and all(v is None or isinstance(v, WHOLE) for v in value):
        return tuple(value)
    return [as_shape(child) for child in value] if isinstance(value, list | tuple) else value


def describe(leaf: Any) -> str:
    """A shape and dtype for messages."""
    return f"{tuple(leaf.shape)} {getattr(leaf, 'dtype', '')}"


# ---- output specs given by a subclass

SPECS = ("compute_output_spec", "compute_output_shape")


def told_specs(layer: Any, args: tuple, kwargs: dict, ask: tuple[str, ...]) -> Any:
    """The output specs from a subclass's own method; `None` if it has none.

    Args:
        layer: the layer.
        args, kwargs: the arguments of the call.
        ask: names from `SPECS`; the first that the subclass overrides is called.
    """
    own = next((name for name in ask if overrides(type(layer), name)), None)
    if own is None:
        return None
    if own == "compute_output_spec":
        return layer.compute_output_spec(*args, **kwargs)
    given = dict(zip(arguments_of(type(layer).call), args, strict=False)) | kwargs
    shapes = {f"{k}_shape": shape_of(v) for k, v in given.items() if has_tensor(v)}
    wanted = list(arguments_of(type(layer).compute_output_shape))
    named = {name: shapes[name] for name in wanted if name in shapes}
    if len(wanted) > 1 and len(named) == len(shapes):
        told = layer.compute_output_shape(**named)
    else:
        told = layer.compute_output_shape(next(iter(shapes.values()), None))
    return tree_of_symbols(as_shape(told), layer.compute_dtype)


def agreed(layer: Any, specs: Any, told: Any) -> Any:
    """The traced output specs, with unknown sizes filled in from the layer's own method."""
    found, said = jax.tree.leaves(specs), jax.tree.leaves(told)
    fits = len(found) == len(said) and all(
        len(a.shape) == len(b.shape)
        and all(m is None or n is None or m == n for m, n in zip(a.shape, b.shape, strict=True))
        for a, b in zip(found, said, strict=True)
    )
    if not fits:
        warnings.warn(
            f"layer {layer.name!r} ({type(layer).__name__}) computes outputs of shape "
            f"{[tuple(a.shape) for a in found]}, but its compute_output_shape or "
            f"compute_output_spec says {[tuple(b.shape) for b in said]}; the former are used",
            stacklevel=5,
        )
        return specs
    known = [
        SymbolicTensor(tuple(m or n for m, n in zip(a.shape, b.shape, strict=True)), a.dtype)
        for a, b in zip(found, said, strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(specs), known)
