"""What training minimizes and reports: losses and metrics, matched to outputs by name once."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import losses, metrics
from hornbook.core import tree
from hornbook.core.config import nearest
from hornbook.core.module import Module

ACCURACY = ("accuracy", "acc", "crossentropy", "ce")


class Objective(Module):
    """Losses, their weights and the metrics of a compiled model.

    Args:
        loss: one for all outputs, a list in the order of the outputs, or a dict by output name.
        loss_weights: numbers in the same forms.
        metrics: names, objects or functions: a list for one output; for several, a list of lists,
            a dict by output name, or a flat list for each of them.
        weighted_metrics: the same, with the sample weights applied.
    """

    def __init__(self, loss=None, loss_weights=None, metrics=None, weighted_metrics=None):
        super().__init__(name="objective")
        self.given = (loss, loss_weights, metrics, weighted_metrics)
        for one in tree.walk({} if _is_config(loss) else loss):
            if one != "crossentropy":
                losses.get(one)  # an unknown name is an error now, not at the first batch
        self.names: list[str] | None = None
        self.loss_names: list[str] = []
        self.losses: dict[str, Any] = {}
        self.weights: dict[str, float] = {}
        self.trackers: dict[str, Any] = {}
        self.reported: list[tuple[str, Any, str, bool]] = []  # (output, metric, log name, weighted)
        self.choices: dict[str, str] = {}  # why 'accuracy' became what it did

    @property
    def built(self) -> bool:
        """Whether outputs and losses have been matched."""
        return self.names is not None

    @property
    def metrics(self) -> list:
        """The metrics that were asked for."""
        return [metric for _, metric, _, _ in self.reported]

    # ---- matching

    def build(
        self, names: list[str], y: Any, y_pred: Any, last_activations: dict[str, Any]
    ) -> None:
        """Match losses and metrics with outputs.

        Args:
            names: names of the outputs, in order.
            y: targets (or their specs), in any accepted form.
            y_pred: outputs (or their specs), in any accepted form.
            last_activations: the activation that each output comes from, where known.
        """
        loss, loss_weights, asked, weighted = self.given
        self.names = names
        by_name = _by_output("loss", loss, names, broadcast=True)
        targets, outputs = self.split(y), self.split(y_pred)
        self.losses = {
            name: _as_loss(one, targets.get(name), outputs[name])
            for name, one in by_name.items()
            if one is not None
        }
        self.loss_names = list(self.losses)
        for name, value in _by_output("loss_weights", loss_weights, names).items():
            if value is not None:
                self.weights[name] = float(value)
        self.trackers = {"loss": metrics.Mean(name="loss")}
        if len(names) > 1:
            self.trackers |= {n: metrics.Mean(name=f"{n}_loss") for n in self.loss_names}
        for spec, use_weights in ((asked, False), (weighted, True)):
            for name, wanted in _metric_lists(spec, names).items():
                for one in wanted:
                    metric, log = self._metric(
                        one, name, targets.get(name), outputs[name], last_activations.get(name)
                    )
                    key = f"{name}_{log}" if len(names) > 1 else log
                    self.reported.append((name, metric, _unused(key, self.reported), use_weights))

    def _metric(self, wanted, name, y, y_pred, activation):
        if isinstance(wanted, str) and wanted in ACCURACY:
            if y is None:
                raise ValueError(f"the metric {wanted!r} of output {name!r} needs targets")
            integer = not jnp.issubdtype(y.dtype, np.floating)
            if wanted in ("accuracy", "acc"):
                metric, reason = metrics.resolve_accuracy(
                    self.losses.get(name), tuple(y.shape), integer, tuple(y_pred.shape), activation
                )
            else:
                metric, reason = _crossentropy(tuple(y.shape), tuple(y_pred.shape))
            key = f"{name}: {wanted}" if len(self.names or ()) > 1 else wanted
            self.choices[key] = reason
            metric.name = wanted
            return metric, wanted
        found = metrics.get(wanted)
        if not isinstance(found, metrics.Metric):
            label = getattr(found, "__name__", None) or getattr(found, "name", "metric")
            found = metrics.MeanMetricWrapper(found, name=label)
        if isinstance(wanted, str):
            found.name = wanted
        if not found.variables and y is not None:
            metrics.make_variables(found, *_specs(y, y_pred))
        return found, found.name

    def split(self, values: Any) -> dict[str, Any]:
        """A structure of targets, outputs or sample weights as a dictionary by output name."""
        names = self.names or []
        if values is None:
            return {}
        if isinstance(values, dict):
            if set(values) <= set(names):
                return {name: values[name] for name in names if name in values}
            unknown = sorted(set(values) - set(names))
            raise ValueError(
                f"there is no output named {unknown[0]!r}; the outputs are {names}. "
                f"{nearest(str(unknown[0]), names)}"
            )
        leaves = tree.flatten(values)
        if len(names) == 1 and len(leaves) == 1:
            return {names[0]: leaves[0]}
        if len(leaves) != len(names):
            raise ValueError(
                f"the model has {len(names)} outputs ({names}); got {len(leaves)} arrays for them"
            )
        return dict(zip(names, leaves, strict=True))

    # ---- one batch

    def loss(self, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The weighted sum of the losses of all outputs; each is noted in its tracker."""
        outputs = self.split(y_pred)
        targets = self.split(y)
        weights = self._sample_weights(sample_weight)
        total = jnp.zeros((), "float32")
        for name, loss in self.losses.items():
            if name not in targets:
                raise ValueError(f"output {name!r} has a loss but no targets were given for it")
            value = loss(targets[name], outputs[name], weights.get(name))
            if jnp.ndim(value):
                value = jnp.mean(value)
            if name in self.trackers:
                self.trackers[name].update_state(value, sample_weight=_rows(outputs))
            factor = self.weights.get(name, 1.0)
            total = total + (value if factor == 1.0 else value * factor)
        return total

    def update_metrics(self, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Show a batch to every metric."""
        if not self.reported:
            return
        outputs, targets = self.split(y_pred), self.split(y)
        weights = self._sample_weights(sample_weight)
        for name, metric, _, weighted in self.reported:
            if name not in targets:
                raise ValueError(f"output {name!r} has a metric but no targets were given for it")
            weight = weights.get(name) if weighted else None
            metric.update_state(targets[name], outputs[name], sample_weight=weight)

    def track_total(self, loss: Any, y_pred: Any) -> None:
        """Note the whole loss of a batch."""
        self.trackers["loss"].update_state(loss, sample_weight=_rows(y_pred))

    def _sample_weights(self, sample_weight: Any) -> dict[str, Any]:
        if sample_weight is None:
            return {}
        if not tree.is_nested(sample_weight):
            return dict.fromkeys(self.names or [], sample_weight)
        return self.split(sample_weight)

    def results(self) -> dict[str, Any]:
        """What to report: the loss, each output's loss, then the metrics."""
        found = {metric.name: metric.result() for metric in self.trackers.values()}
        for _, metric, key, _ in self.reported:
            value = metric.result()
            found |= value if isinstance(value, dict) else {key: value}
        return found

    def reset(self) -> None:
        """Forget all batches."""
        for metric in [*self.trackers.values(), *self.metrics]:
            metric.reset_state()


def _as_loss(identifier: Any, y: Any, y_pred: Any) -> losses.Loss:
    """A loss object; plain functions are averaged over the batch."""
    if isinstance(identifier, str) and identifier == "crossentropy" and y is not None:
        found = losses.resolve_crossentropy(tuple(y.shape), tuple(y_pred.shape))
    else:
        found = losses.get(identifier)
    if isinstance(found, losses.Loss):
        return found
    return losses.LossFunctionWrapper(found, name=getattr(found, "__name__", None))


def _specs(y: Any, y_pred: Any) -> tuple:
    """Shapes and dtypes of targets and outputs of one batch; sizes unknown in the output are the
    targets'."""
    known = [*y.shape, *[1] * (len(y_pred.shape) - len(y.shape))]
    shape = [k if size is None else size for size, k in zip(y_pred.shape, known, strict=False)]
    return (
        jax.ShapeDtypeStruct(tuple(y.shape), y.dtype),
        jax.ShapeDtypeStruct(tuple(shape), y_pred.dtype),
    )


def _rows(y_pred: Any) -> float:
    return float(tree.flatten(y_pred)[0].shape[0])


def _by_output(what: str, given: Any, names: list[str], broadcast: bool = False) -> dict[str, Any]:
    """One value for each output, from a value, a list or a dict."""
    if given is None:
        return {}
    if isinstance(given, dict) and not _is_config(given):
        unknown = [key for key in given if key not in names]
        if unknown:
            raise ValueError(
                f"{what} names {unknown[0]!r}, which is no output; the outputs are {names}. "
                f"{nearest(str(unknown[0]), names)}"
            )
        return dict(given)
    if isinstance(given, list | tuple):
        if len(given) != len(names):
            raise ValueError(
                f"{what} has {len(given)} entries; the model has {len(names)} outputs ({names})"
            )
        return dict(zip(names, given, strict=True))
    if broadcast or len(names) == 1:
        return dict.fromkeys(names, given)
    raise ValueError(f"{what} must be a list or a dict: the model has several outputs ({names})")


def _is_config(value: Any) -> bool:
    return isinstance(value, dict) and "class_name" in value


def _metric_lists(given: Any, names: list[str]) -> dict[str, list]:
    """A list of metrics for each output."""
    if given is None:
        return {}
    if isinstance(given, dict):
        return {k: _listed(v) for k, v in _by_output("metrics", given, names).items()}
    given = _listed(given)
    if len(names) == 1:
        flat = given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given
        return {names[0]: [one for one in flat if one is not None]}
    if any(isinstance(one, list | tuple) or one is None for one in given):
        return {k: _listed(v) for k, v in _by_output("metrics", given, names).items()}
    if len(given) == len(names):
        return {name: [one] for name, one in zip(names, given, strict=True)}
    return {name: [_copy(one, i) for one in given] for i, name in enumerate(names)}


def _copy(metric: Any, number: int) -> Any:
    """Each output counts for itself."""
    if number and isinstance(metric, metrics.Metric):
        return type(metric).from_config(metric.get_config())
    return metric


def _listed(value: Any) -> list:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _unused(key: str, taken: list) -> str:
    keys = {entry[2] for entry in taken}
    number, candidate = 1, key
    while candidate in keys:
        candidate, number = f"{key}_{number}", number + 1
    return candidate


def _crossentropy(y_shape: tuple, pred_shape: tuple) -> tuple[Any, str]:
    """The crossentropy that fits labels and outputs of these shapes."""
    if pred_shape[-1] == 1:
        return metrics.BinaryCrossentropy(), "binary_crossentropy: one output a sample"
    if len(y_shape) < len(pred_shape) or y_shape[-1] == 1:
        return (
            metrics.SparseCategoricalCrossentropy(),
            "sparse_categorical_crossentropy: integer labels",
        )
    return metrics.CategoricalCrossentropy(), "categorical_crossentropy: one-hot labels"
