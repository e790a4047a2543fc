"""Convert weights between old layouts and today's, by the tables of `dialects.files`."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from hornbook.core import settings
from hornbook.dialects.files import FLIPPED, FUSED, TURNED, Format, Joined


def as_today(layer: Any, values: list, written: Format, backend: str | None = None) -> list:
    """The weights of a layer in an old file, in today's order and layout.

    Args:
        layer: the layer, which may be a model.
        values: its arrays in the file.
        written: the format of the file.
        backend: the backend that wrote it; default: that of the running program, if known.

    Raises:
        ValueError: if they belong to a layer that computes something else.
    """
    flipped = (backend or _unstated(written)) in FLIPPED
    segments = list(_segments(layer))
    apart = len(values) != sum(len(variables) for _, variables in segments)
    left, made = list(values), []
    for leaf, variables in segments:
        joined = _row(leaf, written.joined) if apart else None
        count = len(variables) * (len(joined.gates) if joined else 1)
        some, left = left[:count], left[count:]
        if joined and len(some) == count:
            some = [np.concatenate([some[p] for p in part], -1) for part in joined.parts]
        some = [_kernel_today(leaf, value, written, flipped) for value in some]
        made += _from_cudnn(leaf, some)
    return made + left


def as_written(layer: Any, written: Format) -> list[tuple[str, np.ndarray]]:
    """Names and arrays of the weights of a layer in a generation's format.

    Args:
        layer: a layer or model.
        written: the format.
    """
    made: list[tuple[str, np.ndarray]] = []
    flipped = _unstated(written) in FLIPPED
    for leaf, variables in _segments(layer):
        values = [_kernel_then(leaf, variable.numpy(), written, flipped) for variable in variables]
        joined = _row(leaf, written.joined)
        if joined and len(values) == len(joined.parts):
            made += _apart(leaf, values, joined)
        elif written.names:
            names = [written.names.get(variable.name, variable.name) for variable in variables]
            made += [(f"{leaf.name}_{n}", v) for n, v in zip(names, values, strict=True)]
        else:
            around = layer.path.removesuffix(layer.name) if written.suffix else ""
            paths = [variable.path.removeprefix(around) for variable in variables]
            names = [f"{path}{written.suffix}" for path in paths]
            made += zip(names, values, strict=True)
    return made


def _unstated(written: Format) -> str | None:
    """The backend whose kernels a format contains, if it states none."""
    return None if written.backend else settings.unstated_backend()


# ---- nested layers


def _segments(layer: Any) -> Iterator[tuple[Any, list]]:
    """(leaf layer, its weights) in file order: trainable weights first."""
    leaves = dict.fromkeys(_leaves(layer))
    for which in ("trainable_weights", "non_trainable_weights"):
        for leaf in leaves:
            if variables := getattr(leaf, which):
                yield leaf, variables


def _leaves(layer: Any) -> Iterator[Any]:
    for one in _inside(layer):
        yield from _leaves(one)
    if not _inside(layer):
        yield layer


def _inside(layer: Any) -> list:
    """The layers inside a wrapper or model, if they own all of its weights."""
    if hasattr(layer, "_training_state"):
        inside = layer.layers
    elif hasattr(layer, "forward_layer"):
        inside = [layer.forward_layer, layer.backward_layer]
    else:
        inside = [layer.layer] if hasattr(getattr(layer, "layer", None), "weights") else []
    known = {id(variable) for one in inside for variable in one.weights}
    return inside if known == {id(variable) for variable in layer.weights} else []


def _row(layer: Any, table: Any) -> Any:
    """The row of a layer's class, or of its nearest base class with one."""
    return next((table[c.__name__] for c in type(layer).__mro__ if c.__name__ in table), None)


# ---- one layer


def _apart(layer: Any, values: list, joined: Joined) -> list[tuple[str, np.ndarray]]:
    """Today's weights, split into a set for each gate."""
    made: dict[int, tuple[str, np.ndarray]] = {}
    for kind, value, places in zip(joined.kinds, values, joined.parts, strict=True):
        for gate, place, part in zip(
            joined.order, places, np.split(value, len(places), -1), strict=True
        ):
            made[place] = f"{layer.name}_{kind}_{gate}", part
    return [made[place] for place in sorted(made)]


def _axes(layer: Any, written: Format) -> tuple[int, ...] | None:
    of_class = {
        kind: axes
        for (kind, order), axes in written.transposed.items()
        if order == getattr(layer, "data_format", None)
    }
    return _row(layer, of_class)


def _kernel_today(layer: Any, value: Any, written: Format, flipped: bool) -> Any:
    axes = _axes(layer, written)
    if axes is not None and value.ndim == len(axes):
        value = np.transpose(value, axes)
    if written.joined and value.ndim == 4 and _row(layer, {"Conv1D": True}):
        if value.shape[1] != 1 or value.shape[3] != layer.filters:  # Keras 1.1
            value = np.transpose(value, (2, 3, 1, 0))
        value = value[:, 0]
    return _flip(layer, value) if flipped else value


def _flip(layer: Any, value: Any) -> Any:
    """A kernel in today's layout with its taps reversed; other weights unchanged."""
    if value.ndim <= 2 or not any(kind.__name__ in TURNED for kind in type(layer).__mro__):
        return value
    return np.flip(value, tuple(range(value.ndim - 2)))


def _kernel_then(layer: Any, value: Any, written: Format, flipped: bool) -> Any:
    value = _flip(layer, value) if flipped else value
    if written.joined and value.ndim == 3 and _row(layer, {"Conv1D": True}):
        value = value[:, None]
    axes = _axes(layer, written)
    if axes is not None and value.ndim == len(axes):
        value = np.transpose(value, np.argsort(axes))
    return value


def _from_cudnn(layer: Any, values: list) -> list:
    """Weights in cuDNN's layout (transposed gates, two biases), in the plain layer's layout."""
    gates = _row(layer, FUSED)
    if not gates or len(values) != 3 or values[2].shape != (2 * gates * values[1].shape[0],):
        return values
    kernel, recurrent, bias = values
    biases = np.reshape(bias, (2, -1))
    if gates == FUSED["GRU"] and not layer.reset_after:
        raise ValueError(
            "the file has the weights of a CuDNNGRU, which only a GRU with reset_after=True "
            "computes: create the layer with it"
        )
    return [
        np.hstack([k.T.reshape(k.shape, order="F") for k in np.hsplit(kernel, gates)]),
        np.hstack([k.T for k in np.hsplit(recurrent, gates)]),
        biases if gates == FUSED["GRU"] else biases.sum(0),
    ]
