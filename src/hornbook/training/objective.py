"""What training minimizes and reports: losses and metrics, matched to outputs by name once."""

from collections import OrderedDict
from contextlib import suppress
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import losses, metrics
from hornbook.core import tree
from hornbook.core.config import nearest
from hornbook.core.module import Module, to_snake_case, unused
from hornbook.core.taping import through
from hornbook.losses.resolve import resolve_crossentropy

GIVEN = ("loss", "loss_weights", "metrics", "weighted_metrics")
ACCURACY = ("accuracy", "acc")
CROSSENTROPY = ("crossentropy", "ce")  # resolved by the shapes


class Term(NamedTuple):
    """A loss of an output.

    Attributes:
        loss: the loss.
        weight: its factor, `None` for 1.
        tracker: the mean that reports it, if it is reported separately.
    """

    loss: losses.Loss
    weight: float | None
    tracker: Any


class Report(NamedTuple):
    """A metric and its output."""

    output: str
    metric: Any
    key: str  # its name in logs
    weighted: bool


class CompileMetrics(metrics.Metric):
    """All the metrics given to `compile`, as the single metric that `model.metrics` lists."""

    def __init__(self):
        super().__init__(name="compile_metrics")
        self.names: list[str] | None = None  # of the outputs
        self.targets: list[str] = []  # the outputs that have losses
        self.reported: list[Report] = []

    @property
    def metrics(self) -> list:
        """The individual metrics."""
        return [report.metric for report in self.reported]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Update every metric with a batch."""
        self._check_built()
        if not self.reported:
            return
        outputs, targets = split(self.names, y_pred), split(self.names, y_true, self.targets)
        weights = sample_weights(self.names, sample_weight, self.targets)
        for name, metric, _, weighted in self.reported:
            if name not in targets:
                raise ValueError(f"output {name!r} has a metric but no targets were given for it")
            weight = weights.get(name) if weighted else None
            metric.update_state(targets[name], outputs[name], sample_weight=weight)

    def result(self) -> Any:
        """The result of each metric, by its name in logs."""
        self._check_built()
        return {report.key: report.metric.result() for report in self.reported}

    def reset_state(self) -> None:
        """Reset every metric."""
        for metric in self.metrics:
            metric.reset_state()

    def _check_built(self) -> None:
        if self.names is None:
            raise ValueError(
                "the metrics given to compile() are built by the first batch: call fit(), "
                "evaluate() or compute_metrics(x, y, y_pred) first"
            )


def by_names(listed: list) -> dict[str, Any]:
    """The individual metrics of `model.metrics` by name in logs; those prefixed by outputs last."""
    found: dict[str, Any] = {}
    last: dict[str, Any] = {}
    for metric in listed:
        if isinstance(metric, CompileMetrics):
            for report in metric.reported:
                group = found if report.key == report.metric.name else last
                group[report.key] = report.metric
        else:
            found[metric.name] = metric
    return found | dict(sorted(last.items()))


class Objective(Module):
    """Losses, their weights and the metrics of a compiled model.

    Args:
        loss: one for all outputs, a list in the order of the outputs, or a dict by output name;
            each a loss, or a list of losses to add.
        loss_weights: numbers in the same forms.
        metrics: names, objects or functions: a list for one output; for several, a list of lists, a
            dict by output name, or a flat list that applies to every output.
        weighted_metrics: the same, with the sample weights applied.

    Raises:
        ValueError: for an unknown loss or metric, with the nearest known names.
    """

    def __init__(self, loss=None, loss_weights=None, metrics=None, weighted_metrics=None):
        super().__init__(name="objective")
        self.given = (loss, loss_weights, metrics, weighted_metrics)
        for one in tree.walk({} if _is_config(loss) else loss):
            if not _is_named(one, CROSSENTROPY):
                losses.get(one)  # report an unknown name now, not at the first batch
        self.custom = _custom_metrics([metrics, weighted_metrics])
        self.names: list[str] | None = None
        self.losses: dict[str, list[Term]] = {}
        self.trackers: dict[str, Any] = {}
        self._tracker("loss")
        self.compiled = CompileMetrics()
        self.classes: dict[str, tuple] = {}  # shapes of the outputs that have losses
        self.choices: dict[str, str] = {}  # what 'accuracy' resolved to, and why

    @property
    def built(self) -> bool:
        """Whether losses have been matched to outputs."""
        return self.names is not None

    @property
    def reported(self) -> list[Report]:
        """The individual metrics given to `compile`."""
        return self.compiled.reported

    @property
    def metrics(self) -> list:
        """As Keras lists them: the loss, the compiled metrics as one, the outputs' losses."""
        total, *each = self.trackers.values()
        asked = any(one is not None for one in self.given[2:])
        return [total, *([self.compiled] if asked else []), *each]

    # ---- matching

    def build(
        self,
        names: list[str],
        y: Any,
        y_pred: Any,
        last_activations: dict[str, Any],
        named: bool = True,
    ) -> None:
        """Match losses and metrics to outputs.

        Args:
            names: names of the outputs, in order.
            y: targets (or their specs), in any accepted form.
            y_pred: outputs (or their specs), in any accepted form.
            last_activations: the activation that computes each output, where known.
            named: whether to report under the outputs' names; else under the losses'.
        """
        loss, loss_weights, asked, weighted = self.given
        self.names = names
        named = named or isinstance(loss, dict)
        by_name = {
            name: [one for one in _listed(wanted) if one is not None]
            for name, wanted in _by_output("loss", loss, names, y_pred).items()
        }
        order = by_name if isinstance(y_pred, dict) and isinstance(loss, dict) else names
        self.losses = {name: [] for name in order if by_name.get(name)}
        targets, outputs = self.split(y, self.losses), self.split(y_pred)
        self.classes = {name: tuple(outputs[name].shape) for name in self.losses}
        self.compiled.names, self.compiled.targets = names, list(self.losses)
        several = sum(map(len, by_name.values())) > 1
        weights = _loss_weights(loss, loss_weights, names, y_pred)
        within = _folders(names, y_pred)
        for name, terms in self.losses.items():
            factors = _listed(weights.get(name))
            factors = factors * len(by_name[name]) if len(factors) == 1 else factors
            for i, one in enumerate(by_name[name]):
                found = _as_loss(one, targets.get(name), outputs[name])
                key = f"{within[name]}{name}_loss" if named else f"{found.name}_loss"
                tracker = self._tracker(unused(key, self.trackers)) if several else None
                factor = float(factors[i]) if i < len(factors) and factors[i] is not None else None
                terms.append(Term(found, factor, tracker))
        for spec, use_weights in ((asked, False), (weighted, True)):
            for name, wanted in _metric_lists(spec, names, y_pred).items():
                for one in wanted:
                    metric, log = self._metric(
                        one, name, targets.get(name), outputs[name], last_activations.get(name)
                    )
                    prefix = f"{name}_" if len(names) > 1 and named else ""
                    self._report(name, metric, prefix, log, use_weights)

    def _tracker(self, key: str) -> Any:
        tracker = metrics.Mean(name=key.replace("/", "_"))
        tracker.name = key
        self.trackers = {**self.trackers, key: tracker}
        return tracker

    def _report(self, output: str, metric: Any, prefix: str, log: str, weighted: bool) -> None:
        taken = {report.key for report in self.reported}
        key = f"{prefix}{log}"
        if weighted and key in taken:
            key = f"{prefix}weighted_{log}"
        report = Report(output, metric, unused(key, taken), weighted)
        self.compiled.reported = [*self.reported, report]

    def _metric(self, wanted, name, y, y_pred, activation):
        if _is_named(wanted, (*ACCURACY, *CROSSENTROPY)):
            if y is None:
                raise ValueError(f"the metric {wanted!r} of output {name!r} needs targets")
            if _is_named(wanted, ACCURACY):
                integer = not jnp.issubdtype(y.dtype, np.floating)
                first = self.losses[name][0].loss if self.losses.get(name) else None
                metric, reason = metrics.resolve_accuracy(
                    first, tuple(y.shape), integer, tuple(y_pred.shape), activation
                )
            else:
                metric, reason = _crossentropy(tuple(y.shape), tuple(y_pred.shape))
            key = f"{name}: {wanted}" if len(self.names or ()) > 1 else wanted
            self.choices[key] = reason
            metric.name = wanted
            return metric, wanted
        found = self._found(wanted)
        if not isinstance(found, metrics.Metric):
            label = getattr(found, "__name__", None)
            label = to_snake_case(label) if label else getattr(found, "name", "metric")
            found = metrics.MeanMetricWrapper(found, name=label)
        if isinstance(wanted, str):
            found.name = wanted
        if y is not None:
            _make_variables(found, *_specs(y, y_pred))
        return found, found.name

    def _found(self, wanted: Any) -> Any:
        if isinstance(wanted, str) and wanted in self.custom:
            return _copy(self.custom[wanted])
        return metrics.get(wanted)

    def split(self, values: Any, wanted: Any = ()) -> dict[str, Any]:
        """A structure of targets, outputs or sample weights as a dictionary by output name.

        Args:
            values: arrays, for all outputs or for the `wanted` ones.
            wanted: names of outputs.
        """
        return split(self.names, values, wanted)

    # ---- one batch

    def loss(self, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The weighted sum of the losses of all outputs; each updates its tracker."""
        outputs = self.split(y_pred)
        targets = self.split(y, self.losses)
        weights = self.sample_weights(sample_weight)
        total = jnp.zeros((), "float32")
        for name, terms in self.losses.items():
            if name not in targets:
                raise ValueError(f"output {name!r} has a loss but no targets were given for it")
            for loss, factor, tracker in terms:
                value = loss(targets[name], outputs[name], weights.get(name))
                if jnp.ndim(value):
                    value = through(jnp.mean, value)
                if tracker is not None:
                    tracker.update_state(value, sample_weight=_rows(outputs))
                total = total + (value if factor in (None, 1.0) else value * factor)
        return total

    def track_total(self, loss: Any, y_pred: Any, rows: Any = None) -> None:
        """Update the tracker of the total loss; default `rows` those of the outputs."""
        rows = _rows(y_pred) if rows is None else rows
        self.trackers["loss"].update_state(loss, sample_weight=rows)

    def sample_weights(self, sample_weight: Any) -> dict[str, Any]:
        """Sample weights by output name."""
        return sample_weights(self.names, sample_weight, self.losses)


def split(names: list[str] | None, values: Any, wanted: Any = ()) -> dict[str, Any]:
    """`Objective.split`, for outputs of these names."""
    names = names or []
    if values is None:
        return {}
    if isinstance(values, dict):
        if set(values) <= set(names):
            return {name: values[name] for name in names if name in values}
        if not any(map(tree.is_nested, values.values())):
            unknown = sorted(set(values) - set(names))
            raise ValueError(
                f"there is no output named {unknown[0]!r}; the outputs are {names}. "
                f"{nearest(str(unknown[0]), names)}"
            )
    leaves = tree.flatten(values)
    if len(leaves) == len(names):
        return dict(zip(names, leaves, strict=True))
    if len(leaves) == len(wanted):
        return dict(zip(wanted, leaves, strict=True))
    raise ValueError(
        f"the model has {len(names)} outputs ({names}); got {len(leaves)} arrays for them"
    )


def sample_weights(names: list[str] | None, given: Any, wanted: Any = ()) -> dict[str, Any]:
    """Sample weights by output name; a single array applies to all outputs."""
    if given is None:
        return {}
    if not tree.is_nested(given):
        return dict.fromkeys(names or [], given)
    return split(names, given, wanted)


def _is_named(one: Any, names: tuple[str, ...]) -> bool:
    return isinstance(one, str) and one.lower() in names


def _custom_metrics(asked: Any) -> dict[str, Any]:
    """User-defined metrics by name; an unknown name raises.

    They are looked up at `compile`, since the scope that defines a name may end before the first
    batch.
    """
    names = {one for one in _metrics_in(asked) if isinstance(one, str)}
    own = {one for one in names if _is_named(one, (*ACCURACY, *CROSSENTROPY))}
    return {
        name: found
        for name in names - own
        if (found := metrics.get(name)) is not None and name not in metrics.TABLE
    }


def _metrics_in(asked: Any) -> Any:
    if _is_config(asked) or not tree.is_nested(asked):
        yield asked
    else:
        for one in asked.values() if isinstance(asked, dict) else asked:
            yield from _metrics_in(one)


def _as_loss(identifier: Any, y: Any, y_pred: Any) -> losses.Loss:
    """A loss object; a plain function is averaged over the batch."""
    if _is_named(identifier, CROSSENTROPY) and y is not None:
        found = resolve_crossentropy(tuple(y.shape), tuple(y_pred.shape))
    else:
        found = losses.get(identifier)
    if isinstance(found, losses.Loss):
        return found
    named = identifier if isinstance(identifier, str) else getattr(found, "__name__", None)
    return losses.LossFunctionWrapper(found, name=named and to_snake_case(named))


def _specs(y: Any, y_pred: Any) -> tuple:
    """Specs of targets and outputs of a batch; unknown output sizes are the targets'."""
    known = [*y.shape, *[1] * (len(y_pred.shape) - len(y.shape))]
    shape = [k if size is None else size for size, k in zip(y_pred.shape, known, strict=False)]
    return (
        jax.ShapeDtypeStruct(tuple(y.shape), y.dtype),
        jax.ShapeDtypeStruct(tuple(shape), y_pred.dtype),
    )


def _make_variables(metric: Any, y: Any, y_pred: Any) -> None:
    """Create the variables that a metric makes in its first update; a user's may make some there.

    An update of a user's metric that cannot be traced, as under `run_eagerly`, is left to the step.
    """
    if not metric.variables:
        metrics.make_variables(metric, y, y_pred)
    elif not type(metric).__module__.startswith("hornbook."):
        with suppress(Exception):
            metrics.make_variables(metric, y, y_pred)


def _rows(y_pred: Any) -> float:
    return float(tree.flatten(y_pred)[0].shape[0])


def _by_output(what: str, given: Any, names: list[str], outputs: Any) -> dict[str, Any]:
    """One value per output, from a single value, a list, a dict, or the outputs' structure."""
    if given is None:
        return {}
    if len(names) == 1 and not (isinstance(given, dict) and not _is_config(given)):
        return {names[0]: _flat(given) if isinstance(given, list | tuple) else given}
    nested = isinstance(outputs, list | tuple | dict) and len(outputs) != len(names)
    if isinstance(given, dict) and not _is_config(given):
        unknown = [key for key in given if key not in names]
        if unknown and not (nested and isinstance(outputs, dict)):
            raise ValueError(
                f"{what} names {unknown[0]!r}, which is not an output; the outputs are {names}. "
                f"{nearest(str(unknown[0]), names)}"
            )
        if not unknown:
            return dict(given)
    elif not isinstance(given, list | tuple):
        return dict.fromkeys(names, given)
    if not isinstance(given, dict) and len(given) == len(names):
        return dict(zip(names, given, strict=True))
    if nested and len(found := _like(given, outputs)) == len(names):
        return dict(zip(names, found, strict=True))
    raise ValueError(
        f"{what} has {len(given)} entries; the model has {len(names)} outputs ({names})"
    )


def _like(given: Any, outputs: Any) -> list:
    """The value given for each leaf of nested outputs, in order."""
    if not tree.is_nested(outputs):
        return [given]
    if isinstance(outputs, dict):
        outputs = {key: outputs[key] for key in _keys(outputs)}
        given = given if isinstance(given, dict) else dict.fromkeys(outputs, given)
        return [v for key, one in outputs.items() for v in _like(given.get(key), one)]
    given = list(given) if isinstance(given, list | tuple) else [given] * len(outputs)
    return [v for one, wanted in zip(outputs, given, strict=False) for v in _like(wanted, one)]


def _keys(outputs: dict) -> list:
    return list(outputs) if isinstance(outputs, OrderedDict) else sorted(outputs)


def _folders(names: list[str], outputs: Any) -> dict[str, str]:
    """Path prefixes of nested outputs: `"1/"` for those in the second list of a list."""
    paths = [path for path, _ in tree.named_leaves(_sorted(outputs))]
    folders = [path.rpartition("/") for path in paths]
    return {n: f"{f}{slash}" for n, (f, slash, _) in zip(names, folders, strict=False)}


def _sorted(outputs: Any) -> Any:
    if isinstance(outputs, dict):
        return {key: _sorted(outputs[key]) for key in _keys(outputs)}
    return [_sorted(one) for one in outputs] if isinstance(outputs, list | tuple) else outputs


def _loss_weights(loss: Any, given: Any, names: list[str], outputs: Any) -> dict[str, Any]:
    """The loss weights of each output."""
    if isinstance(given, list | tuple) and isinstance(loss, list | tuple):
        flat, number = _flat(given), len(_flat(loss))
        if len(flat) != number:
            raise ValueError(f"loss_weights has {len(flat)} numbers for {number} losses")
    return _by_output("loss_weights", given, names, outputs)


def _flat(given: Any) -> list:
    return [one for part in given for one in (_flat(part) if _is_list(part) else [part])]


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_config(value: Any) -> bool:
    return isinstance(value, dict) and "class_name" in value


def _metric_lists(given: Any, names: list[str], outputs: Any) -> dict[str, list]:
    """A list of metrics for each output."""
    if given is None:
        return {}
    if len(names) == 1:
        values = given.values() if isinstance(given, dict) and not _is_config(given) else [given]
        return {names[0]: [one for one in _flat(values) if one is not None]}
    if not _is_list(given) and not isinstance(given, dict):
        given = [given]
    each = isinstance(given, dict) or len(given) == len(names)
    if each or any(_is_list(one) or isinstance(one, dict) or one is None for one in given):
        found = _by_output("metrics", given, names, outputs)
        return {name: _listed(found[name]) for name in names if name in found}
    return {name: [_copy(one) if i else one for one in given] for i, name in enumerate(names)}


def _copy(metric: Any) -> Any:
    """A copy, so that each output has its own metric."""
    if isinstance(metric, metrics.Metric):
        return type(metric).from_config(metric.get_config())
    return metric


def _listed(value: Any) -> list:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


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
