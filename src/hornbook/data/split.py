"""Split data in two: `split_dataset`."""

import random
import sys
from typing import Any

import numpy as np

from hornbook.data.dataset import Dataset
from hornbook.data.elements import apply, as_array, as_element, count_rows

WHERE = "split_dataset"


def split_dataset(
    dataset: Any,
    left_size: float | int | None = None,
    right_size: float | int | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Split data into two parts, such as for training and testing.

    Args:
        dataset: an array; a list, tuple or dict of arrays of one length; a `Dataset` or a data set
            of tf.data, which is read into memory; or a map-style data set of torch. A `Dataset` of
            batches is split by samples.
        left_size: number of samples in the first part, or a fraction from 0 to 1. Default the rest.
        right_size: the same of the second part, at the end. Samples between them are dropped.
        shuffle: whether to shuffle the samples first.
        seed: seed of the order, which is that of Keras's for the same seed.
        preferred_backend: `"torch"` for parts that are torch's, which needs a torch data set;
            others are accepted for Keras's sake.

    Returns:
        Two `Dataset`s; two `torch.utils.data.Subset`s of a torch data set.

    Raises:
        TypeError: for other data.
        ValueError: if a size is missing or leaves a part empty.

    Example:
        >>> left, right = keras.utils.split_dataset(np.arange(10), left_size=0.8)
        >>> len(left), [int(sample) for sample in right]
        (8, [8, 9])
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(dataset, torch.utils.data.Dataset):
        order = _order(len(dataset), shuffle, seed)
        parts = _cut(order, left_size, right_size)
        left, right = (torch.utils.data.Subset(dataset, part) for part in parts)
        return left, right
    if preferred_backend == "torch":
        raise TypeError(
            f"{WHERE}: preferred_backend='torch' needs a torch.utils.data.Dataset, not "
            f"{type(dataset).__name__}"
        )
    if hasattr(dataset, "cardinality"):
        return _of_elements(dataset, left_size, right_size, shuffle, seed)
    if not isinstance(dataset, np.ndarray | list | tuple | dict) and not hasattr(dataset, "shape"):
        raise TypeError(
            f"{WHERE}: dataset is an array, a list, tuple or dict of arrays, a Dataset, or a data "
            f"set of tf.data or torch; got {type(dataset).__name__}"
        )
    arrays = tuple(dataset) if isinstance(dataset, list) else dataset
    arrays = apply(as_array, arrays)
    order = _order(count_rows(arrays, WHERE), shuffle, seed)
    left, right = _cut(order, left_size, right_size)

    def of(part: list[int]) -> Dataset:
        chosen: Any = part if shuffle else slice(part[0], part[-1] + 1)
        return Dataset.from_tensor_slices(apply(lambda array: array[chosen], arrays))

    return of(left), of(right)


def _of_elements(dataset: Any, left: Any, right: Any, shuffle: bool, seed: Any) -> tuple:
    """The parts of a data set, read once: with a shuffle, another pass would mix them."""
    size = getattr(dataset, "_batch_size", None)
    if size is not None:
        dataset = dataset.unbatch()
    elements = [as_element(element) for element in dataset]
    parts = []
    for part in _cut(_order(len(elements), shuffle, seed), left, right):
        made = Dataset.from_elements([elements[i] for i in part])
        parts.append(made if size is None else made.batch(int(size)))
    return tuple(parts)


def _order(count: int, shuffle: bool, seed: int | None) -> list[int]:
    order = list(range(count))
    if shuffle:
        random.Random(random.randint(0, 10**6) if seed is None else seed).shuffle(order)
    return order


def _cut(order: list[int], left: Any, right: Any) -> tuple[list[int], list[int]]:
    """The first and the last numbers of an order."""
    total = len(order)
    if left is None and right is None:
        raise ValueError(f"{WHERE}: pass left_size or right_size, or both")
    sizes = [_size(name, value, total) for name, value in (("left", left), ("right", right))]
    first = total - sizes[1] if sizes[0] is None else sizes[0]  # type: ignore[operator]
    last = total - first if sizes[1] is None else sizes[1]
    if first < 1 or last < 1 or first + last > total:
        raise ValueError(
            f"{WHERE}: left_size={left!r} and right_size={right!r} of {total} samples are {first} "
            f"and {last}; both must be positive, and their sum at most {total}"
        )
    return order[:first], order[total - last :]


def _size(name: str, value: Any, total: int) -> int | None:
    """A size as a number of samples."""
    if value is None:
        return None
    if isinstance(value, float | np.floating) and 0 < value < 1:
        return round(value * total)
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 < value < total:
        return int(value)
    raise ValueError(
        f"{WHERE}: {name}_size is a fraction between 0 and 1, or a number of samples from 1 to "
        f"{total - 1}; got {value!r}"
    )
