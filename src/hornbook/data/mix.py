"""Semi-supervised training: batches mixed from several sources, and pseudo-labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

SIZES = ("N", "n", "samples")  # iterators' attributes for the number of samples


def _joined(parts: Sequence[Any]) -> Any:
    """Concatenate arrays at each position of equally nested lists, tuples or dicts."""
    first = parts[0]
    if isinstance(first, dict):
        return {name: _joined([part[name] for part in parts]) for name in first}
    if isinstance(first, list | tuple):
        if {len(part) for part in parts} != {len(first)}:
            raise ValueError(
                f"MixIterator: the parts of a batch have {[len(part) for part in parts]} arrays; "
                "all iterators must yield the same structure, such as (x, y)"
            )
        return type(first)([_joined(places) for places in zip(*parts)])
    return np.concatenate([np.asarray(part) for part in parts])


def _several_inputs(batches: Sequence[Any]) -> Any:
    """Combine `(x, y)` of each input to `([x, x, ...], y)`."""
    return ([batch[0] for batch in batches], *batches[0][1:])


class MixIterator:
    """Batches, each concatenated from one batch of every iterator.

    The iterators' batch sizes set the proportions. For `fit` it is a generator: pass
    `steps_per_epoch`, since it ends only if one of the iterators does.

    Args:
        iters: iterators with the same structure, such as `(x, y)`. Each may also be a list of
            iterators, one for each input of the model; the labels come from the first one.

    Attributes:
        N: total number of samples; `None` if unknown.
        multi: whether the model has several inputs.

    Example:
        >>> def batches(value, size):
        ...     while True:
        ...         yield np.full((size, 1), value), np.full(size, value)
        >>> x, y = next(MixIterator([batches(0, 3), batches(1, 1)]))
        >>> x.shape, y
        ((4, 1), array([0, 0, 0, 1]))
    """

    def __init__(self, iters: Sequence[Any]):
        self.iters = list(iters)
        if not self.iters:
            raise ValueError("MixIterator: the list of iterators is empty")
        self.multi = isinstance(self.iters[0], list | tuple)
        if any(isinstance(it, list | tuple) != self.multi for it in self.iters):
            raise ValueError("MixIterator: either all items are lists of iterators, or none")

    @property
    def N(self) -> int | None:
        """Total number of samples; `None` if unknown."""
        found: list[Any] = []
        for place in self.iters:
            first = place[0] if self.multi else place
            found.append(next((getattr(first, s) for s in SIZES if hasattr(first, s)), None))
        return None if None in found else sum(found)

    n = samples = N

    def reset(self) -> None:
        """Reset every iterator that has `reset`."""
        for place in self.iters:
            for iterator in place if self.multi else [place]:
                if hasattr(iterator, "reset"):
                    iterator.reset()

    def __iter__(self) -> "MixIterator":
        return self

    def __next__(self) -> Any:
        if self.multi:
            return _joined([_several_inputs([next(it) for it in place]) for place in self.iters])
        return _joined([next(it) for it in self.iters])

    def next(self) -> Any:
        """The next batch; the iterator protocol of Python 2."""
        return self.__next__()


def pseudo_label(
    model: Any,
    x: Any,
    labels: str = "one_hot",
    threshold: float = 0.0,
    batch_size: int | None = None,
    verbose: int | str = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Label unlabelled samples with a model's predictions.

    Train on them together with true labels: about a third of each batch is common (`MixIterator`),
    or give them a small `sample_weight` that grows over the epochs, and predict again in between.

    Source: Lee 2013, "Pseudo-Label: the simple and efficient semi-supervised learning method for
        deep neural networks".

    Args:
        model: any object with `predict`. A single output is the probability of class 1; several are
            class probabilities.
        x: array of samples.
        labels: `"one_hot"`, in the shape of the predictions; `"integer"`, the class; or `"soft"`,
            the predictions themselves.
        threshold: keep only samples whose class has at least this probability.
        batch_size, verbose: for `predict`.

    Returns:
        `(x, y)`: the samples kept, and their labels.

    Raises:
        ValueError: for unknown `labels`, or predictions that are not 2-D.

    Example:
        >>> class Model:
        ...     def predict(self, x, batch_size=None, verbose=0):
        ...         return np.array([[0.9, 0.1], [0.4, 0.6]], "float32")
        >>> pseudo_label(Model(), np.array([[1.0], [2.0]]), threshold=0.8)
        (array([[1.]]), array([[1., 0.]], dtype=float32))
    """
    if labels not in ("one_hot", "integer", "soft"):
        raise ValueError(f"pseudo_label: labels is 'one_hot', 'integer' or 'soft', not {labels!r}")
    x = np.asarray(x)
    predicted = np.asarray(model.predict(x, batch_size=batch_size, verbose=verbose))
    if predicted.ndim != 2:
        raise ValueError(
            f"pseudo_label: the model predicts an array of shape {predicted.shape}, not "
            "(samples, classes)"
        )
    if predicted.shape[1] == 1:
        classes = (predicted[:, 0] >= 0.5).astype("int32")
        sure = np.maximum(predicted[:, 0], 1 - predicted[:, 0])
        hot = classes[:, None].astype(predicted.dtype)
    else:
        classes = predicted.argmax(-1).astype("int32")
        sure = predicted.max(-1)
        hot = np.eye(predicted.shape[1], dtype=predicted.dtype)[classes]
    kept = sure >= threshold
    return x[kept], {"one_hot": hot, "integer": classes, "soft": predicted}[labels][kept]
