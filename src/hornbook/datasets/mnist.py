"""Handwritten digits: 60,000 pictures of 28 x 28 pixels to train with, 10,000 to test."""

from hornbook.core import doors
from hornbook.datasets.reading import read_npz
from hornbook.datasets.splitting import Pair
from hornbook.datasets.table import found


def load_data(path: str = "mnist.npz") -> tuple[Pair, Pair]:
    """The digits, and which they are.

    Args:
        path: the name of the file in the cache.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: pictures `(60000, 28, 28)` and `(10000, 28, 28)` of
        uint8 from 0 to 255, digits of uint8. Where the folder `HORNBOOK_DATA` has only
        `mnist_10k.npz`, these are 8,000 and 2,000, and a warning says so.
    """
    data = read_npz(found("mnist.npz", path))
    return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])


doors.publish(globals(), own=True)
