"""Evaluate with the moving averages of the weights."""

from typing import Any

from hornbook.core.variable import Variable
from hornbook.training.callback import Callback

NO_AVERAGES = """SwapEMAWeights: the optimizer {} keeps no moving averages of the weights.
Wrong:  model.compile(optimizer=Adam(), ...)
Right:  model.compile(optimizer=Adam(use_ema=True), ...)"""


class SwapEMAWeights(Callback):
    """Evaluate, validate and predict with the moving averages of the weights.

    The optimizer needs `use_ema=True`. Before the first training step there are no averages, and
    the weights stay.

    Args:
        swap_on_epoch: whether the model has the averages from the end of an epoch to the start of
            the next one too, for callbacks such as `ModelCheckpoint` that come after this one.

    Raises:
        ValueError: when a run begins, if the optimizer keeps no averages.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(use_ema=True), "mse")
        >>> x = np.ones((4, 1))
        >>> save = keras.callbacks.ModelCheckpoint("averages.keras")
        >>> swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        >>> history = model.fit(x, x, epochs=2, verbose=0, callbacks=[swap, save])

    Polyak and Juditsky, 1992, https://doi.org/10.1137/0330046
    """

    backed_up = ("_weights", "_since")

    def __init__(self, swap_on_epoch: bool = False):
        self.swap_on_epoch = swap_on_epoch
        self._weights: list[Any] = []  # while the model has the averages
        self._since: str | None = None  # the event that put them there

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Check that there are averages."""
        self._weights, self._since = [], None
        self._averages()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Restore the weights."""
        self._restore("epoch")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Assign the averages, with `swap_on_epoch`."""
        if self.swap_on_epoch:
            self._assign("epoch")

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Assign the averages."""
        self._assign("test")

    def on_test_end(self, logs: dict | None = None) -> None:
        """Restore the weights."""
        self._restore("test")

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Assign the averages."""
        self._assign("predict")

    def on_predict_end(self, logs: dict | None = None) -> None:
        """Restore the weights."""
        self._restore("predict")

    # Keras exchanges the two instead, so that a fit which stops early ends with the weights, and it
    # leaves the averages in the model after `predict`.

    def _assign(self, event: str) -> None:
        averages = self._averages()
        if self._since is None and averages:
            self._weights = [variable.raw for variable in averages]
            for variable, average in averages.items():
                variable.assign(average.raw)
            self._since = event

    def _restore(self, event: str) -> None:
        if self._since == event:
            for variable, weight in zip(self._averages(), self._weights, strict=True):
                variable.assign(weight)
            self._weights, self._since = [], None

    def _averages(self) -> dict[Variable, Variable]:
        """The averages of the weights; empty before the first step."""
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        several = getattr(optimizer, "optimizers", [optimizer])
        keeping = [one for one in several if getattr(one, "use_ema", False)]
        if not keeping:
            raise ValueError(NO_AVERAGES.format(getattr(optimizer, "name", optimizer)))
        return {
            variable: average
            for one in keeping
            if one.built and int(one.iterations) > 0
            for variable, average in one._averages.items()
        }
