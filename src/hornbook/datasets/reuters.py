"""Newswires of 1987 in 46 classes: 11,228 texts as word indices."""

import json
from pathlib import Path

import numpy as np

from hornbook.core import doors
from hornbook.datasets.reading import read_npz
from hornbook.datasets.splitting import Pair, choose_words, shuffled
from hornbook.datasets.table import found

LABELS = tuple(
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves "
    "ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem "
    "dlr gas silver wpi hog lead".split()
)


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Pair, Pair]:
    """Texts as word indices, and their class numbers.

    Args:
        path: file name in the cache.
        num_words: indices from this one on count as unknown words; default nearly all are known.
        skip_top: indices below this one count as unknown words.
        maxlen: keep only texts shorter than this.
        test_split: fraction of the texts held out for testing.
        seed: seed of the shuffle.
        start_char: index at the start of each text; `None` for none.
        oov_char: index for unknown words; `None` drops them.
        index_from: offset added to the indices of `get_word_index`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of integers, and labels.

    Raises:
        ValueError: if no text is short enough.
    """
    data = read_npz(found("reuters.npz", path))
    x, y = shuffled(np.random.RandomState(seed), data["x"], data["y"])
    ((x, y),) = choose_words(
        [(x, y)], num_words, skip_top, maxlen, start_char, oov_char, index_from
    )
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The index of each word, by frequency; `load_data` adds `index_from` to it.

    Args:
        path: file name in the cache.
    """
    return json.loads(Path(found("reuters_word_index.json", path)).read_text("utf-8"))


def get_label_names() -> tuple[str, ...]:
    """The class names, by class number.

    Example:
        >>> get_label_names()[3]
        'earn'
    """
    return LABELS


doors.publish(globals(), own=True)
