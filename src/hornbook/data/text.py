"""Text tokenization as in Keras 2: words split at spaces, indexed by frequency."""

import json
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import md5
from itertools import islice, repeat
from typing import Any

import numpy as np

from hornbook.core.words import Counts, Splitter, at, characters

PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

SETTINGS = "num_words filters lower split char_level oov_token document_count".split()
TABLES = "word_counts word_docs index_docs index_word word_index".split()
TOGETHER = 64  # texts whose words are counted at once
BEYOND = sys.maxsize  # the index of unknown words

# The entry of a text's row at word j: from its count in the text, the number of words in the text,
# and the inverse document frequency of j.
MODES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "binary": lambda count, length, rarity: 1,
    "count": lambda count, length, rarity: count,
    "freq": lambda count, length, rarity: count / length,
    "tfidf": lambda count, length, rarity: (1 + np.log(count)) * rarity,
}


def text_to_word_sequence(
    text: str, filters: str = PUNCTUATION, lower: bool = True, split: str = " "
) -> list[str]:
    """Split a text into words.

    Args:
        text: the text.
        filters: characters replaced by `split`.
        lower: whether to lower-case the text.
        split: separator between words.

    Example:
        >>> text_to_word_sequence("Plain, old words!")
        ['plain', 'old', 'words']
    """
    return _splitter("".join(filters), lower, split)(text)


@lru_cache
def _splitter(filters: str, lower: bool, split: str | None) -> Splitter:
    """What splits texts at `split`, or into characters."""
    case = str.lower if lower else None
    if split is None:
        return Splitter(characters, lower=case)
    return Splitter(at(split), filters, split, case)


