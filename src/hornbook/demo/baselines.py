"""Baselines: cross-entropies of a unigram and a bigram model, in nats per character."""

import numpy as np

STRENGTH = 10.0  # smoothing: pseudocount, in characters, of the unigram model in each bigram row


def unigram(train: np.ndarray, symbols: int) -> np.ndarray:
    """Probabilities of characters, with add-one (Laplace) smoothing.

    Args:
        train: ids `(characters,)`.
        symbols: size of the vocabulary.

    Returns:
        float64 `(symbols,)`.

    Example:
        >>> unigram(np.array([0, 0, 1]), 2).tolist()
        [0.6, 0.4]
    """
    counts = np.bincount(train, minlength=symbols) + 1.0
    return counts / counts.sum()


def bigram(train: np.ndarray, symbols: int) -> np.ndarray:
    """Probabilities of a character given the previous one, smoothed towards the unigram model.

    `p(b | a) = (n(a, b) + k p(b)) / (n(a) + k)`, with k = `STRENGTH`.

    Args:
        train: ids `(characters,)`.
        symbols: size of the vocabulary.

    Returns:
        float64 `(symbols, symbols)`; row a is p(. | a).

    Source: MacKay, Peto (1995), A hierarchical Dirichlet language model.
    """
    pairs = train[:-1].astype(np.int64) * symbols + train[1:]
    counts = np.bincount(pairs, minlength=symbols * symbols).reshape(symbols, symbols)
    smoothed = counts + STRENGTH * unigram(train, symbols)
    return smoothed / smoothed.sum(1, keepdims=True)


def cross_entropies(
    train: np.ndarray, context: np.ndarray, target: np.ndarray, symbols: int
) -> dict[str, float]:
    """Mean of `-log p` over `target`, by model.

    Args:
        train: ids that the models are estimated from.
        context: the character before each of `target`.
        target: held-out ids `(characters,)`.
        symbols: size of the vocabulary.
    """
    return {
        "unigram": float(-np.log(unigram(train, symbols)[target]).mean()),
        "bigram": float(-np.log(bigram(train, symbols)[context, target]).mean()),
    }
