"""The character model of the fast.ai lesson, and how it is trained, measured and made to write."""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import hornbook as keras
from hornbook.demo.corpus import Corpus

LEARNING_RATE = 0.005
EPOCHS = 8
SECONDS = 75.0  # for all epochs, where their number is not given


class Sizes(NamedTuple):
    """Sizes of the model and of its batches."""

    embedding: int = 48
    units: int = 256
    streams: int = 32
    steps: int = 64

    def fitted(self, characters: int) -> "Sizes":
        """With fewer streams for a short text, so that an epoch has some twenty batches."""
        return self._replace(streams=max(1, min(self.streams, characters // (20 * self.steps))))


def build(symbols: int, sizes: Sizes, streams: int, steps: int | None) -> keras.Sequential:
    """A model that reads streams of characters side by side, and remembers where each one was.

    Args:
        symbols: size of the vocabulary.
        sizes: of the layers.
        streams: the batch size.
        steps: characters at a time; `None` for any number.
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
    """A twin of a model for one stream: it measures the held-out text, and writes.

    Args:
        model: the model that is trained; its weights are copied with `refresh`.
        corpus: the text.
        sizes: of the layers.
    """

    def __init__(self, model: Any, corpus: Corpus, sizes: Sizes):
        self.model = model
        self.corpus = corpus
        self.twin = build(len(corpus.symbols), sizes, streams=1, steps=None)
        self.twin.compile(loss="sparse_categorical_crossentropy")

    def refresh(self) -> None:
        """Take the model's weights as they are now."""
        self.twin.set_weights(self.model.get_weights())

    def forget(self) -> None:
        """Begin a new text."""
        self.twin.get_layer("lstm").reset_states()

    def measure(self) -> float:
        """The loss on the held-out text, read once from its start, in nats a character."""
        self.forget()
        x, y = self.corpus.context[None], self.corpus.held_out[None]
        return float(self.twin.evaluate(x, y, batch_size=1, verbose=0))

    def predict(self, symbol: int) -> np.ndarray:
        """The probabilities of the character after this one, `(symbols,)`."""
        return self.twin.predict_on_batch(np.array([[symbol]], "int32"))[0, 0]


class Pace(keras.callbacks.Callback):
    """Lets the learning rate fall along half a cosine, and ends training in time.

    Args:
        epochs: how many to run.
        seconds: run only as many as fit; `None` for all.
        clock: gives the time in seconds.
    """

    every_batch = False

    def __init__(
        self, epochs: int, seconds: float | None = None, clock: Callable = time.perf_counter
    ):
        self.planned = epochs
        self.most = epochs
        self.seconds = seconds
        self.clock = clock
        self.out_of_time = False
        self.durations: list[float] = []  # of training in each epoch, without measuring

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Start the clock."""
        self.began = self.clock()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set the learning rate."""
        self.epoch_began = self.clock()
        fall = 0.5 * (1 + math.cos(math.pi * epoch / self.planned))
        self.model.optimizer.learning_rate = LEARNING_RATE * fall
        self.model.get_layer("lstm").reset_states()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stop in the middle of an epoch, if time is up."""
        if self.seconds is not None and self.clock() - self.began > self.seconds:
            self.out_of_time = self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Plan as many epochs as there is time for."""
        self.durations.append(self.clock() - self.epoch_began)


class Plan(keras.callbacks.Callback):
    """After all else at an epoch's end: as many more epochs as there is time for.

    Args:
        pace: whose plan it is.
    """

    def __init__(self, pace: Pace):
        self.pace = pace

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Shorten the plan, or stop."""
        pace, done = self.pace, epoch + 1
