"""Files of word vectors: word2vec's text and binary formats, and GloVe's.

Files are untrusted: memory is allocated for actual content, never for what the header claims, and
compression ratios are bounded.
"""

import gzip
import os
import warnings
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from hornbook.data.vectors import WordVectors
from hornbook.saving.files import replacing
from hornbook.saving.policy import LARGEST_RATIO, SMALL, FileError

FORMATS = ("word2vec", "binary", "glove")
GZIP = b"\x1f\x8b"
LONGEST_LINE = 1 << 24  # bytes
LONGEST_WORD = 1 << 12
LARGEST_SIZE = 1 << 20  # dimensions of a vector


class Source(NamedTuple):
    """A file being read, and its limits."""

    file: Any
    shown: str
    length: int  # bytes on disk
    compressed: bool


def read_vectors(
    path: Any, format: str = "auto", limit: int | None = None, errors: str = "strict"
) -> WordVectors:
    """Word vectors from a file of word2vec or GloVe, possibly gzip-compressed.

    Args:
        path: path of the file.
        format: `"word2vec"`: text, a header line with the number of words and of dimensions, then a
            line for each word; `"binary"`: the same header, then each word, a space and its values
            in float32; `"glove"`: text, where the header may be missing; `"auto"`: detected from
            the file.
        limit: read only the first words, which are the most frequent.
        errors: how to handle words that are not UTF-8, as in `bytes.decode`: `"strict"`,
            `"replace"` or `"ignore"`.

    Returns:
        The words and a float32 matrix. For a duplicate word, the first vector is used, with a
        warning.

    Raises:
        ValueError: for a file that is damaged, truncated, or does not match its header.

    Example:
        >>> with open("small.txt", "w") as file:
        ...     _ = file.write("2 3\\ncat 1 2 3\\nmat 4 5 6\\n")
        >>> vectors = read_vectors("small.txt")
        >>> vectors.words, vectors.matrix
        (['cat', 'mat'], array([[1., 2., 3.],
               [4., 5., 6.]], dtype=float32))
    """
    if format not in (*FORMATS, "auto"):
        raise ValueError(f"read_vectors: format is 'auto' or one of {FORMATS}, not {format!r}")
    with _open(path) as source:
        format, count, size = _layout(source, format)
        if format == "binary":
            rows = _binary_rows(source, count, size)
        else:
            rows = _text_rows(source, count, size)
        words: dict[str, None] = {}
        values = array("f")
        again = []
        for number, (raw, numbers) in enumerate(rows, 1):
            if limit is not None and number > limit:
                break
            word = _decoded(raw, errors, number, source)
            if word in words:
                again.append(word)
                continue
            words[word] = None
            values.frombytes(numbers.tobytes())
    if again:
        warnings.warn(
            f"{source.shown} has {len(again)} words more than once, such as {again[0]!r}: the "
            "first vector of each is used",
            stacklevel=2,
        )
    matrix = np.frombuffer(values, "float32") if words else np.zeros(0, "float32")
    return WordVectors(list(words), matrix.reshape(len(words), size))


def write_vectors(
    path: Any, vectors: WordVectors, format: str = "word2vec", overwrite: bool = True
) -> None:
    """Write word vectors to a file that word2vec, gensim and GloVe can read.

    Args:
        path: path of the file; `.gz` files are compressed. The write is atomic.
        vectors: the words and their matrix; values are written in float32.
        format: as in `read_vectors`.
        overwrite: whether to replace an existing file.

    Raises:
        ValueError: for a word that is empty or contains a space or newline, which the format cannot
            represent.
        FileExistsError: if the file exists and `overwrite` is false.

    Example:
        >>> write_vectors("cats.bin", WordVectors(["cat", "mat"], np.eye(2)), "binary")
        >>> read_vectors("cats.bin").most_similar("cat")
        [('mat', 0.0)]
    """
    if format not in FORMATS:
        raise ValueError(f"write_vectors: format is one of {FORMATS}, not {format!r}")
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{str(path)!r} exists; pass overwrite=True to replace it")
    for word in vectors.words:
        if not word or set(word) & set(" \n\r"):
            raise ValueError(
                f"write_vectors: the word {word!r} is empty or contains a space or newline; "
                "write 'New_York' for 'New York'"
            )
    matrix = np.ascontiguousarray(vectors.matrix, "<f4")
    opened = gzip.open if str(path).endswith(".gz") else open
    with replacing(path) as temporary, opened(temporary, "wb") as file:
        if format != "glove":
            file.write(b"%d %d\n" % matrix.shape)
        for word, row in zip(vectors.words, matrix):
            numbers = row.tobytes() if format == "binary" else " ".join(map(str, row)).encode()
            file.write(b"%s %s\n" % (word.encode(), numbers))


