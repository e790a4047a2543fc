"""Photographs in a hundred classes: 50,000 pictures of 32 x 32 pixels to train, 10,000 to test."""

from hornbook.core import doors
from hornbook.datasets.cifar import load_batches
from hornbook.datasets.splitting import Pair
from hornbook.datasets.table import found


def load_data(label_mode: str = "fine") -> tuple[Pair, Pair]:
    """The pictures, and the number of what they show.

    Args:
        label_mode: `"fine"`, a hundred classes, or `"coarse"`, twenty.

    Returns:
        As `cifar10.load_data`.

    Raises:
        ValueError: for other labels.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"cifar100: label_mode is 'fine' or 'coarse', not {label_mode!r}")
    folder = found("cifar100")
    key = f"{label_mode}_labels"
    return load_batches(folder, ["train"], key), load_batches(folder, ["test"], key)


doors.publish(globals(), own=True)
