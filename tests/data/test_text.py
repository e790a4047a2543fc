"""Texts as numbers. The values were computed by keras-preprocessing 1.1.2, which is Keras 2's."""

import json

import numpy as np
import pytest

from hornbook.preprocessing import text
from hornbook.preprocessing.text import Tokenizer

TEXTS = ["The cat sat on the mat.", "A dog; the DOG\tsat!", "", ["The", "List", "of words"]]
ASKED = ["the cat ate the mat on mars, cat", "", "dog"]
KNOWN = ["the", "sat", "dog", "cat", "on", "mat", "a", "list", "of words"]


def fitted(**options):
    tokenizer = Tokenizer(**options)
    tokenizer.fit_on_texts(TEXTS)
    return tokenizer


def test_words_are_counted_and_numbered_by_frequency():
    tokenizer = fitted()
    assert list(tokenizer.word_index.items()) == [(word, i) for i, word in enumerate(KNOWN, 1)]
    assert tokenizer.index_word == dict(enumerate(KNOWN, 1))
    assert list(tokenizer.word_counts.items()) == [
        *(("the", 4), ("cat", 1), ("sat", 2), ("on", 1), ("mat", 1), ("a", 1), ("dog", 2)),
        *(("list", 1), ("of words", 1)),
    ]
    docs = {"the": 3, "sat": 2, **dict.fromkeys("a cat dog list mat on".split(), 1), "of words": 1}
    assert tokenizer.word_docs == docs
    assert tokenizer.index_docs == {1: 3, 2: 2, **dict.fromkeys(range(3, 10), 1)}
    assert tokenizer.word_docs["never seen"] == 0
    assert tokenizer.document_count == 4


@pytest.mark.parametrize(
    ("options", "sequences", "texts"),
    [
        ({}, [[1, 4, 1, 6, 5, 4], [], [3]], ["the cat the mat on cat", "", "dog", "the dog"]),
        ({"num_words": 4}, [[1, 1], [], [3]], ["the the", "", "dog", "the dog"]),
        (
            {"num_words": 4, "oov_token": "?"},
            [[2, 1, 1, 2, 1, 1, 1, 1], [], [1]],
            ["the ? ? the ? ? ? ?", "", "?", "? ? sat"],
        ),
        (
            {"lower": False, "filters": "T"},
            [[1, 3, 1, 5, 3], [], []],
            ["the cat the on cat", "", "", "the cat"],
        ),
        ({"split": ","}, [[], [], []], ["", "", "", "the cat sat on the mat  the dog"]),
    ],
)
def test_texts_and_sequences_and_back(options, sequences, texts):
    tokenizer = fitted(**options)
    assert tokenizer.texts_to_sequences(ASKED) == sequences
    assert list(tokenizer.texts_to_sequences_generator(iter(ASKED))) == sequences
    assert tokenizer.sequences_to_texts([*sequences, [1, 99, 3]]) == texts


def test_characters():
    tokenizer = fitted(char_level=True, num_words=9)
    assert list(tokenizer.word_index)[:17] == [*" taheosdgcnm.;\t!", "the"]
    assert tokenizer.texts_to_sequences(["the bed", ""]) == [[2, 4, 5, 1, 5, 8], []]
    assert tokenizer.sequences_to_texts([[8, 6]]) == ["d o"]


def test_a_string_of_texts_is_a_text_for_each_character():
    tokenizer = Tokenizer(char_level=True)
    tokenizer.fit_on_texts("to be")
    assert tokenizer.document_count == 5
    assert tokenizer.texts_to_sequences(["be"]) == [[4, 5]]


MATRICES = {
    "binary": [[0, 1, 0, 0, 1, 1, 1, 0, 0, 0], [0] * 10, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]],
    "count": [[0, 2, 0, 0, 2, 1, 1, 0, 0, 0], [0] * 10, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]],
    "freq": [
        [0, 1 / 3, 0, 0, 1 / 3, 1 / 6, 1 / 6, 0, 0, 0],
        [0] * 10,
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    ],
    "tfidf": [
        [0, 1.173600194478, 0, 0, 1.860112299087, 1.098612288668, 1.098612288668, 0, 0, 0],
        [0] * 10,
        [0, 0, 0, 1.098612288668, 0, 0, 0, 0, 0, 0],
    ],
}


