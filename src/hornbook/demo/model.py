"""The character model of the fast.ai lesson: training, evaluation and text generation."""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import hornbook as keras
from hornbook.demo.corpus import Corpus

LEARNING_RATE = 0.005


class Sizes(NamedTuple):
    """Sizes of the model and of its batches."""

    embedding: int = 48
    units: int = 256
    streams: int = 32
    steps: int = 64

    def fitted(self, characters: int) -> "Sizes":
        """Reduce the streams for a short text, so that an epoch has about twenty batches."""
        return self._replace(streams=max(1, min(self.streams, characters // (20 * self.steps))))


def build(symbols: int, sizes: Sizes, streams: int, steps: int | None) -> keras.Sequential:
    """Create a stateful model that reads parallel streams of characters.

    Args:
        symbols: size of the vocabulary.
        sizes: sizes of the layers.
        streams: the batch size.
        steps: characters per step; `None` for any number.
    """
    return keras.Sequential(
        [
            keras.Input(batch_shape=(streams, steps), dtype="int32"),
            keras.layers.Embedding(symbols, sizes.embedding),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.LSTM(sizes.units, return_sequences=True, stateful=True, name="lstm"),
            keras.layers.TimeDistributed(keras.layers.Dense(symbols, activation="softmax")),
        ],
        name="character_model",
    )


class Reader:
    """A copy of a model for a single stream: it evaluates the held-out text and generates text.

    Args:
        model: the trained model; `refresh` copies its weights.
        corpus: the text.
        sizes: sizes of the layers.
    """

    def __init__(self, model: Any, corpus: Corpus, sizes: Sizes):
        self.model = model
        self.corpus = corpus
        self.twin: Any = build(len(corpus.symbols), sizes, streams=1, steps=None)
        self.twin.compile(loss="sparse_categorical_crossentropy")

    def refresh(self) -> None:
        """Copy the model's current weights."""
        self.twin.set_weights(self.model.get_weights())

    def forget(self) -> None:
        """Reset the state, to start a new text."""
        self.twin.get_layer("lstm").reset_states()

    def measure(self) -> float:
        """The loss on the held-out text, read once from its start, in nats per character."""
        self.forget()
        x, y = self.corpus.context[None], self.corpus.held_out[None]
        return float(self.twin.evaluate(x, y, batch_size=1, verbose=0))

    def predict(self, symbol: int) -> np.ndarray:
        """The probabilities of the character after this one, `(symbols,)`."""
        return self.twin.predict_on_batch(np.array([[symbol]], "int32"))[0, 0]


class Measure(keras.callbacks.Callback):
    """Measures the held-out loss after each epoch, as `val_loss`, and during long epochs.

    Args:
        reader: evaluates the held-out text.
        interval: seconds between measurements within an epoch.
        clock: returns the time in seconds.

    Attributes:
        history: `"epoch"` (epochs so far, fractional), `"loss"` and `"val_loss"`.
        parts: number of steps and seconds between measurements.
    """

    every_batch = False

    def __init__(
        self,
        reader: Reader,
        interval: float = math.inf,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self.reader = reader
        self.interval = interval
        self.clock = clock
        self.history: dict[str, list[float]] = {"epoch": [], "loss": [], "val_loss": []}
        self.parts: list[tuple[int, float]] = []

    @property
    def speed(self) -> float:
        """Steps per second, without the first part, which includes compilation, if possible."""
        steps, seconds = np.sum(self.parts[1:] or self.parts or [(0, 0)], 0)
        return float(steps / max(seconds, 1e-9))

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Restart the text."""
        self.epoch, self.seen, self.counted = epoch, 0, 0
        self.model.get_layer("lstm").reset_states()
        self.began = self.clock()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Measure if the last measurement is more than `interval` ago."""
        self.seen = batch + 1
        left = self.params["steps"] - self.seen
        if left and self.clock() - self.began > self.interval:
            self._measure(logs or {})

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Measure and add the loss to the logs."""
        if self.seen > self.counted:
            self._measure(logs or {})
        if logs is not None:
            logs["val_loss"] = self.history["val_loss"][-1]

    def _measure(self, logs: dict) -> None:
        self.parts.append((self.seen - self.counted, self.clock() - self.began))
        self.counted = self.seen
        self.reader.refresh()
        self.history["epoch"].append(self.epoch + self.seen / self.params["steps"])
        self.history["loss"].append(float(logs.get("loss", math.nan)))
        self.history["val_loss"].append(self.reader.measure())
        self.began = self.clock()


class Pace(keras.callbacks.Callback):
    """Decays the learning rate along a cosine, and ends training before a deadline.

    Args:
        epochs: maximum number of epochs.
        deadline: run only epochs that end before this time; `None` for all.
        clock: returns the time in seconds.

    After each epoch it plans how many fit. It must be the last callback, to time whole epochs.
    """

    every_batch = False

    def __init__(
        self,
        epochs: int,
        deadline: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self.most = epochs
        self.planned = epochs
        self.done = 0
        self.deadline = math.inf if deadline is None else deadline
        self.clock = clock
        self.out_of_time = False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set the learning rate."""
        self.began = self.clock()
        fall = 0.5 * (1 + math.cos(math.pi * epoch / self.planned))
        self.model.optimizer.learning_rate = LEARNING_RATE * fall

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stop in the middle of an epoch if time is up."""
        if self.clock() > self.deadline:
            self._stop()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Plan as many epochs as time allows, or stop."""
        now, self.done = self.clock(), epoch + 1
        done = self.done
        fit = (self.deadline - now) / max(now - self.began, 1e-9)
        self.planned = int(min(self.most, done + max(fit, 0)))
        if self.planned == done < self.most:
            self._stop()

    def _stop(self) -> None:
        self.out_of_time = self.model.stop_training = True


class Show(keras.callbacks.Callback):
    """Calls a function after each epoch.

    Args:
        show: called with the epoch number, from 1.
    """

    def __init__(self, show: Callable[[int], None]):
        self.show = show

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Call the function."""
        self.show(epoch + 1)