def one_hot(
    text: str,
    n: int,
    filters: str = PUNCTUATION,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Sequence[str]] | None = None,
) -> list[int]:
    """Hash each word of a text to an index below `n`, with Python's `hash`; differs per process.

    Args:
        text: the text.
        n: indices run from 1 to `n - 1`; words may collide.
        filters, lower, split: as in `text_to_word_sequence`.
        analyzer: a function from a text to its words, used instead of these.

    Example:
        >>> numbers = one_hot("one and one", 100)
        >>> numbers[0] == numbers[2]
        True
    """
    return hashing_trick(text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | str | None = None,
    filters: str = PUNCTUATION,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Sequence[str]] | None = None,
) -> list[int]:
    """Hash each word of a text to an index below `n`, without a vocabulary.

    Args:
        text: the text.
        n: indices run from 1 to `n - 1`; words may collide.
        hash_function: `"md5"`, the same in every process; a function from a word to an integer;
            by default Python's `hash`, which differs between processes.
        filters, lower, split: as in `text_to_word_sequence`.
        analyzer: a function from a text to its words, used instead of these.

    Example:
        >>> hashing_trick("The cat sat on the mat.", 50, "md5")
        [43, 32, 29, 3, 43, 29]
    """
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    number = _md5 if hash_function == "md5" else hash if hash_function is None else hash_function
    if not callable(number):
        raise ValueError(f"hashing_trick: hash_function is 'md5' or a function, not {number!r}")
    return [number(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Maps words to indices by frequency: 1 for the most frequent; 0 is reserved.

    Args:
        num_words: keep only the `num_words - 1` most frequent words; default all.
        filters: characters replaced by `split`.
        lower: whether to lower-case texts.
        split: separator between words.
        char_level: whether each character is a token.
        oov_token: token for unknown words, with index 1; by default they are dropped.
        document_count: number of texts seen before.
        analyzer: a function from a text to its words, instead of `filters`, `lower` and `split`.

    A text may also be a list of words. After `fit_on_texts`, `word_index` and `index_word` map
    between words and indices, `word_counts` has the count of each word, `word_docs` and
    `index_docs` the number of texts that contain it.

    Example:
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["The cat sat.", "The dog sat on the mat."])
        >>> tokenizer.word_index
        {'the': 1, 'sat': 2, 'cat': 3, 'dog': 4, 'on': 5, 'mat': 6}
        >>> tokenizer.texts_to_sequences(["The mat, the bird"])
        [[1, 6, 1]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = PUNCTUATION,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        document_count: int = 0,
        analyzer: Callable[[str], Sequence[str]] | None = None,
    ):
        self.num_words = num_words
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.document_count = document_count
        self.analyzer = analyzer
        self.word_counts: dict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = defaultdict(int)
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self) -> Callable[[Any], Sequence[str]]:
        """The function from a text, or a list of words, to its words."""
        split = self.analyzer
        if self.char_level:
            split = _splitter("", self.lower, None)
        elif split is None:
            split = _splitter("".join(self.filters), self.lower, self.split)

        def words(text: Any) -> Sequence[str]:
            if isinstance(text, list):
                return [word.lower() for word in text] if self.lower else text
            return split(text)

        return words

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of texts and update the index; counts accumulate over calls.

        Args:
            texts: an iterable of strings, or of lists of words.
        """
        counts, words = Counts(), map(self._words(), texts)
        while documents := [*islice(words, TOGETHER)]:
            counts.add(documents)
        self.document_count += counts.number
        for word, count in counts.tokens.items():
            self.word_counts[word] = self.word_counts.get(word, 0) + count
        for word, count in counts.documents.items():
            self.word_docs[word] += count
        ranked = sorted(self.word_counts, key=self.word_counts.__getitem__, reverse=True)
        first = [] if self.oov_token is None else [self.oov_token]
        self.word_index = {word: index for index, word in enumerate(first + ranked, 1)}
        self.index_word = {index: word for word, index in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Count in how many sequences each index occurs, for `"tfidf"` without texts.

        Args:
            sequences: lists of word indices.
        """
        self.document_count += len(sequences)
        for sequence in sequences:
            for index in set(sequence):
                self.index_docs[index] += 1

    def _kept(self, indices: Iterable[int]) -> list[int]:
        """Known indices; those from `num_words` on are replaced by the OOV index or dropped."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        limit = self.num_words or BEYOND
        if unknown is None:
            return [index for index in indices if index < limit]
        return [index if index < limit else unknown for index in indices]

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Texts to lists of word indices.

        Args:
            texts: strings, or lists of words.

        Returns:
            A list of integers for each text. Unknown words and those beyond `num_words` are
            dropped, or have the index of `oov_token`.
        """
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """`texts_to_sequences` as a generator.

        Args:
            texts: strings, or lists of words.
        """
        for words in map(self._words(), texts):
            yield self._kept(map(self.word_index.get, words, repeat(BEYOND)))

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Sequences of word indices to texts, with words separated by spaces.

        Args:
            sequences: lists of word indices.

        Example:
            >>> tokenizer = Tokenizer(oov_token="?")
            >>> tokenizer.fit_on_texts(["old words"])
            >>> tokenizer.sequences_to_texts([[3, 9, 2]])
            ['words ? old']
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """`sequences_to_texts` as a generator.

        Args:
            sequences: lists of word indices.
        """
        for sequence in sequences:
            indices = np.asarray(sequence).tolist()  # elements of arrays may not be hashable
            known = (index if index in self.index_word else BEYOND for index in indices)
            yield " ".join(self.index_word[index] for index in self._kept(known))

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """A document-term matrix: a row for each text, a column for each word.

        Args:
            texts: strings, or lists of words.
            mode: `"binary"` (whether a word occurs), `"count"` (how often), `"freq"` (its share of
                the words) or `"tfidf"` (weighted by inverse document frequency).

        Example:
            >>> tokenizer = Tokenizer()
            >>> tokenizer.fit_on_texts(["a b a", "b c"])
            >>> tokenizer.texts_to_matrix(["a a b"], mode="count")
            array([[0., 2., 1., 0.]])
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> np.ndarray:
        """A document-term matrix: a row for each sequence, a column for each word index.

        Args:
            sequences: lists of word indices; those from `num_words` on are ignored.
            mode: as in `texts_to_matrix`.

        Returns:
            A float64 array `(number of sequences, num_words)`. Without `num_words` there is a
            column for each word, and one for 0.

        Raises:
            ValueError: for an unknown mode, a negative index, an unknown number of columns, or
                `"tfidf"` before any text was seen.
        """
        if mode not in MODES:
            raise ValueError(f"Tokenizer: mode is one of {', '.join(MODES)}, not {mode!r}")
        columns = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        if not columns:
            raise ValueError("Tokenizer: pass num_words, or call fit_on_texts first")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: 'tfidf' needs document counts: call fit_on_texts first")
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        parts = [np.asarray(s, np.int64) for s in sequences if len(s)]
        words = np.concatenate(parts or [np.zeros(0, np.int64)])
        if (words < 0).any():
            raise ValueError(f"Tokenizer: {words.min()} is not a word index")
        rows = np.repeat(np.arange(len(sequences)), lengths)
        inside = words < columns
        cells, counts = np.unique(rows[inside] * columns + words[inside], return_counts=True)
        rows, words = np.divmod(cells, columns)
        present, place = np.unique(words, return_inverse=True)
        documents = np.array([self.index_docs.get(int(word), 0) for word in present], np.int64)
        rarity = np.log(1 + self.document_count / (1 + documents))
        matrix = np.zeros((len(sequences), columns))
        matrix.flat[cells] = MODES[mode](counts, lengths[rows], rarity[place])
        return matrix

    def get_config(self) -> dict[str, Any]:
        """Settings and counts as plain data, with tables as JSON; `analyzer` is omitted."""
        return {name: getattr(self, name) for name in SETTINGS} | {
            name: json.dumps(getattr(self, name)) for name in TABLES
        }

    def to_json(self, **kwargs: Any) -> str:
        """The tokenizer as JSON, for `tokenizer_from_json`.

        Args:
            **kwargs: for `json.dumps`.
        """
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """A tokenizer from the output of `Tokenizer.to_json`, here or in Keras 2.

    Args:
        json_string: the JSON.

    Example:
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["old words"])
        >>> tokenizer_from_json(tokenizer.to_json()).texts_to_sequences(["words"])
        [[2]]
    """
    config = json.loads(json_string)["config"]
    tables = {name: json.loads(config.pop(name)) for name in TABLES}
    tokenizer = Tokenizer(**config)
    for name, table in tables.items():
        key = int if name.startswith("index") else str
        getattr(tokenizer, name).update({key(k): value for k, value in table.items()})
    return tokenizer