@contextmanager
def _open(path: Any) -> Iterator[Source]:
    with open(path, "rb") as file:
        length = os.fstat(file.fileno()).st_size
        compressed = file.peek(2)[:2] == GZIP
        opened = gzip.GzipFile(fileobj=file) if compressed else file
        shown = repr(str(path))
        try:
            yield Source(opened, shown, length, compressed)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FileError(f"{shown} is damaged or truncated: {error}") from error


def _layout(source: Source, format: str) -> tuple[str, int | None, int]:
    """The format of a file, the number of words it claims, and the dimension of its vectors."""
    first = _line(source) or b""
    header = _whole_numbers(first)
    start = source.file.tell()
    if header is None:
        if format in ("word2vec", "binary"):
            raise FileError(
                f"{source.shown} begins with {first[:60]!r}, not with two integers, the number of "
                "words and of dimensions; files without a header are read with format='glove'"
            )
        size = len(first.split(b" ")) - 1
        source.file.seek(0)
        if size < 1:
            raise FileError(f"{source.shown} begins with {first[:60]!r}, not a word and its vector")
        return "glove", None, size
    count, size = header
    if format in ("auto", "glove"):
        looks = _looks(source, size)
        source.file.seek(start)
        if format == "glove" and not looks:  # two numbers: a word with a 1-D vector
            source.file.seek(0)
            return "glove", None, 1
        format = "word2vec" if looks else "binary"
    least = count * (1 + 4 * size if format == "binary" else 1 + 2 * size)
    if not 0 < size <= LARGEST_SIZE or (not source.compressed and least > source.length):
        raise FileError(
            f"{source.shown} claims {count} words with {size} dimensions each, at least "
            f"{least} bytes; the file has {source.length}"
        )
    return format, count, size


def _looks(source: Source, size: int) -> bool:
    """Whether the line after the header is text: a word and its numbers."""
    fields = source.file.readline(LONGEST_LINE).split()
    try:
        return len(fields) > size and all(map(_is_number, fields[-size:]))
    except ValueError:
        return False


def _is_number(field: bytes) -> bool:
    float(field)
    return True


def _whole_numbers(line: bytes) -> tuple[int, int] | None:
    fields = line.split()
    if len(fields) != 2 or not all(field.isdigit() and len(field) < 12 for field in fields):
        return None
    return int(fields[0]), int(fields[1])


def _line(source: Source) -> bytes | None:
    """The next line without its newline; `None` at the end."""
    line = source.file.readline(LONGEST_LINE)
    if not line:
        return None
    if len(line) == LONGEST_LINE:
        raise FileError(f"refused: {source.shown} has a line of more than {LONGEST_LINE} bytes")
    _grows_in_proportion(source)
    return line.rstrip(b" \r\n")


def _grows_in_proportion(source: Source) -> None:
    size = source.file.tell() if source.compressed else 0
    if size > SMALL and size > LARGEST_RATIO * source.length:
        raise FileError(f"refused: {source.shown} would grow from {source.length} to {size} bytes")


def _text_rows(source: Source, count: int | None, size: int) -> Iterator[tuple[bytes, np.ndarray]]:
    number = 0
    while (line := _line(source)) is not None:
        if not line:
            continue
        number += 1
        word, *fields = line.rsplit(b" ", size)
        try:
            numbers = np.array(list(map(float, fields)), "float32")
        except ValueError as error:
            raise FileError(f"{source.shown}, word {number}: {error}") from None
        if len(numbers) != size:
            raise FileError(
                f"{source.shown}, word {number}: {word[:60]!r} has {len(numbers)} numbers; the "
                f"file's vectors have {size}"
            )
        if count is not None and number > count:
            raise FileError(f"{source.shown} has more than the {count} words in its header")
        yield word, numbers
    if count is not None and number < count:
        raise FileError(f"{source.shown} ends after {number} of the {count} words in its header")


def _binary_rows(source: Source, count: Any, size: int) -> Iterator[tuple[bytes, np.ndarray]]:
    file = source.file
    for number in range(count):
        word = b""
        while b" " not in (ahead := file.peek(1)):
            word += file.read(len(ahead))
            if not ahead or len(word) > LONGEST_WORD:
                what = "ends" if not ahead else "has a word without an end"
                raise FileError(f"{source.shown} {what} after {number} of {count} words")
        word += file.read(ahead.index(b" ") + 1)
        numbers = file.read(4 * size)
        if len(numbers) < 4 * size:
            raise FileError(f"{source.shown} ends within word {number + 1} of {count}")
        _grows_in_proportion(source)
        yield word[:-1].lstrip(b"\n"), np.frombuffer(numbers, "<f4")  # the newline is optional
    if file.read(2).strip(b"\n"):
        raise FileError(f"{source.shown} has more than the {count} words in its header")


def _decoded(word: bytes, errors: str, number: int, source: Source) -> str:
    try:
        return word.decode("utf-8", errors)
    except UnicodeDecodeError:
        raise FileError(
            f"{source.shown}, word {number}: {word[:60]!r} is not UTF-8; pass errors='replace' or "
            "'ignore' to read it anyway"
        ) from None
