"""`tensorflow.examples.tutorials.mnist.input_data`: MNIST as TensorFlow's tutorials read it."""

from collections import namedtuple
from typing import Any

import numpy as np

from hornbook.datasets import mnist

Datasets = namedtuple("Datasets", ("train", "validation", "test"))


class DataSet:
    """Images in rows, from 0 to 1, and labels, in batches.

    Args:
        images: `(count, 28, 28)` of uint8.
        labels: classes, or rows with a 1.
        reshape: whether images become rows of 784.
        seed: of the order.
    """

    def __init__(
        self,
        images: Any,
        labels: Any,
        reshape: bool = True,
        seed: Any = None,
        dtype: Any = "float32",
    ):
        array = np.asarray(images)
        array = array.reshape(len(array), -1) if reshape else array[..., None]
        floats = str(getattr(dtype, "name", dtype)) == "float32"
        self._images = array.astype("float32") / np.float32(255) if floats else array
        self._labels = np.asarray(labels)
        self._epochs, self._at = 0, 0
        self._random = np.random if seed is None else np.random.RandomState(seed)

    images = property(lambda self: self._images)
    labels = property(lambda self: self._labels)
    num_examples = property(lambda self: len(self._images))
    epochs_completed = property(lambda self: self._epochs)

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> tuple:
        """The next images and labels; a pass ends with the rest and the beginning of the next."""
        start, count = self._at, self.num_examples
        if not start and not self._epochs and shuffle:
            self._mix()
        if start + batch_size <= count:
            self._at = start + batch_size
            return self._images[start : self._at], self._labels[start : self._at]
        self._epochs += 1
        rest = self._images[start:], self._labels[start:]
        if shuffle:
            self._mix()
        self._at = batch_size - (count - start)
        parts = zip(rest, (self._images[: self._at], self._labels[: self._at]), strict=True)
        return tuple(np.concatenate(pair) for pair in parts)

    def _mix(self) -> None:
        order = np.arange(self.num_examples)
        self._random.shuffle(order)
        self._images, self._labels = self._images[order], self._labels[order]


def read_data_sets(
    train_dir: Any = None,
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = "float32",
    reshape: bool = True,
    validation_size: int = 5000,
    seed: Any = None,
    source_url: Any = None,
) -> Datasets:
    """Training, validation and test digits.

    The files are those of `keras.datasets.mnist`, from the folder in `HORNBOOK_DATA` or the cache.

    Args:
        train_dir, fake_data, source_url: ignored.
        one_hot: whether labels are rows with a 1.
        dtype: `tf.float32` for 0 to 1, `tf.uint8` for 0 to 255.
        reshape: whether images become rows of 784.
        validation_size: the number of training digits that are taken for validation.
        seed: of the order of batches.
    """
    (x, y), (x_test, y_test) = mnist.load_data()
    size = min(validation_size, len(x) // 10)
    if one_hot:
        y, y_test = (np.eye(10, dtype="float64")[labels] for labels in (y, y_test))

    def made(images: Any, labels: Any) -> DataSet:
        return DataSet(images, labels, reshape, seed, dtype)

    return Datasets(made(x[size:], y[size:]), made(x[:size], y[:size]), made(x_test, y_test))


def load_mnist(train_dir: Any = "MNIST-data") -> Datasets:
    """`tf.contrib.learn.datasets.load_dataset("mnist")`."""
    return read_data_sets(train_dir)


def load_dataset(name: str, *ignored: Any, **options: Any) -> Any:
    """`tf.contrib.learn.datasets.load_dataset`: `"mnist"` alone.

    Raises:
        ValueError: for another name.
    """
    if name != "mnist":
        raise ValueError(f"only the data set 'mnist' is known, not {name!r}")
    return load_mnist()
