"""Batches of ever new lengths are padded to few, in a model for which that changes nothing.

Each length of a sequence is a shape of its own, and each shape is compiled. Where the steps that
padding adds are masked, and all layers, losses and metrics treat masked steps as if they were not
there, a batch may as well have the next of a few lengths: 1, 2, 3, 4, 6, 8, 12, 16, 24, ...
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from hornbook import losses, metrics
from hornbook.core import tree
from hornbook.core.graph import Graph
from hornbook.core.module import structure_version
from hornbook.core.symbolic import SymbolicTensor
from hornbook.layers.embedding import Embedding
from hornbook.layers.masked import ignores_masked_steps
from hornbook.layers.masking import Masking
from hornbook.losses.base import MEANS

MASKED = "masked"
# Losses and metrics that give one value for each step, from that step alone.
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


def bucket_length(steps: int) -> int:
    """The length that a sequence is padded to: two for each doubling, at most half as much again.

    Example:
        >>> [bucket_length(n) for n in (1, 2, 3, 5, 7, 9, 13, 100)]
        [1, 2, 3, 6, 8, 12, 16, 128]
    """
    if steps < 3:
        return steps
    power = 1 << (steps - 1).bit_length()  # the next power of two, or `steps` itself
    return power * 3 // 4 if steps <= power * 3 // 4 else power


class Padding:
    """Pads the batches of a model once their lengths are seen to vary, where that is exact.

    A padded batch is `(x, y, sample_weight, steps)`; the last, one for each sample, is how many
    steps there were.
    """

    def __init__(self):
        self.first: list[int | None] | None = None  # the inputs' lengths in the first batch
        self.varying: frozenset[int] = frozenset()  # numbers of inputs
        self.version = -1
        self.fills: dict[int, Any] | None = None  # what each varying input is padded with
        self.means: dict[tuple, bool] = {}  # what is known of losses and metrics
        self.in_steps: Any = None  # in the form of the outputs: whether each has the inputs' steps

    def __call__(self, model: Any, data: tuple, targets: bool = True) -> tuple:
        """A batch, padded where it may be.

        Args:
            model: the model that it is for.
            data: `(x, y, sample_weight)`, numpy or JAX arrays.
            targets: whether the loss and the metrics count, or the outputs alone.
        """
        graph = model.known_graph()
        x, y, weight = data
        inputs = model._in_order(x) if graph is not None else tree.flatten(x)
        lengths = [value.shape[1] if value.ndim > 1 else None for value in inputs]
        if not self._vary(lengths) or graph is None:
            return data
        if targets and not model.objective.built:
            return data
        self._look(graph)
        given = {lengths[i] for i in self.varying}
        steps = next(iter(given)) if len(given) == 1 else None
        if steps is None or self.fills is None or not _may_be_filled(inputs, self.fills):
            return data
        zeros: dict[int, Any] = {}
        if targets and any(tree.flatten(self.in_steps)):
            found = self._with_steps(model.objective, graph, y, weight, steps)
            if found is None:
                return data
            zeros = {id(array): 0 for array in found}
        fills = {id(inputs[i]): fill for i, fill in self.fills.items()}
        size = bucket_length(steps)
        return (
            _filled(x, fills, size),
            _filled(y, zeros, size),
            _filled(weight, zeros, size),
            np.full(len(inputs[0]), steps, "int32"),
        )

    def _vary(self, lengths: list) -> bool:
        """Whether the lengths of batches differ; which inputs' do is noted."""
        if self.first is None or len(self.first) != len(lengths):
            self.first, self.varying = lengths, frozenset()
        changed = {i for i, (a, b) in enumerate(zip(self.first, lengths, strict=True)) if a != b}
        if not changed <= self.varying:
            self.varying |= changed
            self.version = -1
        return bool(self.varying)

    def _look(self, graph: Graph) -> None:
        """Find out whether padding is exact, anew where the model has changed."""
        if self.version == structure_version():
            return
        self.version = structure_version()
        self.fills = None
        self.means.clear()
        fills: dict[int, Any] = {}
        at: dict[SymbolicTensor, Any] = {graph.input_list[i]: i for i in self.varying}
        if spread(graph, at, fills) and all(
            at.get(tensor, MASKED) is MASKED for tensor in graph.output_list
        ):
            self.fills = fills
            self.in_steps = tree.map_structure(lambda tensor: tensor in at, graph.outputs)

    def _with_steps(
        self, objective: Any, graph: Graph, y: Any, weight: Any, steps: int
    ) -> list | None:
        """The targets and weights that are padded too; `None` if a loss or metric would change."""
        outputs, cut = objective.split(graph.outputs), objective.split(self.in_steps)
        targets, weights = objective.split(y), objective._sample_weights(weight)
        shared = weight is not None and not tree.is_nested(weight) and not all(cut.values())
        if shared and weight.ndim > 1:
            return None  # it weighs steps, which some outputs do not have
        found = []
        for name in [name for name in cut if cut[name]]:
            target, one = targets.get(name), weights.get(name)
            if target is None or target.ndim < 2 or target.shape[1] != steps:
                return None
            counted = [objective.losses.get(name)]
            counted += [metric for output, metric, _, _ in objective.reported if output == name]
            for each in counted:
                if each is not None and not self._is_mean(each, target, outputs[name]):
                    return None
            found.append(target)
            if one is not None and one.ndim > 1:
                if one.shape[1] != steps:
                    return None
                found.append(one)
        return found

    def _is_mean(self, one: Any, y: Any, tensor: SymbolicTensor) -> bool:
        key = (id(one), y.ndim, y.shape[2:], y.dtype)
        if key not in self.means:
            self.means[key] = is_mean_of_steps(one, y, tensor)
        return self.means[key]

    def trim(self, outputs: Any, steps: int) -> Any:
        """Outputs of a padded batch without the steps that were added."""
        return tree.map_structure(lambda a, cut: a[:, :steps] if cut else a, outputs, self.in_steps)

    def __deepcopy__(self, memo):
        return None

    def __reduce__(self):
        return type(None), ()


