"""Sentiment of film reviews: 25,000 for training, 25,000 for testing, as word indices."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.core import doors
from hornbook.datasets.reading import read_npz
from hornbook.datasets.splitting import Pair, choose_words, shuffled
from hornbook.datasets.table import found

# In the smaller file: the offset of word indices, and the index of unknown words.
ADDED, UNKNOWN = 3, 2
NO_WORD = -(2**31)  # below any index that can be asked for


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Pair, Pair]:
    """Reviews as word indices, with labels 1 (positive) and 0 (negative).

    Args:
        path: file name in the cache.
        num_words: indices from this one on count as unknown words; default nearly all are known.
        skip_top: indices below this one count as unknown words.
        maxlen: keep only reviews shorter than this.
        seed: seed of the shuffle.
        start_char: index at the start of each review; `None` for none.
        oov_char: index for unknown words; `None` drops them.
        index_from: offset added to the indices of `get_word_index`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of integers, and labels. If
            the folder `HORNBOOK_DATA` has only `imdb_5k.npz`, these are 5,000 and 1,000 reviews of
            at most 500 words with a vocabulary of the 500 most frequent ones, and a warning says
            so.

    Raises:
        ValueError: if no review is short enough.
    """
    data = read_npz(found("imdb.npz", path))
    read = _texts_of if "x_train" in data else _texts_of_smaller
    random = np.random.RandomState(seed)
    parts = [shuffled(random, *read(data, part)) for part in ("train", "test")]
    train, test = choose_words(parts, num_words, skip_top, maxlen, start_char, oov_char, index_from)
    return train, test


def _texts_of(data: dict[str, np.ndarray], part: str) -> tuple[Any, np.ndarray]:
    return data[f"x_{part}"], data[f"y_{part}"]


def _texts_of_smaller(data: dict[str, np.ndarray], part: str) -> tuple[Any, np.ndarray]:
    """The texts are concatenated in one array, and each starts with 1."""
    tokens, offsets = data[f"{part}_tokens"].astype("int64"), data[f"{part}_offsets"]
    tokens = np.where(tokens == UNKNOWN, NO_WORD, tokens - ADDED)
    texts = np.empty(len(offsets) - 1, dtype=object)
    texts[:] = [tokens[start + 1 : end] for start, end in zip(offsets, offsets[1:])]
    return texts, data[f"{part}_labels"].astype("int64")


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The index of each word, by frequency; `load_data` adds `index_from` to it.

    Args:
        path: file name in the cache.
    """
    return json.loads(Path(found("imdb_word_index.json", path)).read_text("utf-8"))


doors.publish(globals(), own=True)
