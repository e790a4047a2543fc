"""The baselines against direct counts."""

import math
from collections import Counter

import numpy as np
import pytest

from hornbook.demo.baselines import STRENGTH, bigram, cross_entropies, unigram
from hornbook.demo.corpus import load


@pytest.fixture
def ids():
    return np.random.default_rng(0).zipf(1.6, 2000).clip(max=7).astype("int32") - 1


def test_unigram_is_counts_plus_one(ids):
    counts = Counter(ids.tolist())
    expected = [(counts[s] + 1) / (len(ids) + 9) for s in range(9)]
    np.testing.assert_allclose(unigram(ids, 9), expected)


def test_bigram_is_pairs_drawn_towards_the_unigram_model(ids):
    pairs = Counter(zip(ids.tolist(), ids[1:].tolist()))
    before = Counter(ids[:-1].tolist())
    single = unigram(ids, 9)
    table = bigram(ids, 9)
    for a in range(9):
        for b in range(9):
            expected = (pairs[a, b] + STRENGTH * single[b]) / (before[a] + STRENGTH)
            assert table[a, b] == pytest.approx(expected)


def test_probabilities_sum_to_one(ids):
    np.testing.assert_allclose(bigram(ids, 9).sum(1), 1)
    assert unigram(ids, 9).sum() == pytest.approx(1)


def test_a_context_never_seen_falls_back_to_the_unigram_model(ids):
    np.testing.assert_allclose(bigram(ids, 9)[8], unigram(ids, 9))


def test_cross_entropies_are_means_over_the_text_held_out(ids):
    train, target = ids[:1900], ids[1900:]
    losses = cross_entropies(train, ids[1899:-1], target, 9)
    single, double = unigram(train, 9), bigram(train, 9)
    one = -sum(math.log(single[b]) for b in target) / 100
    two = -sum(math.log(double[a, b]) for a, b in zip(ids[1899:-1], target)) / 100
    assert losses == pytest.approx({"unigram": one, "bigram": two})


def test_a_text_of_known_pairs_costs_almost_nothing_by_pairs():
    ids = np.tile([0, 1, 2, 3], 1000)
    losses = cross_entropies(ids[:-100], ids[-101:-1], ids[-100:], 4)
    assert losses["unigram"] == pytest.approx(math.log(4), abs=1e-3)
    assert losses["bigram"] < 0.01


@pytest.mark.skipif("sys.version_info[:2] != (3, 11)", reason="the text is that of Python 3.11")
def test_baselines_on_python_documentation():
    corpus = load()
    losses = cross_entropies(corpus.train, corpus.context, corpus.held_out, len(corpus.symbols))
    assert losses == pytest.approx({"unigram": 3.175, "bigram": 2.24}, abs=0.01)
