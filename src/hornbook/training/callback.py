"""The base class of callbacks."""

from typing import Any


class Callback:
    """Base class of callbacks: override the hooks you need.

    In `fit`, `self.validation_data` is what it validates on: arrays `(x, y, sample_weight)`, also
    those of `validation_split`, or the source of batches that was passed.

    `logs` is a dict from names (`"loss"`, `"val_accuracy"`) to Python floats. Setting
    `self.model.stop_training = True` ends training after the batch or epoch in progress.

    The loop runs many steps in one dispatch. A callback with a batch hook makes it run step by
    step, unless its class sets `every_batch = False`: then the hook is called after each dispatch,
    with the index of the last batch. `every_batch` applies to the hooks of the class that sets it
    and those it inherits, not to hooks that a subclass adds.

    `backed_up` names the attributes that `BackupAndRestore` saves and restores: numbers, text,
    arrays, and lists and dictionaries of them. The hooks of a callback with `runs_last = True` are
    called after those of all others. If several processes train together, the hooks are called in
    every process, except those of a callback with `only_first = True`, which prints or writes
    files: they are called in the first process only.

    Example:
        >>> class Announce(keras.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch}: {logs['loss']}")
        >>> Announce().on_epoch_end(0, {"loss": 0.5})
        epoch 0: 0.5
    """

    every_batch: bool = True
    backed_up: tuple[str, ...] = ()
    runs_last: bool = False
    only_first: bool = False
    params: Any = None  # a dict, once set
    validation_data: Any = None  # of `fit`: `(x, y, sample_weight)`, or what yields its batches
    _model: Any = None

    @property
    def model(self) -> Any:
        """The model being trained, evaluated or used for prediction."""
        return self._model

    @model.setter
    def model(self, model: Any) -> None:
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Set the parameters of the run: `epochs`, `steps`, `verbose` ..."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Set the model."""
        self._model = model

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Called once, before the first epoch of `fit`."""

    def on_train_end(self, logs: dict | None = None) -> None:
        """Called once, after the last epoch of `fit`, even if training was interrupted."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Called before each epoch; `epoch` counts from 0."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Called after each epoch and its validation; items added to `logs` are recorded."""

    def on_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Alias of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Alias of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before a batch of `fit`; `batch` counts from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after a batch of `fit`; `logs` are the means over the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Called before `evaluate`, and before each validation in `fit`."""

    def on_test_end(self, logs: dict | None = None) -> None:
        """Called after `evaluate`, and after each validation in `fit`."""

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before a batch of `evaluate` or of validation."""

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after a batch of `evaluate` or of validation."""

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Called before `predict`."""

    def on_predict_end(self, logs: dict | None = None) -> None:
        """Called after `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after a batch of `predict`."""
