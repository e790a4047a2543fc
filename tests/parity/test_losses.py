"""Losses against Keras: values, gradients, weights, masks and reductions."""

import inspect

import jax.numpy as jnp
import keras
import numpy as np
import pytest

from hornbook import losses
from hornbook.core.mask import set_mask
from tests.parity.helper import agree, floats, ints, same

N, K = 5, 4
NUMBERS = floats(N, K, seed=1)
COUNTS = ints(N, K, seed=1).astype("float32")
BINARY = ints(N, K, seed=2, high=2)
LABELS = ints(N, seed=3, high=K)
STEP_LABELS = ints(N, 3, seed=4, high=K)
ONE_HOT = np.eye(K, dtype="float32")[LABELS]
PROBABILITIES = floats(N, K, seed=5, low=0.05, high=0.95)
LOGITS = floats(N, K, seed=6, low=-4, high=4)
STEP_LOGITS = floats(N, 3, K, seed=7, low=-4, high=4)
STEP_PROBABILITIES = floats(N, 3, K, seed=8, low=0.05, high=0.95)
UNITS = NUMBERS / np.linalg.norm(NUMBERS, axis=-1, keepdims=True)
MASKS = floats(N, 3, K, seed=9, low=0, high=1)
IGNORED = np.where(STEP_LABELS == 0, -1, STEP_LABELS)
SPELLED = np.array([[1, 2, 0], [3, 3, 0], [1, 0, 0], [2, 3, 1], [2, 2, 2]])
LONG_LOGITS = floats(N, 6, K, seed=10)
LAST_BUT_ONE = {"from_logits": True, "axis": 1}

FUNCTIONS = [
    ("mean_squared_error", NUMBERS, LOGITS, {}),
    ("mean_absolute_error", NUMBERS, LOGITS, {}),
    ("mean_absolute_percentage_error", NUMBERS, LOGITS, {}),
    ("mean_squared_logarithmic_error", COUNTS, LOGITS, {}),
    ("cosine_similarity", NUMBERS, LOGITS, {}),
    ("cosine_similarity", NUMBERS, LOGITS, {"axis": 0}),
    ("huber", NUMBERS, LOGITS, {}),
    ("huber", NUMBERS, LOGITS, {"delta": 3.0}),
    ("log_cosh", NUMBERS, LOGITS, {}),
    ("poisson", COUNTS, PROBABILITIES, {}),
    ("kl_divergence", ONE_HOT, PROBABILITIES, {}),
    ("hinge", BINARY, LOGITS, {}),
    ("hinge", 2 * BINARY - 1, LOGITS, {}),
    ("squared_hinge", BINARY, LOGITS, {}),
    ("categorical_hinge", ONE_HOT, LOGITS, {}),
    ("binary_crossentropy", BINARY, PROBABILITIES, {}),
    ("binary_crossentropy", BINARY, LOGITS, {"from_logits": True, "label_smoothing": 0.2}),
    ("binary_crossentropy", BINARY, LOGITS, {"from_logits": True, "axis": 0}),
    ("binary_focal_crossentropy", BINARY, PROBABILITIES, {"label_smoothing": 0.1}),
    (
        "binary_focal_crossentropy",
        BINARY,
        LOGITS,
        {"from_logits": True, "apply_class_balancing": True, "gamma": 3.0, "alpha": 0.4},
    ),
    ("categorical_crossentropy", ONE_HOT, PROBABILITIES, {}),
    ("categorical_crossentropy", ONE_HOT, LOGITS, {"from_logits": True, "label_smoothing": 0.2}),
    ("categorical_crossentropy", STEP_PROBABILITIES, STEP_LOGITS, LAST_BUT_ONE),
    ("categorical_focal_crossentropy", ONE_HOT, PROBABILITIES, {"alpha": 0.5}),
    ("categorical_focal_crossentropy", ONE_HOT, LOGITS, {"from_logits": True, "gamma": 1.5}),
    ("sparse_categorical_crossentropy", LABELS, PROBABILITIES, {}),
    ("sparse_categorical_crossentropy", LABELS[:, None], PROBABILITIES, {}),
    ("sparse_categorical_crossentropy", STEP_LABELS, STEP_LOGITS, {"from_logits": True}),
    (
        "sparse_categorical_crossentropy",
        IGNORED,
        STEP_LOGITS,
        {"from_logits": True, "ignore_class": -1},
    ),
    ("categorical_generalized_cross_entropy", LABELS, PROBABILITIES, {"q": 0.3}),
    ("dice", BINARY, PROBABILITIES, {}),
    ("dice", MASKS, STEP_PROBABILITIES, {"axis": (1, 2)}),
    ("tversky", BINARY, PROBABILITIES, {"alpha": 0.3, "beta": 0.8}),
    ("tversky", MASKS, STEP_PROBABILITIES, {"axis": [1, 2]}),
    ("circle", ints(N, seed=3, high=2), UNITS, {"gamma": 8.0, "margin": 0.3}),
    ("ctc", SPELLED, LONG_LOGITS, {}),
    ("circle", ints(N, seed=3, high=2), UNITS, {"remove_diagonal": False}),
]


@pytest.mark.parametrize(("name", "y_true", "y_pred", "kwargs"), FUNCTIONS)
def test_a_loss_function_agrees_with_keras_in_values_and_gradients(name, y_true, y_pred, kwargs):
    ours, theirs = getattr(losses, name), getattr(keras.losses, name)

    def by_prediction(fn):
        return lambda pred: fn(jnp.asarray(y_true), pred, **kwargs)

    same(by_prediction(ours), by_prediction(theirs), y_pred, rtol=2e-5)


