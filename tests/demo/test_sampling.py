"""Writing one character at a time."""

import numpy as np
import pytest

from hornbook.demo.corpus import UNKNOWN
from hornbook.demo.sampling import generate, sharpen

P = np.array([0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_temperature_is_a_power_of_the_probabilities(temperature):
    expected = P[1:] ** (1 / temperature)
    np.testing.assert_allclose(sharpen(P, temperature)[1:], expected / expected.sum())


def test_the_unknown_symbol_is_never_written():
    assert sharpen(np.array([0.99, 0.01, 0.0]), 1.0)[UNKNOWN] == 0


@pytest.mark.parametrize("temperature", [1e-320, 1e-3])
def test_cold_samples_are_the_likeliest(temperature):
    np.testing.assert_allclose(sharpen(P, temperature), [0, 0, 0, 1], atol=1e-9)


def test_hot_samples_are_uniform():
    np.testing.assert_allclose(sharpen(P, 1e9), [0, 1 / 3, 1 / 3, 1 / 3], atol=1e-6)


def test_the_prompt_is_read_and_each_symbol_is_fed_back():
    seen = []

    def predict(symbol):
        seen.append(symbol)
        return np.eye(5)[symbol % 4 + 1]  # 1 2 3 4 1 2 ...

    written = generate(predict, np.array([3, 4, 1]), 6, 1.0, np.random.default_rng(0))
    assert written == [2, 3, 4, 1, 2, 3]
    assert seen == [3, 4, 1, *written]


def test_frequencies_are_the_probabilities():
    written = generate(lambda symbol: P, np.array([1]), 20_000, 1.0, np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(written) / 20_000, [0, 2 / 9, 3 / 9, 4 / 9], atol=0.02)


def test_the_same_seed_writes_the_same():
    once, again = (
        generate(lambda symbol: P, np.array([1]), 50, 1.0, np.random.default_rng(7))
        for _ in range(2)
    )
    assert once == again
