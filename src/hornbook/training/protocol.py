"""Where training and models meet: what training asks of a model, and nothing else.

Of Keras's names these are `name`, `built` and a call; `metrics`, `reset_metrics` and
`get_metrics_result`; `compute_loss` and `compute_metrics`; `trainable_variables`,
`non_trainable_variables` and `metrics_variables`, which steps of one's own are given; and
`history`, which is set. `Trainable` has the others, with the answers of a model of which nothing is
known before it is called; they begin with an underscore, so that these names stay free for users.
How variables and modules are found is `core/module.py`'s affair.
"""

from typing import Any, NamedTuple

from hornbook.core import tree
from hornbook.core.graph import Graph
from hornbook.layers.base import Layer
from hornbook.training.state import TrainingState


class Known(NamedTuple):
    """What a model says of its outputs before data come.

    Attributes:
        names: of the outputs, in order; `None` where they are not known.
        specs: their shapes and dtypes, in their form; `None` where they are not known.
        activations: by name, the activation that each comes from, where it is known.
    """

    names: list[str] | None = None
    specs: Any = None
    activations: dict[str, Any] = {}


class Trainable(Layer):
    """A layer that training can work on."""

    @property
    def _training_state(self) -> TrainingState:
        """What training keeps with this model; only training looks into it."""
        own = vars(self)
        return own.get("_trained") or own.setdefault("_trained", TrainingState())

    def _known_graph(self) -> Graph | None:
        """The graph that a call runs, where it does nothing else."""
        return None

    def _known_outputs(self) -> Known:
        """What is known of the outputs before data come."""
        return Known()

    @property
    def _host_stage(self) -> Any:
        """What runs on the host, before a batch is sent to the device; `None` if nothing does."""
        return self._host

    def _host_arrays(self, value: Any) -> Any:
        """What a model with host layers is called with, as numpy arrays."""
        return value

    def _adapt_inputs(self, x: Any) -> Any:
        """Data in the form that the layer is called with, what runs on the host done; wrong names
        and shapes raise."""
        return x

    def _inputs_in_order(self, x: Any) -> list:
        """Data as one value for each of the known graph's inputs."""
        return tree.flatten(x)
