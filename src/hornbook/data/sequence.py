"""Sequences as arrays: padding, skip-grams, and windows of a series."""

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from hornbook.training.dataset import PyDataset

EULER = 0.577  # Euler's constant, to the precision that Keras uses


def pad_sequences(
    sequences: Iterable[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Pad and truncate sequences to one length.

    Args:
        sequences: lists or arrays; each step is a scalar or an array of fixed shape.
        maxlen: the length; default that of the longest.
        dtype: dtype of the result; `object` for strings.
        padding: `"pre"` or `"post"`: the side to pad.
        truncating: `"pre"` or `"post"`: the side to cut.
        value: padding value.

    Returns:
        An array `(number of sequences, maxlen, ...)`.

    Raises:
        ValueError: for an unknown side, an item without a length, or steps of unequal shapes.

    Example:
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
        array([[0, 1],
               [2, 3],
               [5, 6]], dtype=int32)
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name} is 'pre' or 'post', not {side!r}")
    if not isinstance(sequences, Iterable):
        raise ValueError(f"pad_sequences: sequences is {sequences!r}, not a list of them")
    rows = list(sequences)
    for i, row in enumerate(rows):
        if not hasattr(row, "__len__"):
            raise ValueError(f"pad_sequences: sequences[{i}] is {row!r}, which has no length")
    if isinstance(value, str) and np.dtype(dtype).kind not in "OUS":
        raise ValueError(f"pad_sequences: the value {value!r} is text; pass dtype=object")
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    length = int(lengths.max(initial=0)) if maxlen is None else maxlen
    kept = slice(-length, None) if truncating == "pre" and length else slice(length)
    inner = next((np.asarray(row).shape[1:] for row in rows if len(row)), ())
    padded = np.full((len(rows), length, *inner), value, dtype=dtype)
    lengths = np.minimum(lengths, length)
    steps = np.arange(length)
    filled = steps < lengths[:, None] if padding == "post" else steps >= length - lengths[:, None]
    padded[filled] = _all_steps(rows, kept, lengths, inner, dtype)
    return padded


def _all_steps(
    rows: list[Any], kept: slice, lengths: np.ndarray, inner: tuple[int, ...], dtype: Any
) -> np.ndarray:
    """The kept steps of all rows, concatenated."""

    def cut() -> Iterator[Any]:
        # one by one: the numbers of a list are read while the slice has them in the cache
        return (row if len(row) == n else row[kept] for row, n in zip(rows, lengths.tolist()))

    numbers = not inner and np.dtype(dtype).kind in "biufc"
    if numbers and rows and all(isinstance(row, np.ndarray) and row.ndim == 1 for row in rows):
        return np.concatenate([*cut()], dtype=dtype, casting="unsafe")
    if numbers and all(type(row) is list for row in rows):
        try:
            return np.fromiter(itertools.chain.from_iterable(cut()), dtype, int(lengths.sum()))
        except (ValueError, TypeError):
            pass  # reported below, with the row
    parts = [np.zeros((0, *inner), dtype)]
    for i, row in enumerate(cut()):
        part = np.asarray(row, dtype=dtype)
        if len(part) and part.shape[1:] != inner:
            raise ValueError(
                f"pad_sequences: the steps of sequences[{i}] have shape {part.shape[1:]}, those "
                f"before it {inner}"
            )
        parts.append(part.reshape(len(part), *inner))
    return np.concatenate(parts)


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """The probability that `skipgrams` keeps each word, assuming Zipf's law.

    Args:
        size: vocabulary size; words are indexed by frequency, as by `Tokenizer`.
        sampling_factor: word2vec's subsampling factor; smaller values keep fewer frequent words.

    Returns:
        An array `(size,)` of probabilities.

    Example:
        >>> make_sampling_table(3).round(5)
        array([0.00315, 0.00315, 0.00548])
    """
    rank = np.arange(size, dtype="float64")
    rank[:1] = 1
    inverse_frequency = rank * (np.log(rank) + EULER) + 0.5 - 1.0 / (12.0 * rank)
    frequency = sampling_factor * inverse_frequency
    return np.minimum(1.0, frequency / np.sqrt(frequency))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """word2vec's skip-grams: pairs of a word and a neighbour, and of a word and a random word.

    Random numbers come from Python's `random`, seeded by `seed`, as in Keras 2.

    Args:
        sequence: word indices of a text; 0 is skipped.
        vocabulary_size: negative samples are drawn from 1 to `vocabulary_size - 1`.
        window_size: maximum distance of a neighbour.
        negative_samples: negative pairs per positive pair.
        shuffle: whether to shuffle the pairs; otherwise the negative ones come last.
        categorical: whether labels are `[0, 1]` and `[1, 0]` instead of 1 and 0.
        sampling_table: probability of keeping each word (`make_sampling_table`).
        seed: seed of the shuffle.

    Returns:
        `(pairs, labels)`; the label is 1 if the second word is a neighbour.

    Example:
        >>> skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    yes, no = ([0, 1], [1, 0]) if categorical else (1, 0)
    pairs = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        near = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        pairs += [[word, sequence[j]] for j in near if j != i and sequence[j]]
    labels: list[Any] = [yes] * len(pairs)
    if negative_samples > 0:
        count = int(len(pairs) * negative_samples)
        words = [word for word, _ in pairs]
        random.shuffle(words)
        pairs += [
            [words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)
        ]
        labels += [no] * count
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        for both in (pairs, labels):
            random.seed(seed)
            random.shuffle(both)
    return pairs, labels


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a series, and the target after each.

    Args:
        data: the series, `(steps, ...)`: an array, list, data frame or h5py data set.
        targets: one per step of `data`; a window's target is that of the step after it.
        length: steps that a window covers.
        sampling_rate: a window has every `sampling_rate`-th of them.
        stride: steps between the starts of two windows.
        start_index, end_index: steps before and after these are ignored; `end_index` itself is the
            last target.
        shuffle: whether to draw windows at random, with numpy's global generator.
        reverse: whether to reverse each window.
        batch_size: windows per batch.

    Raises:
        ValueError: if data and targets differ in length, or no window fits.

    Example:
        >>> series = np.arange(10)
        >>> windows = TimeseriesGenerator(series, series, length=3, batch_size=4)
        >>> len(windows)
        2
        >>> x, y = windows[0]
        >>> x[0], y[0]
        (array([0, 1, 2]), np.int64(3))
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ):
        super().__init__()
        if len(data) != len(targets):
            raise ValueError(
                f"TimeseriesGenerator: data have {len(data)} steps and targets {len(targets)}"
            )
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"TimeseriesGenerator: no window of {length} steps fits between start_index="
                f"{start_index} and end_index={self.end_index}, the last target"
            )
        self._data, self._targets = _steps_of(data), _steps_of(targets)

    def __len__(self) -> int:
        step = self.batch_size * self.stride
        return (self.end_index - self.start_index + step) // step

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"TimeseriesGenerator: batch {index} of {count}")
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            step = self.batch_size * self.stride
            first = self.start_index + step * (index % count)
            rows = np.arange(first, min(first + step, self.end_index + 1), self.stride)
        if isinstance(self._data, np.ndarray):
            inside = np.arange(0, self.length, self.sampling_rate)
            x = self._data[rows[:, None] - self.length + inside]
        else:
            x = np.stack(
                [self._data[row - self.length : row : self.sampling_rate] for row in rows.tolist()]
            )
        if isinstance(self._targets, np.ndarray):
            y = self._targets[rows]
        else:
            y = np.stack([self._targets[row] for row in rows.tolist()])
        return (x[:, ::-1] if self.reverse else x), y


def _steps_of(series: Any) -> Any:
    """Convert to an array, except data sets in a file."""
    in_a_file = hasattr(series, "shape") and not hasattr(series, "__array_interface__")
    return series if in_a_file and not hasattr(series, "iloc") else np.asarray(series)
