"""Pads batches of varying lengths to a few lengths, in models where that changes no result.

Each sequence length is a new shape, and each shape is compiled. If the added timesteps are masked,
and all layers, losses and metrics ignore masked timesteps, a batch can be padded to the next of a
few lengths: 1, 2, 3, 4, 6, 8, 12, 16, 24, ... Inputs of different lengths, such as a text and its
translation, are padded separately.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from hornbook import losses, metrics
from hornbook.core import tree
from hornbook.core.graph import Graph
from hornbook.core.module import structure_version
from hornbook.core.symbolic import SymbolicTensor
from hornbook.layers.attention.dot import Attention
from hornbook.layers.attention.multi_head import Heads
from hornbook.layers.embedding import Embedding
from hornbook.layers.masked import ignores_masked_steps
from hornbook.layers.masking import Masking
from hornbook.losses.base import MEANS
from hornbook.training.data import count_samples
from hornbook.training.protocol import Trainable

NO_TIMESTEPS = -1
QUERYING = (Attention, Heads)  # the output has the timesteps of the first input
# Losses and metrics with one value per timestep, computed from that timestep alone.
STEPWISE: tuple[Callable, ...] = (
    losses.mean_squared_error,
    losses.mean_absolute_error,
    losses.mean_absolute_percentage_error,
    losses.mean_squared_logarithmic_error,
    losses.huber,
    losses.log_cosh,
    losses.poisson,
    losses.kl_divergence,
    losses.hinge,
    losses.squared_hinge,
    losses.categorical_hinge,
    losses.binary_crossentropy,
    losses.binary_focal_crossentropy,
    losses.categorical_crossentropy,
    losses.categorical_focal_crossentropy,
    losses.sparse_categorical_crossentropy,
    metrics.accuracy,
    metrics.binary_accuracy,
    metrics.sign_accuracy,
    metrics.categorical_accuracy,
    metrics.sparse_categorical_accuracy,
    metrics.top_k_categorical_accuracy,
    metrics.sparse_top_k_categorical_accuracy,
)


def bucket_length(timesteps: int) -> int:
    """The length that a sequence is padded to: two lengths per doubling, at most 1.5 times as long.

    Example:
        >>> [bucket_length(n) for n in (1, 2, 3, 5, 7, 9, 13, 100)]
        [1, 2, 3, 6, 8, 12, 16, 128]
    """
    if timesteps < 3:
        return timesteps
    power = 1 << (timesteps - 1).bit_length()  # the next power of two, or `timesteps` itself
    return power * 3 // 4 if timesteps <= power * 3 // 4 else power


class Timesteps(NamedTuple):
    """The timesteps of a tensor.

    Attributes:
        group: index of the first input with the same lengths.
        raw: index of the input, until there is a mask; then `None`.
    """

    group: int
    raw: int | None = None


class Padding:
    """Pads the batches of a model once their lengths vary, if that is exact.

    A padded batch is `(x, y, sample_weight, timesteps)`; the last has the original lengths, shape
    `(samples, outputs)`, or 0 for outputs without timesteps.
    """

    def __init__(self):
        self.first: list[int | None] | None = None  # the inputs' lengths in the first batch
        self.varying: dict[int, int] = {}  # from input index to group
        self.version = -1
        self.fills: dict[int, Any] | None = None  # padding value of each varying input
        self.means: dict[tuple, bool] = {}  # cache: which losses and metrics are means
        self.groups: Any = None  # in the outputs' structure: the group of each

    def __call__(self, model: Any, data: tuple, targets: bool = True) -> tuple:
        """Pad a batch if that is exact.

        Args:
            model: the model.
            data: `(x, y, sample_weight)`, numpy or JAX arrays.
            targets: whether losses and metrics must be exact too, or only the outputs.
        """
        graph = model._known_graph()
        x, y, weight = data
        inputs = model._inputs_in_order(x) if graph is not None else tree.flatten(x)
        lengths = [None if v is None or v.ndim < 2 else v.shape[1] for v in inputs]
        if not self._vary(lengths) or graph is None:
            return data
        if targets and not model._training_state.objective.built:
            return data
        self._look(graph)
        counts: dict[int, Any] = {group: lengths[i] for i, group in self.varying.items()}
        if None in counts.values() or self.fills is None or not _may_be_filled(inputs, self.fills):
            return data
        fills = {id(inputs[i]): (fill, counts[self.varying[i]]) for i, fill in self.fills.items()}
        zeros: dict[int, tuple[Any, int]] = {}
        given = [counts.get(group, 0) for group in tree.flatten(self.groups)]
        if targets and any(given):
            objective = model._training_state.objective
            found = self._with_timesteps(objective, graph, y, weight, counts)
            if found is None:
                return data
            zeros = {id(array): (0, array.shape[1]) for array in found}
        return (
            _filled(x, fills),
            _filled(y, zeros),
            _filled(weight, zeros),
            np.tile(np.array(given, "int32"), (count_samples(x), 1)),
        )

    def _vary(self, lengths: list) -> bool:
        """Whether batch lengths vary; records which inputs vary, and which vary together."""
        if self.first is None or len(self.first) != len(lengths):
            self.first, self.varying = lengths, {}
        changed = {i for i, (a, b) in enumerate(zip(self.first, lengths, strict=True)) if a != b}
        names = {i: (self.varying.get(i, 0), lengths[i]) for i in sorted(changed | {*self.varying})}
        groups = {i: next(j for j in names if names[j] == names[i]) for i in names}
        if groups != self.varying:
            self.varying = groups
            self.version = -1
        return bool(self.varying)

    def _look(self, graph: Graph) -> None:
        """Find out whether padding is exact; repeated when the model has changed."""
        if self.version == structure_version():
            return
        self.version = structure_version()
        self.fills = None
        self.means.clear()
        fills: dict[int, Any] = {}
        at = {graph.input_list[i]: Timesteps(group, i) for i, group in self.varying.items()}
        if spread(graph, at, fills) and all(
            at[tensor].raw is None for tensor in graph.output_list if tensor in at
        ):
            self.fills = fills
            self.groups = tree.map_structure(
                lambda tensor: at[tensor].group if tensor in at else NO_TIMESTEPS, graph.outputs
            )

    def _with_timesteps(
        self, objective: Any, graph: Graph, y: Any, weight: Any, counts: dict[int, int]
    ) -> list | None:
        """The targets and weights to pad as well; `None` if a loss or metric would change."""
        outputs, groups = objective.split(graph.outputs), objective.split(self.groups)
        targets, weights = objective.split(y), objective.sample_weights(weight)
        shared = weight is not None and not tree.is_nested(weight) and len(set(groups.values())) > 1
        if shared and weight.ndim > 1:
            return None  # weights for timesteps, which some outputs lack
        found = []
        for name in [name for name in groups if groups[name] != NO_TIMESTEPS]:
            given = counts[groups[name]]
            target, one = targets.get(name), weights.get(name)
            if target is None or target.ndim < 2 or target.shape[1] != given:
                return None
            counted = [term.loss for term in objective.losses.get(name, ())]
            counted += [report.metric for report in objective.reported if report.output == name]
            for each in counted:
                if not self._is_mean(each, target, outputs[name]):
                    return None
            found.append(target)
            if one is not None and one.ndim > 1:
                if one.shape[1] != given:
                    return None
                found.append(one)
        return found

    def _is_mean(self, one: Any, y: Any, tensor: SymbolicTensor) -> bool:
        key = (id(one), y.ndim, y.shape[2:], y.dtype)
        if key not in self.means:
            self.means[key] = is_mean_of_timesteps(one, y, tensor)
        return self.means[key]

    def trim(self, outputs: Any, timesteps: Any) -> Any:
        """Outputs of a padded batch, cut to their original lengths."""
        leaves = zip(tree.flatten(outputs), tree.flatten(self.groups), timesteps, strict=True)
        cut = [a if group == NO_TIMESTEPS else a[:, : int(n)] for a, group, n in leaves]
        return tree.unflatten_as(outputs, cut)


def spread(graph: Graph, at: dict[SymbolicTensor, Timesteps], fills: dict[int, Any]) -> bool:
    """Follow the timesteps of varying inputs through a graph.

    Args:
        graph: the graph.
        at: the tensors that have timesteps of varying inputs; updated.
        fills: the value that each input must be padded with to be masked; updated.

    Returns:
        Whether every op on the way ignores masked timesteps.
    """
    for node in graph.nodes:
        found = [at[tensor] for tensor in node.inputs if tensor in at]
        if not found:
            continue
        raw = [timesteps.raw for timesteps in found if timesteps.raw is not None]
        inner = node.op._known_graph() if isinstance(node.op, Trainable) else None
        if inner is not None:
            if len(raw) < len(found) or not _spread_inside(inner, node, at, fills):
                return False
            continue
        if raw:
            fill = mask_value(node.op)
            if fill is None or len(raw) < len(found):
                return False
            if any(fills.setdefault(number, fill) != fill for number in raw):
                return False
        elif not ignores_masked_steps(node.op) or _own_masks(node):
            return False
        querying = isinstance(node.op, QUERYING)
        if not querying and len({timesteps.group for timesteps in found}) > 1:
            return False
        if not _mark(node, at, at.get(node.inputs[0]) if querying else found[0]):
            return False
    return True


def _spread_inside(inner: Graph, node: Any, at: dict, fills: dict) -> bool:
    """`spread` inside a model called as a layer, starting from the raw inputs."""
    given = node.op._inputs_in_order(node.args[0]) if node.args else []
    if len(given) != len(inner.input_list) or len(node.inputs) != len(set(given)):
        return False
    within = {s: at[t] for s, t in zip(inner.input_list, given, strict=True) if t in at}
    if not spread(inner, within, fills):
        return False
    ends = zip(node.output_list, inner.output_list, strict=True)
    reached = {outside: within[inside] for outside, inside in ends if inside in within}
    at |= reached
    return all(tensor.mask is not None for tensor in reached)


def mask_value(layer: Any) -> Any:
    """The input value that a layer masks; `None` if there is none."""
    quiet = getattr(layer, "activity_regularizer", None) is None
    call = getattr(type(layer), "call", None)
    if call is Embedding.call and layer.mask_zero and quiet:
        return 0
    if call is Masking.call and np.ndim(layer.mask_value) == 0 and quiet:
        return layer.mask_value
    return None


def _own_masks(node: Any) -> bool:
    """Whether a call is passed an explicit mask, instead of using its input's."""
    return any(
        name.endswith("mask") and value is not None and not isinstance(value, bool)
        for name, value in node.kwargs.items()
    )


