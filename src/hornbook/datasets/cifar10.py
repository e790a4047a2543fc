"""Photographs in ten classes: 50,000 training and 10,000 test images of 32 x 32 pixels."""

from hornbook.core import doors
from hornbook.datasets.cifar import load_batch as load_batch
from hornbook.datasets.cifar import load_batches as _load_batches
from hornbook.datasets.splitting import Pair
from hornbook.datasets.table import found as _found


def load_data() -> tuple[Pair, Pair]:
    """Images, and their class numbers.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(50000, 32, 32, 3)` and `(10000, 32, 32,
        3)` of uint8, or `(50000, 3, 32, 32)` if `image_data_format` is `"channels_first"`;
        labels `(50000, 1)` and `(10000, 1)`. The classes are airplane, automobile, bird, cat, deer,
        dog, frog, horse, ship, truck.
    """
    folder = _found("cifar10")
    train = _load_batches(folder, [f"data_batch_{i}" for i in range(1, 6)], "labels")
    return train, _load_batches(folder, ["test_batch"], "labels")


doors.publish(globals())
