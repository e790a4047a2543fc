"""`tf.gfile`: files by TensorFlow 1's names."""

import os
from typing import Any


def exists(filename: Any) -> bool:
    """`tf.gfile.Exists`."""
    return os.path.exists(filename)


def make_dirs(dirname: Any) -> None:
    """`tf.gfile.MakeDirs`."""
    os.makedirs(dirname, exist_ok=True)