def _mark(node: Any, at: dict[SymbolicTensor, Timesteps], timesteps: Timesteps | None) -> bool:
    """Record which outputs of a call have the timesteps: those with a mask."""
    for tensor in node.output_list:
        if timesteps is not None and tensor.mask is not None and tensor.ndim > 2:
            at[tensor] = Timesteps(timesteps.group)
        elif (timesteps is not None and tensor.mask is not None) or None in tensor.shape[1:]:
            return False
    return True


def _may_be_filled(inputs: list, fills: dict[int, Any]) -> bool:
    """Whether the inputs can hold the padding value, and no sample consists of it entirely.

    In a sample without any real timestep, attention would see the mean of the padding.
    """
    if len(set(map(id, inputs))) < len(inputs):
        return False
    for i, fill in fills.items():
        value = np.asarray(inputs[i])
        with np.errstate(invalid="ignore"):
            if np.asarray(fill).astype(value.dtype) != fill:  # NaN too
                return False
        if not (value != fill).any(tuple(range(1, value.ndim))).all():
            return False
    return True


def _filled(part: Any, more: dict[int, tuple[Any, int]]) -> Any:
    """Pad arrays of a structure, selected by identity, to their bucket length."""

    def fill(array):
        if id(array) not in more:
            return array
        value, timesteps = more[id(array)]
        old = np.asarray(array)
        new = np.full((len(old), bucket_length(timesteps), *old.shape[2:]), value, old.dtype)
        new[:, :timesteps] = old
        return new

    return tree.map_structure(fill, part)


