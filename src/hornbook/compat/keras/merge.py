"""Keras 1's `merge` and `Merge`: one name for all merging layers."""

from collections.abc import Callable
from typing import Any

from hornbook import layers, models
from hornbook.compat.install import installed_names
from hornbook.core.symbolic import SymbolicTensor
from hornbook.layers.merging import Merge as BaseMerge

# The layer for each mode, created from the old arguments.
MODES: dict[str, Callable] = {
    "sum": lambda **given: layers.Add(**_only(given)),
    "mul": lambda **given: layers.Multiply(**_only(given)),
    "ave": lambda **given: layers.Average(**_only(given)),
    "max": lambda **given: layers.Maximum(**_only(given)),
    "concat": lambda concat_axis, **given: layers.Concatenate(axis=concat_axis, **_only(given)),
    "dot": lambda dot_axes, **given: layers.Dot(axes=_axes(dot_axes), **_only(given)),
    "cos": lambda dot_axes, **given: layers.Dot(
        axes=_axes(dot_axes), normalize=True, **_only(given)
    ),
}


def _only(given: dict) -> dict:
    return {"name": given["name"]} if given.get("name") else {}


def _axes(axes: Any) -> Any:
    """Axes that may be wrapped in lists: `([1], [1])`."""
    if isinstance(axes, list | tuple):
        return tuple(one[0] if isinstance(one, list | tuple) else one for one in axes)
    return axes


def merging_layer(
    mode: Any = "sum",
    concat_axis: int = -1,
    dot_axes: Any = -1,
    output_shape: Any = None,
    output_mask: Any = None,
    arguments: dict | None = None,
    name: str | None = None,
) -> layers.Layer:
    """Today's layer for a mode.

    Args:
        mode: `sum`, `mul`, `concat`, `ave`, `dot`, `cos`, `max`, or a function of a list.
        concat_axis: for `concat`.
        dot_axes: for `dot` and `cos`.
        output_shape: ignored; inferred for a function.
        output_mask: for a function.
        arguments: further arguments of a function.
        name: of the layer.

    Raises:
        ValueError: for any other mode.
    """
    if callable(mode):
        names = installed_names()
        kind = layers.Lambda if names is None else names.get("layers", "Lambda")
        return kind(mode, mask=output_mask, arguments=arguments, name=name)
    if mode not in MODES:
        raise ValueError(f"merge has the modes {', '.join(MODES)}, or a function; not {mode!r}")
    return MODES[mode](concat_axis=concat_axis, dot_axes=dot_axes, name=name)


def merge(inputs: list, node_indices: Any = None, tensor_indices: Any = None, **kwargs: Any) -> Any:
    """Merge tensors; see `merging_layer` for the arguments.

    Args:
        inputs: symbolic tensors, or layers whose outputs are merged.
        node_indices: ignored; the first output of a layer is used.
        tensor_indices: ignored, likewise.
        **kwargs: see `merging_layer`.
    """
    if all(isinstance(one, SymbolicTensor) for one in inputs):
        return merging_layer(**kwargs)(inputs)
    return Merge(layers=inputs, **kwargs)


def Merge(
    layers: list | None = None, node_indices: Any = None, tensor_indices: Any = None, **kwargs: Any
) -> Any:
    """A model that merges several branches; without branches, a layer to call on a list.

    Args:
        layers: models or layers that have been called on inputs.
        node_indices: ignored; the first output of a layer is used.
        tensor_indices: ignored, likewise.
        **kwargs: see `merging_layer`.
    """
    joined = merging_layer(**kwargs)
    if not layers:
        return joined
    outputs = joined([layer.output for layer in layers])
    inputs: list = []
    for layer in layers:
        found = layer.inputs if isinstance(layer, models.Model) else [layer.input]
        inputs += [one for one in found if not any(one is known for known in inputs)]
    return models.Model(inputs, outputs)


class MergeBase(BaseMerge):
    """Base of custom merging layers, which define `_merge_function(inputs)`."""

    def _merge_function(self, inputs: list) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no _merge_function(self, inputs)")

    def _merge(self, inputs: list, masks: list) -> Any:
        return self._merge_function(inputs)
