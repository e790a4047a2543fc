"""Rematerialization: the backward pass recomputes activations instead of storing them.

Gradients are the same; a step takes less memory and more time. `remat(function)` applies to one
function or layer, `RematScope` to all layers created inside it.
"""

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from hornbook.core import tree
from hornbook.core.symbolic import has_symbolic, op
from hornbook.core.variable import bind, thread
from hornbook.layers.calling import collect_losses

MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class _Thread(threading.local):
    def __init__(self):
        self.scopes: list[RematScope] = []


_thread = _Thread()


class RematScope:
    """Context in which new layers are rematerialized: recomputed in the backward pass.

    Args:
        mode: which layers: `"full"`, all; `"activations"`, only the activation functions;
            `"larger_than"`, layers whose output has more elements than `output_size_threshold`;
            `"list_of_layers"`, those named in `layer_names`; `None`, none.
        output_size_threshold: number of elements of the output, including the batch.
        layer_names: names of layers.

    Raises:
        ValueError: for an unknown mode.

    Example:
        >>> with hornbook.RematScope("list_of_layers", layer_names=["large"]):
        ...     layer = hornbook.layers.Dense(4, name="large")
        >>> layer(np.ones((2, 3))).shape
        (2, 4)
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Sequence[str] | None = None,
    ):
        if mode not in MODES:
            raise ValueError(f"mode of RematScope is one of {MODES}, not {mode!r}")
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = list(layer_names or ())

    def __enter__(self) -> "RematScope":
        _thread.scopes.append(self)
        return self

    def __exit__(self, *error: Any) -> None:
        _thread.scopes.pop()

    def call_of(self, layer: Any, args: tuple, kwargs: dict) -> Callable:
        """The `call` of a layer, rematerialized if this scope's mode selects it."""
        if self.mode == "activations":
            return _with_activation(layer)
        chosen = self.mode == "full" or (
            layer.name in self.layer_names
            if self.mode == "list_of_layers"
            else _output_size(layer, args, kwargs) > self.output_size_threshold
        )
        return _again(layer.call) if chosen else layer.call


def current_scope() -> RematScope | None:
    """The innermost active scope, if any."""
    scope = _thread.scopes[-1] if _thread.scopes else None
    return scope if scope is not None and scope.mode is not None else None


def remat(f: Callable) -> Callable:
    """Rematerialize a function: its backward pass recomputes intermediate values.

    Args:
        f: a function of arrays, or a layer.

    Example:
        >>> square = hornbook.remat(lambda x: x**2)
        >>> float(jax.grad(square)(3.0))
        6.0
    """
    return _again_as_layer(f) if hasattr(f, "_remat") else op(_again(f))


def _again_as_layer(layer: Any) -> Callable:
    """A rematerialized layer; symbolic calls are recorded as the layer's own."""

    @functools.wraps(layer.call)
    def call(*args, **kwargs):
        before, vars(layer)["_remat"] = layer._remat, RematScope("full")
        try:
            return layer(*args, **kwargs)
        finally:
            if not has_symbolic(args) and not has_symbolic(kwargs):
                vars(layer)["_remat"] = before

    return call


def _again(function: Callable) -> Callable:
    """A function whose intermediate values are recomputed in the backward pass."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        if thread.watchers:  # watchers get values, which must not leave jax.checkpoint's trace
            return function(*args, **kwargs)
        assigned: list = []

        def pure():
            with bind({}) as scope, collect_losses() as losses:
                thread.calls[-1].training = thread.calls[-2].training if thread.calls[1:] else None
                outputs = function(*args, **kwargs)
            assigned[:] = scope
            leaves, form = jax.tree.flatten(outputs)
            assigned.append(form)
            return leaves, list(scope.values()), list(losses)

        leaves, values, losses = jax.checkpoint(pure)()
        form = assigned.pop()
        for variable, value in zip(assigned, values, strict=True):
            variable.assign(value)
        if thread.calls:
            thread.calls[-1].losses.extend(losses)
        return jax.tree.unflatten(form, leaves)

    return call


def _with_activation(layer: Any) -> Callable:
    """The `call` of a layer, with its activation rematerialized."""
    activation = vars(layer).get("activation")
    if not callable(activation):
        return layer.call

    def call(*args, **kwargs):
        vars(layer)["activation"] = _again(activation)
        try:
            return layer.call(*args, **kwargs)
        finally:
            vars(layer)["activation"] = activation

    return call


def _output_size(layer: Any, args: tuple, kwargs: dict) -> int:
    """The number of elements of a layer's outputs."""
    with bind({}), collect_losses():
        outputs = jax.eval_shape(lambda: layer.call(*args, **kwargs))
    return sum(int(np.prod(leaf.shape)) for leaf in tree.flatten(outputs))
