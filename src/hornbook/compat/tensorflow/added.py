"""`add_metric` of layers and models, which tf.keras had up to TensorFlow 2.15."""

from typing import Any

from hornbook import ops
from hornbook.compat.attributes import Table
from hornbook.core.symbolic import SymbolicTensor
from hornbook.layers.base import Layer
from hornbook.metrics import Mean

NO_NAME = "add_metric of {}: a tensor needs a name, add_metric(value, name=...)"
NO_GRAPH = "add_metric of {}: a symbolic tensor can be added to a functional model only"
ONLY_MEAN = "add_metric of {}: aggregation is 'mean' or None, not {!r}"


class Averaged(Layer):
    """A layer that averages what it is called with, and returns zero.

    Args:
        name: of the metric.
    """

    def __init__(self, name: str, **options: Any):
        super().__init__(name=f"mean_of_{name}", **options)
        self.average = Mean(name=name)

    def call(self, inputs: Any) -> Any:
        """Zero."""
        self.average.update_state(inputs)
        return ops.zeros(())


def add_metric(
    self: Any, value: Any, name: str | None = None, aggregation: str | None = "mean", **ignored: Any
) -> None:
    """Report the mean of a value over the batches of an epoch.

    Args:
        self: a layer, in its `call`; or a functional model.
        value: a tensor; the result of a metric without `name` is reported by the metric itself.
        name: of the metric.
        aggregation: `"mean"`; `None` means the same.
        ignored: ignored.

    Raises:
        ValueError: without a name, for another aggregation, or for a symbolic tensor in a model
            without a graph.
    """
    if aggregation not in ("mean", None):
        raise ValueError(ONLY_MEAN.format(self.name, aggregation))
    if name is None:
        if self.metrics:  # the value is the result of one of them
            return
        raise ValueError(NO_NAME.format(self.name))
    known = vars(self).setdefault("_added_metrics", {})
    if not isinstance(value, SymbolicTensor):
        if name not in known:
            self._added_metrics = {**known, name: Mean(name=name)}
        self._added_metrics[name].update_state(value)
    elif getattr(self, "_recorded", None) is None:
        raise ValueError(NO_GRAPH.format(self.name))
    else:
        layer = Averaged(name)
        self._added_metrics = {**known, name: layer}
        self.add_loss(layer(value))  # zero, so that the layer is called with the model


def attributes() -> Table:
    """What is added during a run."""
    return {Layer: {"add_metric": add_metric}}


def replaced() -> Table:
    """What is replaced during a run."""
    return {}