CLASSES = [
    ("MeanSquaredError", NUMBERS, LOGITS, {}),
    ("MeanAbsoluteError", NUMBERS, LOGITS, {}),
    ("MeanAbsolutePercentageError", NUMBERS, LOGITS, {}),
    ("MeanSquaredLogarithmicError", COUNTS, LOGITS, {}),
    ("CosineSimilarity", NUMBERS, LOGITS, {"axis": -1}),
    ("Huber", NUMBERS, LOGITS, {"delta": 2.0}),
    ("LogCosh", NUMBERS, LOGITS, {}),
    ("Poisson", COUNTS, PROBABILITIES, {}),
    ("KLDivergence", ONE_HOT, PROBABILITIES, {}),
    ("Hinge", BINARY, LOGITS, {}),
    ("SquaredHinge", BINARY, LOGITS, {}),
    ("CategoricalHinge", ONE_HOT, LOGITS, {}),
    ("BinaryCrossentropy", BINARY, LOGITS, {"from_logits": True, "label_smoothing": 0.1}),
    ("BinaryFocalCrossentropy", BINARY, PROBABILITIES, {"gamma": 1.0}),
    ("CategoricalCrossentropy", ONE_HOT, LOGITS, {"from_logits": True}),
    ("CategoricalFocalCrossentropy", ONE_HOT, PROBABILITIES, {"alpha": 0.5}),
    ("SparseCategoricalCrossentropy", LABELS, LOGITS, {"from_logits": True}),
    ("SparseCategoricalCrossentropy", IGNORED[:, 0], LOGITS, LAST_BUT_ONE | {"ignore_class": -1}),
    ("CategoricalGeneralizedCrossEntropy", LABELS, PROBABILITIES, {"q": 0.4}),
    ("CTC", SPELLED, LONG_LOGITS, {}),
    ("Dice", BINARY, PROBABILITIES, {"axis": 1}),
    ("Tversky", BINARY, PROBABILITIES, {"beta": 0.7, "axis": 1}),
    ("Circle", ints(N, seed=3, high=2), UNITS, {"gamma": 8.0, "margin": 0.3}),
]


@pytest.mark.parametrize(("name", "y_true", "y_pred", "kwargs"), CLASSES)
def test_a_loss_object_agrees_with_keras_with_and_without_weights(name, y_true, y_pred, kwargs):
    ours = getattr(losses, name)(**kwargs)
    theirs = getattr(keras.losses, name)(**kwargs)
    assert (ours.name, ours.reduction, ours.dtype) == (theirs.name, theirs.reduction, theirs.dtype)
    weights = floats(N, seed=11, low=0, high=2)
    for sample_weight in (None, weights):
        same(
            lambda pred, w=sample_weight: ours(jnp.asarray(y_true), pred, w),
            lambda pred, w=sample_weight: theirs(jnp.asarray(y_true), pred, w),
            y_pred,
            rtol=2e-5,
        )


@pytest.mark.parametrize(("name", "y_true", "y_pred", "kwargs"), CLASSES)
def test_arguments_stand_in_keras_order(name, y_true, y_pred, kwargs):
    ours = inspect.signature(getattr(losses, name)).parameters
    theirs = inspect.signature(getattr(keras.losses, name)).parameters
    assert [(p.name, p.default) for p in ours.values()] == [
        (p.name, p.default) for p in theirs.values()
    ]


REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None]
WEIGHTS = {
    "none": None,
    "scalar": np.float32(2.0),
    "samples": floats(N, 1, seed=12, low=0, high=2),
    "steps": floats(N, 3, seed=13, low=0, high=2),
}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reductions_agree_with_keras(reduction, weights, masked):
    mask = ints(N, 3, seed=14, high=2).astype(bool)
    y_true, weight = floats(N, 3, K, seed=15), WEIGHTS[weights]

    def ours(pred):
        set_mask(pred, jnp.asarray(mask) if masked else None)
        return losses.MeanSquaredError(reduction=reduction)(y_true, pred, weight)

    def theirs(pred):
        if masked:
            pred._keras_mask = jnp.asarray(mask)
        return keras.losses.MeanSquaredError(reduction=reduction)(y_true, pred, weight)

    found, wanted = ours(jnp.asarray(STEP_LOGITS)), theirs(jnp.asarray(STEP_LOGITS))
    agree(found, wanted, "loss")


def test_ignore_class_leaves_out_what_keras_leaves_out():
    args = jnp.asarray(IGNORED), jnp.asarray(STEP_LOGITS)
    kwargs = {"from_logits": True, "ignore_class": -1}
    ours = losses.SparseCategoricalCrossentropy(**kwargs)(*args)
    agree(ours, keras.losses.SparseCategoricalCrossentropy(**kwargs)(*args), "loss")
    plain = losses.sparse_categorical_crossentropy(
        STEP_LABELS[IGNORED >= 0], STEP_LOGITS[IGNORED >= 0], from_logits=True
    )
    np.testing.assert_allclose(ours, plain.mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("true_shape", "pred_shape"), [((N,), (N, 1)), ((N, 1), (N,)), ((N, 3, 1), (N, 3))]
)
@pytest.mark.parametrize("name", ["MeanSquaredError", "BinaryCrossentropy", "Huber"])
def test_a_last_axis_of_size_one_fits_as_in_keras(name, true_shape, pred_shape):
    y_true = floats(*true_shape, seed=16, low=0, high=1)
    y_pred = floats(*pred_shape, seed=17, low=0.1, high=0.9)
    for reduction in ("sum_over_batch_size", None):
        ours = getattr(losses, name)(reduction=reduction)
        theirs = getattr(keras.losses, name)(reduction=reduction)
        agree(ours(y_true, y_pred), theirs(y_true, y_pred), "loss")
