"""What tf.keras had up to TensorFlow 2.15 and Keras 3 dropped: arguments, methods, names."""

import functools
from collections.abc import Callable
from typing import Any

from hornbook import layers, losses, optimizers, preprocessing, utils
from hornbook.callbacks import History, ModelCheckpoint, TensorBoard
from hornbook.compat.attributes import Table
from hornbook.compat.keras.callbacks import Logs, periodically
from hornbook.compat.keras.models import OldModel
from hornbook.compat.keras.optimizers import OldOptimizer, with_known
from hornbook.compat.names import Names
from hornbook.compat.translate import translate
from hornbook.dialects import keras2
from hornbook.layers.recurrent.cell import GatedCell
from hornbook.models import Model

# Arguments of layers, with the values that change nothing.
WITHOUT_EFFECT: dict[str, tuple] = {
    "fused": (None, True, False),
    "time_major": (False,),
    "renorm": (False,),
    "virtual_batch_size": (None,),
    "adjustment": (None,),
    "dynamic": (False, True),
}
OF_QUEUES = ("workers", "use_multiprocessing", "max_queue_size")
OF_GRADIENTS = ("write_grads", "batch_size")


def of_layers(today: Callable) -> Callable:
    """`Layer.__init__`, which ignores arguments without effect.

    Args:
        today: the method of today.
    """

    @functools.wraps(today)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        ignored = [
            name
            for name, values in WITHOUT_EFFECT.items()
            if name in kwargs and any(kwargs[name] is value for value in values)
        ]
        if ignored:
            positions, given = self._arguments
            _state_arguments(self, positions, _without(given, ignored))
        today(self, *args, **_without(kwargs, ignored))

    return init


def _without(given: dict[str, Any], names: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in names}


def _state_arguments(made: Any, positions: tuple, given: dict[str, Any]) -> None:
    """Set the arguments that the config of a layer or optimizer states."""
    object.__setattr__(made, "_arguments", (positions, given))


def of_optimizers(today: Callable) -> Callable:
    """`Optimizer.__init__` with `lr`, and with `decay` of the rate at each step.

    Args:
        today: the method of today.
    """

    @functools.wraps(today)
    def init(self: Any, learning_rate: Any, *args: Any, **kwargs: Any) -> None:
        if "lr" in kwargs or "decay" in kwargs:
            learning_rate = kwargs.pop("lr", learning_rate)
            found = {"learning_rate": learning_rate, "decay": kwargs.pop("decay", 0.0)}
            OldOptimizer._adapt_arguments(type(self), found)
            learning_rate = found["learning_rate"]
            positions, given = self._arguments
            kept = _without(given, ("lr", "decay", "learning_rate"))
            if positions:
                positions = (learning_rate, *positions[1:])
            else:
                kept["learning_rate"] = learning_rate
            _state_arguments(self, positions, kept)
        today(self, learning_rate, *args, **kwargs)

    return init


def without(today: Callable, names: tuple[str, ...]) -> Callable:
    """A method that ignores some keywords.

    Args:
        today: the method of today.
        names: the keywords.
    """

    @functools.wraps(today)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return today(self, *args, **_without(kwargs, names))

    return method


def renamed(today: Callable, old: str, new: str) -> Callable:
    """A function that takes an argument under its old name too.

    Args:
        today: the function.
        old, new: the names.
    """

    @functools.wraps(today)
    def function(*args: Any, **kwargs: Any) -> Any:
        return today(*args, **{new if name == old else name: kwargs[name] for name in kwargs})

    return function


def _on_generator(name: str, today: str) -> Callable:
    """A method of Keras 2 that takes a generator."""
    row = keras2.METHODS[f"Model.{name}"]

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, today)(**translate(name, row, keras2.VALUES, args, kwargs))

    return method


def of_checkpoints(today: Callable) -> Callable:
    """`ModelCheckpoint.__init__` with `period`.

    Args:
        today: the method of today.
    """

    @functools.wraps(today)
    def init(self: Any, *args: Any, period: int = 1, **kwargs: Any) -> None:
        self.period, self._epochs = period, 0
        today(self, *args, **kwargs)

    return init


def of_history(today: Callable) -> Callable:
    """`History.__init__`, whose values are found by either spelling.

    Args:
        today: the method of today.
    """

    @functools.wraps(today)
    def init(self: Any) -> None:
        today(self)
        self.history = Logs(self.history)

    return init


def of_cells(today: Callable) -> Callable:
    """`get_initial_state` of cells, which took inputs, or the size of the batch and the dtype.

    Args:
        today: the method of today.
    """

    def method(self: Any, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> list:
        if batch_size is None:
            batch_size = inputs.shape[0] if getattr(inputs, "ndim", 0) else inputs
        states = today(self, batch_size)
        return states if dtype is None else [state.astype(dtype) for state in states]

    return method


class _Reduction:
    """`losses.Reduction`."""

    NONE, SUM = "none", "sum"
    AUTO = SUM_OVER_BATCH_SIZE = "sum_over_batch_size"


@functools.cache
def _keras2() -> Names:
    return Names(keras2)


def of_family(family: str) -> Callable:
    """`__getattr__` of a module: names of Keras 2 that today's module does not have.

    Args:
        family: such as `"layers"`.
    """

    def find(name: str) -> Any:
        if name not in keras2.FAMILIES[family]:
            raise AttributeError(f"module 'keras.{family}' has no attribute {name!r}")
        return _keras2().get(family, name)

    return find


def of_further_models(today: Callable) -> Callable:
    """`Optimizer._extend`: one optimizer may train several models, up to TensorFlow 2.10.

    Args:
        today: the method that creates slots for newly trainable variables.
    """

    @functools.wraps(today)
    def method(self: Any, variables: list, before: set) -> None:
        today(self, *with_known(self._slots, variables, before))

    return method


def attributes() -> Table:
    """What is added during a run."""
    return {
        Model: {
            "fit_generator": _on_generator("fit_generator", "fit"),
            "evaluate_generator": _on_generator("evaluate_generator", "evaluate"),
            "predict_generator": _on_generator("predict_generator", "predict"),
            "predict_proba": Model.predict,
            "predict_classes": OldModel.predict_classes,
        },
        optimizers.Optimizer: {"lr": OldOptimizer.lr, "_captured": False},
        optimizers: {"experimental": optimizers},
        losses: {"Reduction": _Reduction},
        layers: {"__getattr__": of_family("layers")},
    }


def replaced() -> Table:
    """What is replaced during a run."""
    pictures = utils.image_dataset_from_directory
    of_pictures = {
        "image_dataset_from_directory": renamed(pictures, "smart_resize", "crop_to_aspect_ratio")
    }
    return {
        utils: of_pictures,
        preprocessing: of_pictures,
        layers.Layer: {"__init__": of_layers(layers.Layer.__init__)},
        optimizers.Optimizer: {
            "__init__": of_optimizers(optimizers.Optimizer.__init__),
            "_extend": of_further_models(optimizers.Optimizer._extend),
        },
        Model: {
            name: without(getattr(Model, name), OF_QUEUES)
            for name in ("fit", "evaluate", "predict")
        },
        History: {"__init__": of_history(History.__init__)},
        ModelCheckpoint: {
            "__init__": of_checkpoints(ModelCheckpoint.__init__),
            "on_epoch_end": periodically(ModelCheckpoint.on_epoch_end),
        },
        TensorBoard: {"__init__": without(TensorBoard.__init__, OF_GRADIENTS)},
        GatedCell: {"get_initial_state": of_cells(GatedCell.get_initial_state)},
    }
