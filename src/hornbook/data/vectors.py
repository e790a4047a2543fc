"""Word vectors: similarity, analogies, and tables for `Embedding`."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from hornbook import initializers


class WordVectors:
    """A vector for each word.

    Args:
        words: the words, each once.
        matrix: an array `(words, size)`, one row per word; not copied.

    Raises:
        ValueError: if the numbers of words and rows differ, or a word is duplicated.

    Example:
        >>> words = ["king", "man", "queen", "woman"]
        >>> vectors = WordVectors(words, [[3, 1], [0, 1], [3, 2], [0, 2]])
        >>> vectors["queen"]
        array([3, 2])
        >>> round(vectors.similarity("king", "man"), 3)
        0.316
        >>> [word for word, _ in vectors.most_similar(["king", "woman"], ["man"], topn=1)]
        ['queen']
    """

    def __init__(self, words: Sequence[str], matrix: Any):
        self.words = list(words)
        self.matrix = np.asarray(matrix)
        if self.matrix.ndim != 2 or len(self.words) != len(self.matrix):
            raise ValueError(
                f"WordVectors: {len(self.words)} words take a matrix of as many rows, not an array "
                f"of shape {self.matrix.shape}"
            )
        self.index = {word: row for row, word in enumerate(self.words)}
        if len(self.index) < len(self.words):
            twice = next(w for row, w in enumerate(self.words) if self.index[w] != row)
            raise ValueError(f"WordVectors: the word {twice!r} occurs more than once")

    @classmethod
    def of_embedding(cls, embedding: Any, word_index: Mapping[str, int]) -> "WordVectors":
        """The rows of an embedding that belong to words, in row order.

        Args:
            embedding: a built `Embedding`, or its table, `(rows, size)`.
            word_index: a dict from word to row, as in `Tokenizer`. Words without a row are dropped.

        Example:
            >>> table = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
            >>> WordVectors.of_embedding(table, {"the": 1, "cat": 2, "rare": 3}).words
            ['the', 'cat']
        """
        table = np.asarray(getattr(embedding, "embeddings", embedding))
        rows = {word: row for word, row in word_index.items() if 0 <= row < len(table)}
        words = sorted(rows, key=rows.__getitem__)
        return cls(words, table[[rows[word] for word in words]])

    def __repr__(self) -> str:
        return f"<WordVectors: {len(self)} words, {self.matrix.shape[1]} numbers each>"

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: Any) -> bool:
        return word in self.index

    def __getitem__(self, word: str) -> np.ndarray:
        if word not in self.index:
            raise KeyError(f"{word!r} is not among the {len(self)} words")
        return self.matrix[self.index[word]]

    @cached_property
    def _norms(self) -> np.ndarray:
        """The norm of each row; 1 for rows of zeros."""
        norms = np.linalg.norm(self.matrix.astype("float32", copy=False), axis=1)
        return np.where(norms == 0, 1, norms)

    def similarity(self, one: str, other: str) -> float:
        """The cosine similarity of two words' vectors.

        Args:
            one, other: the words.

        Raises:
            KeyError: for an unknown word.
        """
        return float(_unit(self[one]) @ _unit(self[other]))

    def most_similar(self, positive: Any = (), negative: Any = (), topn: int | None = 10) -> Any:
        """The words nearest to the mean of some unit vectors: similarity and analogies.

        `most_similar(["king", "woman"], ["man"])` asks which word is to king as woman is to man
        (Mikolov 2013, "Linguistic regularities in continuous space word representations").

        Args:
            positive: words that count positively, or one word. Each may also be a vector, or a pair
                of either and a weight.
            negative: words that count negatively.
            topn: number of words; `None` returns the similarity of every word, in the order of
                `words`.

        Returns:
            Pairs `(word, cosine)`, the nearest first, without the given words.

        Raises:
            KeyError: for an unknown word.
            ValueError: without any word.
        """
        weighted = [*_weighted(positive, 1.0), *_weighted(negative, -1.0)]
        if not weighted:
            raise ValueError("most_similar: pass a word, such as positive=['king']")
        mean = np.zeros(self.matrix.shape[1], "float32")
        for item, weight in weighted:
            mean += weight * (_unit(self[item]) if isinstance(item, str) else np.asarray(item))
        cosines = (self.matrix @ _unit(mean)) / self._norms
        if topn is None:
            return cosines
        given = {item for item, _ in weighted if isinstance(item, str)}
        count = min(max(topn, 0) + len(given), len(self))
        nearest = np.argpartition(-cosines, count - 1)[:count] if count < len(self) else ...
        rows = np.arange(len(self))[nearest]
        rows = rows[np.argsort(-cosines[rows], kind="stable")]
        found = [(self.words[row], float(cosines[row])) for row in rows]
        return [pair for pair in found if pair[0] not in given][: max(topn, 0)]

    def table(
        self, word_index: Mapping[str, int], rows: int | None = None, unknown: Any = "zeros"
    ) -> tuple[np.ndarray, list[str]]:
        """A table for an `Embedding` whose ids come from a `Tokenizer`.

        Args:
            word_index: a dict from word to row, as in `Tokenizer`.
            rows: number of rows; default as many as `word_index` needs. Words beyond it are
                dropped.
            unknown: initializer for the rows of words without a vector; rows without a word are 0.

        Returns:
            `(table, missing)`: a float32 array `(rows, size)`, and the words without a vector.

        Example:
            >>> vectors = WordVectors(["cat", "mat"], [[1.0, 2.0], [3.0, 4.0]])
            >>> table, missing = vectors.table({"the": 1, "cat": 2})
            >>> table, missing
            (array([[0., 0.],
                   [0., 0.],
                   [1., 2.]], dtype=float32), ['the'])
            >>> layer = keras.layers.Embedding(*table.shape, weights=[table], trainable=False)
        """
        rows = max(word_index.values(), default=0) + 1 if rows is None else rows
        kept = {word: row for word, row in word_index.items() if 0 <= row < rows}
        table = np.zeros((rows, self.matrix.shape[1]), "float32")
        known = [word for word in kept if word in self.index]
        missing = [word for word in kept if word not in self.index]
        table[[kept[word] for word in known]] = self.matrix[[self.index[word] for word in known]]
        if missing:
            draw: Any = initializers.get(unknown)
            drawn = draw((len(missing), table.shape[1]), "float32")
            table[[kept[word] for word in missing]] = drawn
        return table, missing


def _unit(vector: Any) -> np.ndarray:
    vector = np.asarray(vector, "float32")
    return vector / (np.linalg.norm(vector) or 1)


def _weighted(items: Any, sign: float) -> list[tuple[Any, float]]:
    """Words or vectors, each with its weight."""
    if isinstance(items, str) or (isinstance(items, np.ndarray) and items.ndim == 1):
        items = [items]
    return [(item[0], item[1]) if isinstance(item, tuple) else (item, sign) for item in items]
