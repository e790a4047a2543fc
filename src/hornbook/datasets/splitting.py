"""Shuffling, splitting and vocabulary limits for data sets."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]


def shuffled(random: np.random.RandomState, x: Any, y: Any) -> tuple[Any, Any]:
    """Rows in a random order.

    Args:
        random: source of randomness.
        x, y: arrays.
    """
    order = np.arange(len(x))
    random.shuffle(order)
    return x[order], y[order]


def split(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> tuple[Pair, Pair]:
    """Shuffle rows and split them in two.

    Args:
        x, y: arrays.
        test_split: fraction in the second part, at least 0 and below 1.
        seed: seed of the shuffle.

    Raises:
        ValueError: for an invalid fraction.
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split must be a fraction, at least 0 and below 1; got {test_split}")
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
    """Texts as lists of word indices, as a model sees them.

    Args:
        parts: `(texts, labels)`, texts as lists or arrays of word indices.
        num_words: indices from this one on count as unknown words; default the largest index in all
            parts.
        skip_top: indices below this one count as unknown words.
        maxlen: texts of this length or longer, counting `start_char`, are dropped.
        start_char: index at the start of each text; `None` for none.
        oov_char: index for unknown words; `None` drops them.
        index_from: offset added to each index.

    Returns:
        `(texts, labels)` for each part; texts are an object array of lists.

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
                raise ValueError(f"no text is shorter than maxlen={maxlen}: use a larger one")
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
