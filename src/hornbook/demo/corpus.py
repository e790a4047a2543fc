"""From text to ids: reading and validation, vocabulary, parallel streams of windows."""

import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HELD_OUT = 0.05  # fraction at the end of the text that is held out
SMALLEST = 1_000  # characters
LARGEST = 20_000_000
MOST_SYMBOLS = 1_000
RAREST = 2  # rarer characters count as unknown
UNKNOWN = 0  # id of characters outside the vocabulary
UNKNOWN_MARK = "\N{REPLACEMENT CHARACTER}"
CODE_POINTS = 0x110000


class DemoError(Exception):
    """An input error that the user can fix."""


@dataclass(frozen=True)
class Corpus:
    """A text as ids, split into a training and a held-out part.

    Attributes:
        name: name of the text.
        symbols: the character of each id; `symbols[0]` stands for unknown characters.
        train, held_out: ids, int32.
    """

    name: str
    symbols: str
    train: np.ndarray
    held_out: np.ndarray

    @property
    def context(self) -> np.ndarray:
        """The character before each one of `held_out`."""
        return np.concatenate([self.train[-1:], self.held_out[:-1]])

    @property
    def unknown(self) -> int:
        """The number of characters of the text that are not in the vocabulary."""
        return int(np.sum(self.train == UNKNOWN) + np.sum(self.held_out == UNKNOWN))


def load(path: str | None = None) -> Corpus:
    """The corpus of a text file, or of Python's own documentation.

    Raises:
        DemoError: for a file that cannot be read, is not UTF-8 text, or is too small.
    """
    if path is None:
        return encode(python_documentation(), f"Python {platform.python_version()}'s documentation")
    return encode(read_text(path), Path(path).name)


def python_documentation() -> str:
    """The text of `pydoc_data.topics`, in the topics' alphabetical order."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise DemoError(
            "this Python comes without its documentation (pydoc_data.topics); pass your own text "
            "with --text FILE"
        ) from None
    return "\n\n".join(topics[name] for name in sorted(topics))


def read_text(path: str) -> str:
    """The text of a UTF-8 file, at most `LARGEST` characters.

    Raises:
        DemoError: if there is no such text file.
    """
    if Path(path).is_dir():
        raise DemoError(f"{path} is a folder; --text takes one text file")
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(LARGEST)
    except FileNotFoundError:
        raise DemoError(f"there is no file {path}") from None
    except UnicodeDecodeError:
        raise DemoError(
            f"{path} is not UTF-8 text: it is binary, or in another encoding. Text can be "
            f"converted: iconv -f ENCODING -t UTF-8 {path}"
        ) from None
    except (OSError, ValueError) as error:
        raise DemoError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from None
    if "\0" in text:
        raise DemoError(f"{path} is binary, not text: it has NUL bytes")
    if not text.strip():
        raise DemoError(f"{path} is empty")
    if len(text) < SMALLEST:
        raise DemoError(
            f"{path} is too small to learn from: it has {len(text):,} characters, and needs at "
            f"least {SMALLEST:,} (about 100,000 give good results)"
        )
    return text


def encode(text: str, name: str) -> Corpus:
    """Encode a text as ids. The vocabulary is taken from the training part.

    Args:
        text: the text.
        name: its name.

    Example:
        >>> corpus = encode("ab" * 50, "letters")
        >>> corpus.symbols[1:], corpus.train[:4].tolist(), len(corpus.held_out)
        ('ab', [1, 2, 1, 2], 5)
    """
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), "<u4")
    border = len(codes) - max(1, int(len(codes) * HELD_OUT))
    known, counts = np.unique(codes[:border], return_counts=True)
    often = np.argsort(-counts, kind="stable")[:MOST_SYMBOLS]
    symbols = np.sort(known[often[counts[often] >= RAREST]])
    ids = np.full(CODE_POINTS, UNKNOWN, "int32")
    ids[symbols] = np.arange(1, len(symbols) + 1)
    ids = ids[codes]
    return Corpus(name, UNKNOWN_MARK + "".join(map(chr, symbols)), ids[:border], ids[border:])


def windows(ids: np.ndarray, streams: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets for a stateful model: batch i holds window i of every stream.

    The text is cut into `streams` parts that are read in parallel, in windows of `steps`, so that
    the state carries over from batch to batch.

    Args:
        ids: `(characters,)`.
        streams: the batch size.
        steps: the length of a window.

    Returns:
        Ids `(windows * streams, steps)`, and the same shifted by one character.

    Example:
        >>> x, y = windows(np.arange(13), streams=2, steps=3)
        >>> x.tolist()
        [[0, 1, 2], [6, 7, 8], [3, 4, 5], [9, 10, 11]]
        >>> y[0].tolist()
        [1, 2, 3]
    """
    count = (len(ids) - 1) // (streams * steps)
    length = count * steps

    def cut(part):
        rows = part[: streams * length].reshape(streams, count, steps)
        return np.ascontiguousarray(rows.swapaxes(0, 1)).reshape(count * streams, steps)

    return cut(ids[:-1]), cut(ids[1:])
