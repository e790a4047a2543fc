"""Reading a text, its vocabulary, and streams of windows."""

from collections import Counter

import numpy as np
import pytest

from hornbook.demo import DemoError
from hornbook.demo.corpus import (
    LARGEST,
    MOST_SYMBOLS,
    SMALLEST,
    UNKNOWN,
    encode,
    load,
    python_documentation,
    read_text,
    windows,
)

TEXT = "the cat sat on the mat. " * 100


def test_python_documentation_is_in_alphabetical_order():
    topics = pytest.importorskip("pydoc_data.topics").topics
    text = python_documentation()
    assert text.startswith(topics[min(topics)])
    assert text.endswith(topics[max(topics)])
    assert len(text) == sum(map(len, topics.values())) + 2 * (len(topics) - 1)


def test_the_last_twentieth_is_held_out():
    corpus = encode(TEXT, "cats")
    assert len(corpus.held_out) == len(TEXT) // 20
    ids = np.concatenate([corpus.train, corpus.held_out])
    assert "".join(corpus.symbols[i] for i in ids) == TEXT


def test_context_is_the_character_before():
    corpus = encode(TEXT, "cats")
    whole = np.concatenate([corpus.train, corpus.held_out])
    np.testing.assert_array_equal(corpus.context, whole[len(corpus.train) - 1 : -1])


def test_rare_and_unseen_characters_are_unknown():
    text = "ab" * 500 + "X" + "ab" * 500 + "ZZZ" + "ab" * 20  # Z is in the part held out
    corpus = encode(text, "letters")
    assert corpus.symbols[1:] == "ab"
    assert corpus.unknown == 4
    assert np.sum(corpus.train == UNKNOWN) == 1
    assert np.sum(corpus.held_out == UNKNOWN) == 3


def test_the_vocabulary_is_capped_at_the_commonest():
    common = "".join(chr(0x4E00 + i) * 3 for i in range(MOST_SYMBOLS))
    rare = "".join(chr(0x9000 + i) * 2 for i in range(50))
    corpus = encode(rare + common + "a" * 1000, "many")
    assert len(corpus.symbols) == MOST_SYMBOLS + 1
    assert not set(rare) & set(corpus.symbols)


@pytest.mark.parametrize(("streams", "steps"), [(1, 5), (3, 4), (4, 7)])
def test_each_row_goes_on_where_the_row_of_the_batch_before_ended(streams, steps):
    ids = np.arange(100)
    x, y = windows(ids, streams, steps)
    assert len(x) % streams == 0
    np.testing.assert_array_equal(x + 1, y)
    batches = x.reshape(-1, streams, steps)
    np.testing.assert_array_equal(batches[1:, :, 0], batches[:-1, :, -1] + 1)


def test_windows_leave_out_less_than_one_batch_of_them():
    x, _ = windows(np.arange(1000), 4, 8)
    assert x.size > 999 - 4 * 8


# ---- files


@pytest.fixture
def write(tmp_path):
    def write(content: bytes) -> str:
        path = tmp_path / "text.txt"
        path.write_bytes(content)
        return str(path)

    return write


def test_a_file_is_read_as_utf_8_without_byte_order_mark_and_with_plain_line_ends(write):
    text = "Grüße, 世界\n" * 100
    path = write(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_text(path) == text


def test_a_corpus_is_named_after_its_file(write):
    assert load(write(TEXT.encode())).name == "text.txt"


def test_a_file_just_large_enough_is_accepted(write):
    assert len(read_text(write(b"a" * SMALLEST))) == SMALLEST


def test_a_huge_file_is_cut(write, monkeypatch):
    monkeypatch.setattr("hornbook.demo.corpus.LARGEST", 1500)
    assert LARGEST > 1500
    assert len(read_text(write(b"a" * 2000))) == 1500


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n" * 1000, "is empty"),
        (b"short", "too small to learn from: it has 5 characters, and needs at least 1,000"),
        (b"a" * (SMALLEST - 1), "too small"),
        (b"text\0" * 1000, "is binary, not text"),
        (b"caf\xe9 " * 1000, "is not UTF-8 text: it is binary, or in another encoding"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), "iconv -f ENCODING -t UTF-8"),
        (bytes(range(256)) * 10, "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_text_to_learn_from_is_refused(write, content, message):
    path = write(content)
    with pytest.raises(DemoError, match=message) as error:
        read_text(path)
    assert path in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DemoError, match="there is no file .*nowhere.txt"):
        read_text(str(tmp_path / "nowhere.txt"))


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DemoError, match="is a folder"):
        read_text(str(tmp_path))


def test_a_python_without_documentation_asks_for_a_text(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pydoc_data.topics", None)
    with pytest.raises(DemoError, match="--text FILE"):
        load()


def test_the_commonest_characters_keep_their_counts():
    corpus = encode(TEXT, "cats")
    counts = Counter(TEXT[: len(corpus.train)])
    for symbol, count in enumerate(np.bincount(corpus.train)):
        if symbol != UNKNOWN:
            assert counts[corpus.symbols[symbol]] == count
