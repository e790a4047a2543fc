"""Texts to words: the same as a plain formula of strings, whatever the script."""

import itertools

import pytest

from hornbook.core.words import Counts, Splitter, at, characters, whitespace
from hornbook.data.text import PUNCTUATION

TEXTS = [
    "The cat, the CAT -- sat!\tOn\r\n the\x0bmat",
    "\u00c9clair\u00a0\u0130stanbul \u2028 na\u00efve\x1c caf\u00e9,\u4e2d\u6587\uff0c\u4e2d",
    "lone \ud83d surrogate \udcff\x00, \U0010ffff",
    "a::b:::c :: ",
    "",
]
FILTERS = ["", PUNCTUATION, ",:", "\u00e9, ", "T\u4e2d"]


@pytest.mark.parametrize("separator", [" ", "::", ",", "\u00a0", "t", "\x00"])
def test_strings_are_split_as_by_the_formula_of_keras(separator):
    for text, filters, lower in itertools.product(TEXTS, FILTERS, [str.lower, None]):
        plain = text.lower() if lower else text
        plain = plain.translate(str.maketrans(dict.fromkeys(filters, separator)))
        wanted = [word for word in plain.split(separator) if word]
        assert Splitter(at(separator), filters, separator, lower)(text) == wanted


def test_bytes_are_split_at_the_rules_of_ascii():
    split = Splitter(whitespace, "!,'", lower=bytes.lower)
    assert split("Isn't\u00a0\u00c9 it,\x0b!,\x1c B".encode()) == [
        "isnt\u00a0\u00c9".encode(),
        b"it",
        b"\x1c",
        b"b",
    ]
    assert Splitter(characters, "!", lower=str.lower)("A\u00c9!\ud83d") == ["a", "\u00e9", "\ud83d"]


def test_words_and_their_documents_are_counted():
    counts = Counts()
    counts.add([["a", "b", "a"], []])
    counts.add([["a"]], in_documents=False)
    assert (counts.tokens, counts.documents, counts.number) == (
        {"a": 3, "b": 1},
        {"a": 1, "b": 1},
        3,
    )
