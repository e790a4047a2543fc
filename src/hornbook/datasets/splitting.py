"""What is done to data when they are loaded: shuffling, splitting, choosing words."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]


def shuffled(random: np.random.RandomState, x: Any, y: Any) -> tuple[Any, Any]:
    """Rows in another order.

    Args:
        random: draws the order.
        x, y: arrays.
    """
    order = np.arange(len(x))
    random.shuffle(order)
    return x[order], y[order]


def split(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> tuple[Pair, Pair]:
    """Shuffled rows in two parts.

    Args:
        x, y: arrays.
        test_split: share of the second part, from 0 to below 1.
        seed: of the shuffling.

    Raises:
        ValueError: for another share.
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split is {test_split}; it is a share from 0 to below 1")
    x, y = shuffled(np.random.RandomState(seed), x, y)
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])


def choose_words(
    parts: Sequence[tuple[Any, np.ndarray]],
    num_words: int | None,
    skip_top: int,
    maxlen: int | None,
    start_char: int | None,
    oov_char: int | None,
    index_from: int,
) -> list[Pair]:
    """Texts as lists of the numbers that a model sees.

    Args:
        parts: `(texts, labels)`, texts as lists or arrays of word numbers.
        num_words: numbers from this one on are unknown words; default the largest one in all parts.
        skip_top: numbers below this one are unknown words.
        maxlen: texts of this length, with `start_char`, or longer are left out.
        start_char: what each text begins with; `None`: nothing.
        oov_char: what stands for unknown words; `None`: they are left out.
        index_from: what is added to each number.

    Returns:
        `(texts, labels)` for each part; texts are lists in an array of objects.

    Raises:
        ValueError: if no text is short enough.

    Example:
        >>> texts = [[1, 9], [2, 5, 4]]
        >>> [(x, y)] = choose_words([(texts, np.array([0, 1]))], 9, 0, None, 1, 2, 3)
        >>> x.tolist()
        [[1, 4, 2], [1, 5, 8, 7]]
    """
    encoded = []
    for texts, labels in parts:
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        words = np.concatenate([np.zeros(0, np.int64), *(np.asarray(t, np.int64) for t in texts)])
        words += index_from or 0
        if start_char is not None:
            words = np.insert(words, np.cumsum(lengths) - lengths, start_char)
            lengths += 1
        if maxlen:
            kept = lengths < maxlen
            if not kept.any():
                raise ValueError(f"no text is shorter than maxlen={maxlen}: give a larger one")
            words = words[np.repeat(kept, lengths)]
            lengths, labels = lengths[kept], labels[kept]
        encoded.append((words, lengths, labels))
    if not num_words:
        num_words = max(int(words.max(initial=0)) for words, _, _ in encoded)
    chosen = []
    for words, lengths, labels in encoded:
        known = (words >= skip_top) & (words < num_words)
        if oov_char is None:
            texts = np.repeat(np.arange(len(lengths)), lengths)
            lengths = np.bincount(texts[known], minlength=len(lengths))
            words = words[known]
        else:
            words = np.where(known, words, oov_char)
        ends = np.cumsum(lengths).tolist()
        numbers = words.tolist()
        lists = np.empty(len(ends), dtype=object)
        lists[:] = [numbers[start:end] for start, end in zip([0, *ends], ends)]
        chosen.append((lists, labels))
    return chosen
