"""Film reviews, liked or not: 25,000 to train with, 25,000 to test, as numbers of words."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.core import doors
from hornbook.datasets.reading import read_npz
from hornbook.datasets.splitting import Pair, choose_words, shuffled
from hornbook.datasets.table import found

# In the smaller file: what was added to the numbers of words, and what stands for unknown ones.
ADDED, UNKNOWN = 3, 2
NO_WORD = -(2**31)  # below whatever numbers are asked for


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
    """The reviews, and whether they are good (1) or bad (0).

    Args:
        path: the name of the file in the cache.
        num_words: only words with numbers below this one are known; default nearly all.
        skip_top: words with numbers below this one are unknown.
        maxlen: only reviews shorter than that.
        seed: of the shuffling.
        start_char: what each review begins with; `None`: nothing.
        oov_char: what stands for an unknown word; `None`: it is left out.
        index_from: what is added to a word's number in `get_word_index`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: lists of numbers in an array of objects, and labels.
        Where the folder `HORNBOOK_DATA` has only `imdb_5k.npz`, these are 5,000 and 1,000 reviews
        of at most 500 words, of which the most frequent 500 are known, and a warning says so.

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
    """There the texts lie behind one another, and each begins with 1."""
    tokens, offsets = data[f"{part}_tokens"].astype("int64"), data[f"{part}_offsets"]
    tokens = np.where(tokens == UNKNOWN, NO_WORD, tokens - ADDED)
    texts = np.empty(len(offsets) - 1, dtype=object)
    texts[:] = [tokens[start + 1 : end] for start, end in zip(offsets, offsets[1:])]
    return texts, data[f"{part}_labels"].astype("int64")


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, by how frequent it is. `load_data` adds `index_from` to it.

    Args:
        path: the name of the file in the cache.
    """
    return json.loads(Path(found("imdb_word_index.json", path)).read_text("utf-8"))


doors.publish(globals(), own=True)