# ---- losses and metrics


def is_mean_of_timesteps(one: Any, y: Any, tensor: SymbolicTensor) -> bool:
    """Whether a loss or metric is the mean (or sum) of one value per timestep.

    Args:
        one: the loss or metric.
        y: targets `(batch, timesteps, ...)`.
        tensor: the output.
    """
    if None in tensor.shape[2:]:
        return False
    if isinstance(one, losses.LossFunctionWrapper):
        plain = type(one).call is losses.LossFunctionWrapper.call
        plain = plain and type(one).__call__ is losses.Loss.__call__
        function: Callable = one.call
        plain = plain and one.reduction in (*MEANS, "sum")
    elif isinstance(one, metrics.MeanMetricWrapper):
        plain = type(one).update_state is metrics.MeanMetricWrapper.update_state
        function = functools.partial(one.fn, **one.fn_kwargs)
    else:
        return False
    if not plain or one.fn not in STEPWISE or one.fn_kwargs.get("axis", -1) != -1:
        return False
    y_pred = jax.ShapeDtypeStruct((*y.shape[:2], *tensor.shape[2:]), tensor.dtype)
    values = jax.eval_shape(function, jax.ShapeDtypeStruct(y.shape, y.dtype), y_pred)
    return values.shape == y.shape[:2]
