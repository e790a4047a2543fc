"""Photographs in 100 classes: 50,000 training and 10,000 test images of 32 x 32 pixels."""

from hornbook.core import doors
from hornbook.datasets.cifar import load_batches
from hornbook.datasets.splitting import Pair
from hornbook.datasets.table import found


def load_data(label_mode: str = "fine") -> tuple[Pair, Pair]:
    """Images, and their class numbers.

    Args:
        label_mode: `"fine"` for 100 classes, or `"coarse"` for 20.

    Returns:
        As `cifar10.load_data`.

    Raises:
        ValueError: for an unknown `label_mode`.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"cifar100: label_mode is 'fine' or 'coarse', not {label_mode!r}")
    folder = found("cifar100")
    key = f"{label_mode}_labels"
    return load_batches(folder, ["train"], key), load_batches(folder, ["test"], key)


doors.publish(globals(), own=True)
