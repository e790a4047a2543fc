"""Which samples `validation_split` holds out: the last, random ones, or a share of each class."""

import warnings
from typing import Any

import numpy as np

from hornbook.core import tree
from hornbook.core.errors import users_stacklevel
from hornbook.core.random import host_generator
from hornbook.training.data import is_one_hot

WAYS = ("last", "random", "stratified")
MOST_CLASSES = 1000
EXPECTED = 10  # samples of a class in a random part of that size
MISSING = """validation_split takes the last {held_out} samples, which contain no sample of \
class{es} {classes}: the data seem to be sorted. Pass validation_from="stratified" (each class's \
share) or "random"."""


def count_held_out(samples: int, fraction: float) -> int:
    """The number of samples to validate on."""
    if not 0 < fraction < 1:
        raise ValueError(f"validation_split is a fraction between 0 and 1, not {fraction!r}")
    border = int(samples * (1 - fraction))
    if border in (0, samples):
        raise ValueError(f"validation_split={fraction} of {samples} samples leaves one part empty")
    return samples - border


def splits(y: Any, samples: int, held_out: int, way: str) -> tuple[np.ndarray, np.ndarray]:
    """The indices to train on and those to validate on, each in increasing order.

    Args:
        y: the targets, read for `"stratified"` only.
        samples: number of samples.
        held_out: number of samples to validate on.
        way: `"random"` or `"stratified"`.

    Example:
        >>> train, held_out = splits(np.repeat([0, 1], [6, 2]), 8, 4, "stratified")
        >>> int((held_out < 6).sum()), int((held_out >= 6).sum())
        (3, 1)
    """
    if way not in WAYS:
        raise ValueError(f"validation_from must be one of {WAYS}, not {way!r}")
    order = host_generator().permutation(samples)
    if way == "stratified":
        classes = classes_of(y)
        if classes is None:
            raise ValueError(
                "validation_from='stratified' needs one class for each sample, as whole numbers or "
                "one-hot rows; use 'random' for other targets"
            )
        order = order[np.argsort(classes[order], kind="stable")]
    # every (samples / held_out)-th of the ordered samples: each class gets its share within one
    marks = np.arange(samples + 1) * held_out // samples
    chosen = np.diff(marks) > 0
    return np.sort(order[~chosen]), np.sort(order[chosen])


def classes_of(y: Any) -> np.ndarray | None:
    """The class of each sample, an integer array (N,); `None` if the targets are not classes."""
    leaves = tree.flatten(y)
    if len(leaves) != 1 or not hasattr(leaves[0], "dtype"):
        return None
    y = np.asarray(leaves[0])
    if y.ndim == 2 and y.shape[1] > 1:
        return y.argmax(1) if is_one_hot(y) else None
    if y.ndim != 1 and y.shape[1:] != (1,):
        return None
    y = y.reshape(len(y))
    if y.dtype.kind == "f" and np.isfinite(y).all() and (y == np.floor(y)).all():
        y = y.astype(np.int64)
    return y if y.dtype.kind in "iub" else None


def warn_of_missing_classes(y: Any, border: int) -> None:
    """Warn if a class with many samples has none from `border` on."""
    classes = classes_of(y)
    if classes is None or classes.min() < 0 or classes.max() >= MOST_CLASSES:
        return
    training = np.bincount(classes[:border], minlength=MOST_CLASSES)
    held_out = np.bincount(classes[border:], minlength=MOST_CLASSES)
    share = (len(classes) - border) / len(classes)
    missing = np.flatnonzero((held_out == 0) & (training * share >= EXPECTED))
    if len(missing):
        named = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
        text = MISSING.format(
            held_out=len(classes) - border, es="es" if len(missing) > 1 else "", classes=named
        )
        warnings.warn(text, stacklevel=users_stacklevel())
