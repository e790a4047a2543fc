"""What surrounds a layer's call: the training flag, added losses, watchers, fit arguments."""

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import tree
from hornbook.core.dtype import is_float
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.symbolic import Operators, SymbolicTensor
from hornbook.core.unknown import known
from hornbook.core.variable import Variable


class Call:
    """What is true for one outermost call: the training flag, and the losses added on the way."""

    def __init__(self, training: bool | None, losses: list):
        self.training = training
        self.losses = losses


class _Thread(threading.local):
    def __init__(self):
        self.calls: list[Call] = []
        self.watchers: list[Callable] = []


thread = _Thread()


@contextmanager
def collect_losses() -> Iterator[list]:
    """Inside, what layers add with `add_loss` lands in the list that this yields."""
    call = Call(None, [])
    thread.calls.append(call)
    try:
        yield call.losses
    finally:
        thread.calls.pop()


@contextmanager
def watch_calls(watcher: Callable) -> Iterator[None]:
    """Inside, `watcher(layer, inputs, outputs)` is told of each layer's call when it ends."""
    thread.watchers.append(watcher)
    try:
        yield
    finally:
        thread.watchers.pop()


@functools.lru_cache(maxsize=4096)
def parameters_of(function: Callable) -> dict[str, inspect.Parameter]:
    """The parameters of a function by name."""
    return dict(inspect.signature(function).parameters)


def convert(layer: Any, value: Any) -> Any:
    """An argument of a layer as it computes with it: numpy arrays become JAX arrays, and floats get
    the layer's compute dtype."""
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
        if not layer.autocast:
            return jnp.asarray(value)
        if value.dtype != layer.compute_dtype:
            mask = get_mask(value)
            value = jnp.asarray(value, layer.compute_dtype)
            set_mask(value, mask)
            return value
    elif value.dtype == object:
        raise TypeError(
            f"layer {layer.name!r} got an array of Python objects (dtype object); "
            "convert it to numbers first"
        )
    return value if isinstance(value, jax.Array) else jax.device_put(value)


def tree_of_symbols(shape: Any, dtype: str) -> Any:
    """Symbolic tensors for a shape, or for a structure of shapes."""
    if isinstance(shape, dict):
        return {key: tree_of_symbols(child, dtype) for key, child in shape.items()}
    if shape and isinstance(shape, list | tuple) and isinstance(shape[0], list | tuple | dict):
        return [tree_of_symbols(child, dtype) for child in shape]
    return SymbolicTensor(tuple(shape), dtype)


def is_plain_numbers(value: Any) -> bool:
    """A nested list of numbers is an array; a list of arrays is several inputs."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return isinstance(value, bool | int | float | np.generic)


def has_tensor(value: Any) -> bool:
    """Whether an argument has a tensor in it."""
    return any(isinstance(leaf, jax.Array | np.ndarray | Operators) for leaf in tree.walk(value))


def shape_of(value: Any) -> Any:
    """The shapes of a structure of tensors, in its form."""
    return tree.map_structure(lambda leaf: known(getattr(leaf, "shape", ())), value)


def as_shape(value: Any) -> Any:
    """JSON's lists back to shapes."""
    if isinstance(value, dict):
        return {key: as_shape(child) for key, child in value.items()}
    if isinstance(value, list | tuple) and all(v is None or isinstance(v, int) for v in value):
        return tuple(value)
    return [as_shape(child) for child in value] if isinstance(value, list | tuple) else value


def describe(leaf: Any) -> str:
    """A shape and dtype for messages."""
    return f"{tuple(leaf.shape)} {getattr(leaf, 'dtype', '')}"