def spread(graph: Graph, at: dict[SymbolicTensor, Any], fills: dict[int, Any]) -> bool:
    """Follow the steps of varying inputs through a graph.

    Args:
        graph: what is followed.
        at: the tensors that have the steps: an input's number, or `MASKED` once a mask goes with
            them. Those found are added.
        fills: what each input must be padded with to be masked; filled in.

    Returns:
        Whether everything on the way treats masked steps as if they were not there.
    """
    for node in graph.nodes:
        found = [at[tensor] for tensor in node.inputs if tensor in at]
        if not found:
            continue
        raw = [number for number in found if number is not MASKED]
        inner = node.op.known_graph() if hasattr(node.op, "known_graph") else None
        if inner is not None:
            if len(raw) < len(found) or not _spread_inside(inner, node, at, fills):
                return False
        elif raw:
            fill = mask_value(node.op)
            if fill is None or len(raw) < len(found):
                return False
            if any(fills.setdefault(number, fill) != fill for number in raw):
                return False
            if not _mark(node, at):
                return False
        elif not ignores_masked_steps(node.op) or _own_masks(node) or not _mark(node, at):
            return False
    return True


def _spread_inside(inner: Graph, node: Any, at: dict, fills: dict) -> bool:
    """The same inside a model that is called as a layer; it begins with the raw inputs."""
    given = node.op._in_order(node.args[0]) if node.args else []
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
    """The number that a layer masks wherever it stands in its input; `None` if there is none."""
    quiet = getattr(layer, "activity_regularizer", None) is None
    if type(layer) is Embedding and layer.mask_zero and quiet:
        return 0
    if type(layer) is Masking and np.ndim(layer.mask_value) == 0 and quiet:
        return layer.mask_value
    return None


def _own_masks(node: Any) -> bool:
    """Whether a call is given a mask, instead of the one that travels with its input."""
    return any(
        name.endswith("mask") and value is not None and not isinstance(value, bool)
        for name, value in node.kwargs.items()
    )


def _mark(node: Any, at: dict) -> bool:
    """Note which outputs of a call have the steps: those with a mask. The others have none."""
    for tensor in node.output_list:
        if tensor.mask is not None and tensor.ndim > 2:
            at[tensor] = MASKED
        elif tensor.mask is not None or None in tensor.shape[1:]:
            return False
    return True


def _may_be_filled(inputs: list, fills: dict[int, Any]) -> bool:
    """Whether the inputs can hold the padding, and no sample consists of it.

    What attention sees in a sample without any step is the mean of the padding.
    """
    if len(set(map(id, inputs))) < len(inputs):
        return False
    for i, fill in fills.items():
        value = np.asarray(inputs[i])
        with np.errstate(invalid="ignore"):
            if np.asarray(fill).astype(value.dtype) != fill:  # NaN too
                return False
        if not (value != fill).reshape(len(value), -1).any(1).all():
            return False
    return True


def _filled(part: Any, fills: dict[int, Any], size: int) -> Any:
    """Some arrays of a structure, by identity, with steps of a value added up to `size`."""

    def fill(array):
        if id(array) not in fills:
            return array
        old = np.asarray(array)
        new = np.full((len(old), size, *old.shape[2:]), fills[id(array)], old.dtype)
        new[:, : old.shape[1]] = old
        return new

    return tree.map_structure(fill, part)


# ---- losses and metrics


def is_mean_of_steps(one: Any, y: Any, tensor: SymbolicTensor) -> bool:
    """Whether a loss or metric is the mean (or sum) of one value for each step.

    Args:
        one: the loss or metric.
        y: targets `(batch, steps, ...)`.
        tensor: the output that they are for.
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
