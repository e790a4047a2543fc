"""The interface between training and models: all that training needs from a model.

Keras's own names in it are `name`, `built` and `__call__`; `metrics`, `reset_metrics` and
`get_metrics_result`; `compute_loss` and `compute_metrics`; `trainable_variables`,
`non_trainable_variables` and `metrics_variables`, which custom steps receive; `history`, which is
set; and `to_json`, for a picture of the graph. `Trainable` has the rest, with the answers of a
model that knows nothing about itself before it is called. They start with an underscore, so that
these names stay free for users. `core/module.py` finds variables and modules.
"""

from typing import Any, NamedTuple

from hornbook.core import tree
from hornbook.core.graph import Graph
from hornbook.layers.base import Layer
from hornbook.training.state import TrainingState


class Known(NamedTuple):
    """What a model knows about its outputs before it sees data.

    Attributes:
        names: the outputs' names, in order; `None` if unknown.
        specs: their shapes and dtypes, in the outputs' structure; `None` if unknown.
        activations: by name, the activation that computes each output, where known.
    """

    names: list[str] | None = None
    specs: Any = None
    activations: dict[str, Any] = {}


class Trainable(Layer):
    """A layer that can be trained."""

    @property
    def _training_state(self) -> TrainingState:
        """What training stores on this model; only training reads it."""
        try:
            return self.__dict__["_trained"]
        except KeyError:
            return self.__dict__.setdefault("_trained", TrainingState())

    def _known_graph(self) -> Graph | None:
        """The graph that a call runs, if it does nothing else; else `None`."""
        return None

    def _known_outputs(self) -> Known:
        """What is known about the outputs before data arrive."""
        return Known()

    @property
    def _host_stage(self) -> Any:
        """What runs on the host before a batch is sent to the device; `None` if nothing does."""
        return self._host

    def _host_arrays(self, value: Any) -> Any:
        """The inputs of a model with host layers, as numpy arrays."""
        return value

    def _adapt_inputs(self, x: Any) -> Any:
        """Data as the layer's inputs, after the host stage; wrong names and shapes raise."""
        return x

    def _inputs_in_order(self, x: Any) -> list:
        """Data as one value for each input of the known graph."""
        return tree.flatten(x)
