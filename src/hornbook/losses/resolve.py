"""Resolves the name `"crossentropy"` for a model."""

from typing import Any

from hornbook.losses.classification import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)


def resolve_crossentropy(y_true_shape: tuple, y_pred_shape: tuple) -> Any:
    """The loss that the name `"crossentropy"` stands for: binary, sparse or categorical.

    Args:
        y_true_shape: shape of the targets.
        y_pred_shape: shape of the predictions.

    Example:
        >>> resolve_crossentropy((32,), (32, 10)).__name__
        'sparse_categorical_crossentropy'
    """
    if y_pred_shape[-1] == 1:
        return binary_crossentropy
    sparse = len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1
    return sparse_categorical_crossentropy if sparse else categorical_crossentropy
