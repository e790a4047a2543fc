"""Handwritten digits: 60,000 training and 10,000 test images of 28 x 28 pixels."""

from hornbook.core import doors
from hornbook.datasets.reading import read_npz
from hornbook.datasets.splitting import Pair
from hornbook.datasets.table import found


def load_data(path: str = "mnist.npz") -> tuple[Pair, Pair]:
    """Images of digits, and their labels.

    Args:
        path: file name in the cache.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(60000, 28, 28)` and `(10000, 28, 28)` of
        uint8 from 0 to 255, and labels of uint8. If the folder `HORNBOOK_DATA` has only
        `mnist_10k.npz`, there are 8,000 and 2,000 images, and a warning says so.
    """
    data = read_npz(found("mnist.npz", path))
    return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])


doors.publish(globals(), own=True)
