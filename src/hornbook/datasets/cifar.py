"""Reader for the batches of CIFAR-10 and CIFAR-100."""

from pathlib import Path
from typing import Any

import numpy as np

from hornbook.core.settings import image_data_format
from hornbook.datasets.reading import read_pickle
from hornbook.datasets.splitting import Pair


def load_batch(fpath: Any, label_key: str = "labels") -> tuple[np.ndarray, list[int]]:
    """A batch of images.

    Args:
        fpath: a pickle file; only arrays, lists and text are read from it.
        label_key: key of the labels.

    Returns:
        `(images, labels)`: an array `(count, 3, 32, 32)` of uint8, and a list.
    """
    with Path(fpath).open("rb") as file:
        batch = read_pickle(file)
    return batch["data"].reshape(-1, 3, 32, 32), batch[label_key]


def load_batches(folder: Path, names: list[str], label_key: str) -> Pair:
    """Concatenated batches, in the current image data format.

    Args:
        folder: folder of the batches.
        names: file names of the batches.
        label_key: key of the labels.

    Returns:
        Images `(count, 32, 32, 3)` or `(count, 3, 32, 32)`, and labels `(count, 1)`, of uint8.
    """
    batches = [load_batch(folder / name, label_key) for name in names]
    x = np.concatenate([pictures for pictures, _ in batches])
    y = np.concatenate([np.asarray(labels, "uint8").reshape(-1, 1) for _, labels in batches])
    return (x.transpose(0, 2, 3, 1) if image_data_format() == "channels_last" else x), y
