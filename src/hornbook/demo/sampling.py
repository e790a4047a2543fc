"""Text generation with a character model: one character at a time, each fed back in."""

from collections.abc import Callable

import numpy as np

from hornbook.demo.corpus import UNKNOWN

COLDEST = 1e-6  # lowest temperature: effectively argmax


def generate(
    predict: Callable[[int], np.ndarray],
    prompt: np.ndarray,
    length: int,
    temperature: float,
    random: np.random.Generator,
) -> list[int]:
    """Generate ids after a prompt.

    Args:
        predict: stateful function from an id to the probabilities of the next, `(symbols,)`.
        prompt: ids to read first, at least one.
        length: number of ids to generate.
        temperature: see `sharpen`.
        random: random generator.
    """
    for symbol in prompt:
        probabilities = predict(int(symbol))
    written: list[int] = []
    for _ in range(length):
        chances = sharpen(probabilities, temperature).cumsum()
        written.append(min(int(chances.searchsorted(random.random())), len(chances) - 1))
        probabilities = predict(written[-1])
    return written


def sharpen(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities `p^(1/temperature)`, normalized; the unknown symbol gets probability 0.

    Args:
        probabilities: `(symbols,)`.
        temperature: below 1 sharpens the distribution, above 1 flattens it.

    Example:
        >>> sharpen(np.array([0.5, 0.3, 0.2]), 0.5).round(3).tolist()
        [0.0, 0.692, 0.308]
    """
    logits = np.log(np.maximum(probabilities.astype("float64"), 1e-30))
    logits[UNKNOWN] = -np.inf
    chances = np.exp((logits - logits.max()) / max(temperature, COLDEST))
    return chances / chances.sum()
