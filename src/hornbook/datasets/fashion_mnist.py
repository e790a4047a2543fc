"""Clothing in ten classes: 60,000 training and 10,000 test images of 28 x 28 pixels."""

from hornbook.core import doors
from hornbook.datasets.reading import read_idx
from hornbook.datasets.splitting import Pair
from hornbook.datasets.table import found


def load_data() -> tuple[Pair, Pair]:
    """Images, and their class numbers.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(60000, 28, 28)` and `(10000, 28, 28)` of
        uint8 from 0 to 255. The classes are T-shirt, trousers, pullover, dress, coat, sandal,
        shirt, sneaker, bag, ankle boot.
    """
    train, test = (
        (
            read_idx(found(f"{part}-images-idx3-ubyte.gz")),
            read_idx(found(f"{part}-labels-idx1-ubyte.gz")),
        )
        for part in ("train", "t10k")
    )
    return train, test


doors.publish(globals(), own=True)