@pytest.mark.parametrize("mode", MATRICES)
def test_matrices(mode):
    matrix = fitted().texts_to_matrix(ASKED, mode)
    np.testing.assert_allclose(matrix, MATRICES[mode], rtol=1e-11)
    assert matrix.dtype == np.float64


def test_a_matrix_has_columns_for_the_words_that_are_kept():
    wanted = [[0, 4.493163532173, 1.173600194478, 0], [0] * 4, [0, 1.609437912434, 0, 0]]
    tokenizer = fitted(num_words=4, oov_token="?")
    np.testing.assert_allclose(tokenizer.texts_to_matrix(ASKED, "tfidf"), wanted, rtol=1e-11)


def test_sequences_without_texts():
    tokenizer = Tokenizer(num_words=5)
    tokenizer.fit_on_sequences([[1, 2, 2], [2, 3]])
    wanted = [[0, 0.693147180560, 0.864902964637, 0, 1.098612288668], [0, 0, 0, 0.693147180560, 0]]
    found = tokenizer.sequences_to_matrix([[2, 2, 4, 1], [3, 7]], "tfidf")
    np.testing.assert_allclose(found, wanted, rtol=1e-11)
    share = tokenizer.sequences_to_matrix([np.array([3, 7, 7, 7])], "freq")
    np.testing.assert_array_equal(share, [[0, 0, 0, 0.25, 0]])


@pytest.mark.parametrize(
    ("tokenizer", "sequences", "mode", "said"),
    [
        (Tokenizer(num_words=3), [[1]], "hot", "binary, count, freq, tfidf"),
        (Tokenizer(), [[1]], "count", "num_words"),
        (Tokenizer(num_words=3), [[1]], "tfidf", "fit_on_texts"),
        (Tokenizer(num_words=3), [[1], [-1]], "count", "-1"),
    ],
)
def test_what_has_no_matrix_is_told(tokenizer, sequences, mode, said):
    with pytest.raises(ValueError, match=said):
        tokenizer.sequences_to_matrix(sequences, mode)


def test_an_analyzer_splits_in_place_of_the_filters():
    tokenizer = Tokenizer(analyzer=lambda text: text.split("-"))
    tokenizer.fit_on_texts(["A-b-A"])
    assert tokenizer.texts_to_sequences(["b-A-c"]) == [[2, 1]]


KERAS_2 = (
    r'{"class_name": "Tokenizer", "config": {"num_words": 3, "filters": "!", "lower": true, '
    r'"split": " ", "char_level": false, "oov_token": "x", "document_count": 1, '
    r'"word_counts": "{\"b\": 2, \"a\": 1}", "word_docs": "{\"a\": 1, \"b\": 1}", '
    r'"index_docs": "{\"3\": 1, \"2\": 1}", "index_word": "{\"1\": \"x\", \"2\": \"b\", '
    r'\"3\": \"a\"}", "word_index": "{\"x\": 1, \"b\": 2, \"a\": 3}"}}'
)


def test_json_is_that_of_keras_2():
    tokenizer = text.tokenizer_from_json(KERAS_2)
    assert tokenizer.texts_to_sequences(["b! a c"]) == [[2, 1, 1]]
    assert tokenizer.index_docs == {3: 1, 2: 1}
    assert json.loads(tokenizer.to_json(indent=1)) == json.loads(KERAS_2)
    tokenizer.fit_on_texts(["a a"])  # goes on counting
    assert tokenizer.word_counts == {"b": 2, "a": 3}
    assert tokenizer.document_count == 2


def test_hashed_words():
    numbers = [43, 32, 29, 3, 43, 29]
    assert text.hashing_trick("The cat sat on the mat.", 50, "md5") == numbers
    assert text.hashing_trick("ab c", 10, len) == [3, 2]
    assert text.one_hot("The mat", 50) == [hash("the") % 49 + 1, hash("mat") % 49 + 1]
    assert text.hashing_trick("mat", 50) == text.one_hot("mat", 50)
    assert text.hashing_trick("ab-c", 10, len, analyzer=lambda t: t.split("-")) == [3, 2]
    assert text.one_hot("ab-c", 9, analyzer=list) == text.one_hot("a b - c", 9, filters="")
    with pytest.raises(ValueError, match="sha"):
        text.hashing_trick("a", 5, "sha")
