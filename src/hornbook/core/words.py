"""Texts to words, and counts of words: what `Tokenizer` and `TextVectorization` share."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any

BYTES = bytes(range(256))
# Ways to cut a cleaned text: at whitespace of ASCII, into words in UTF-8 (TensorFlow's rule) ...
whitespace: Callable[[bytes], list[bytes]] = bytes.split


def characters(text: bytes) -> list[str]:
    """... into characters ..."""
    return list(_decoded(text))


def at(separator: str) -> Callable[[bytes], list[str]]:
    """... or at a separator; words between two of them that are empty are left out.

    Example:
        >>> at(", ")(b"one, two, , three")
        ['one', 'two', 'three']
    """
    return lambda text: [*filter(None, _decoded(text).split(separator))]


class Splitter:
    """Splits texts into words: lower-cases, replaces or deletes characters, and cuts.

    Bytes are translated by a table of 256 entries, whatever the script: for texts that are not
    ASCII, this takes a third of the time of `str.translate`.

    Args:
        cut: `whitespace`, `characters` or `at(separator)`.
        filters: characters to replace or delete.
        by: text that replaces each of them; `""` deletes them.
        lower: `str.lower` for all letters, `bytes.lower` for those of ASCII, or `None`.

    Example:
        >>> Splitter(at(" "), "!,", " ", str.lower)("Plain, old words!")
        ['plain', 'old', 'words']
        >>> Splitter(whitespace, "!,", lower=bytes.lower)(b"Plain, old\\twords!")
        [b'plain', b'old', b'words']
    """

    def __init__(
        self,
        cut: Callable[[bytes], list] = whitespace,
        filters: str = "",
        by: str = "",
        lower: Callable | None = None,
    ):
        self.cut = cut
        self._lower = lower is str.lower
        self._replaced: Any = None
        self._table, self._deleted = BYTES.lower() if lower is bytes.lower else BYTES, b""
        if not (filters + by).isascii() or len(by) > 1:
            self._replaced = str.maketrans(dict.fromkeys(filters, by))
        elif by:
            replaced = bytes.maketrans(filters.encode(), by.encode() * len(filters))
            self._table = self._table.translate(replaced)
        else:
            self._deleted = filters.encode()

    def clean(self, text: str | bytes) -> bytes:
        """A text in UTF-8, ready to be cut."""
        if isinstance(text, str):
            text = text.lower() if self._lower else text
            text = text.translate(self._replaced) if self._replaced else text
            text = text.encode("utf-8", "surrogatepass")
        return text.translate(self._table, self._deleted)

    def __call__(self, text: str | bytes) -> list:
        """The words of a text."""
        return self.cut(self.clean(text))


_decoded = partial(str, encoding="utf-8", errors="surrogatepass")


class Counts:
    """Counts of words, of the documents that contain each word, and of documents."""

    def __init__(self) -> None:
        self.tokens: Counter = Counter()
        self.documents: Counter = Counter()
        self.number = 0

    def add(self, documents: Sequence[Iterable], in_documents: bool = True) -> None:
        """Count the words of documents.

        Args:
            documents: lists of words.
            in_documents: whether to count the documents that contain a word too.

        Example:
            >>> counts = Counts()
            >>> counts.add([["a", "b", "a"], ["a"]])
            >>> counts.tokens["a"], counts.documents["a"], counts.number
            (3, 2, 2)
        """
        self.tokens.update(chain.from_iterable(documents))
        if in_documents:
            self.documents.update(chain.from_iterable(map(set, documents)))
        self.number += len(documents)
