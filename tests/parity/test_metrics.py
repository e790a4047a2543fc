"""Metrics against Keras after several weighted updates, and against scikit-learn."""

import inspect

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import sklearn.metrics

from hornbook import metrics
from hornbook.core.mask import set_mask
from hornbook.core.variable import bind
from hornbook.metrics.base import make_variables
from tests.parity.helper import agree, floats, ints, same

N, K = 6, 4
SIZES = (N, 3)  # the last batch is smaller


def batches(true, pred):
    """Batches of (y_true, y_pred) from functions of size and seed."""
    return [(true(n, 2 * i), pred(n, 2 * i + 1)) for i, n in enumerate(SIZES)]


def numbers(n, seed):
    return floats(n, K, seed=seed)


def probabilities(n, seed):
    return floats(n, K, seed=seed, low=0.01, high=0.99)


def counts(n, seed):
    return ints(n, K, seed=seed).astype("float32")


def binary(n, seed):
    return ints(n, K, seed=seed, high=2)


def labels(n, seed):
    return ints(n, seed=seed, high=K)


def one_hot(n, seed):
    return np.eye(K, dtype="float32")[labels(n, seed)]


def flat(fn):
    return lambda n, seed: fn(n, seed)[:, 0]


def signs(n, seed):
    return 2 * binary(n, seed) - 1


CASES = [
    ("MeanSquaredError", {}, numbers, numbers),
    ("RootMeanSquaredError", {}, numbers, numbers),
    ("MeanAbsoluteError", {}, numbers, numbers),
    ("MeanAbsolutePercentageError", {}, numbers, numbers),
    ("MeanSquaredLogarithmicError", {}, counts, counts),
    ("CosineSimilarity", {}, numbers, numbers),
    ("CosineSimilarity", {"axis": 1}, numbers, numbers),
    ("LogCoshError", {}, numbers, numbers),
    ("PearsonCorrelation", {}, numbers, numbers),
    ("ConcordanceCorrelation", {}, numbers, numbers),
    ("Poisson", {}, counts, probabilities),
    ("KLDivergence", {}, probabilities, probabilities),
    ("Hinge", {}, signs, numbers),
    ("SquaredHinge", {}, binary, numbers),
    ("CategoricalHinge", {}, one_hot, numbers),
    ("BinaryCrossentropy", {}, binary, probabilities),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, binary, numbers),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, one_hot, probabilities),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, labels, numbers),
    ("Accuracy", {}, binary, binary),
    ("BinaryAccuracy", {}, binary, probabilities),
    ("BinaryAccuracy", {"threshold": 0.0}, binary, numbers),
    ("CategoricalAccuracy", {}, one_hot, probabilities),
    ("SparseCategoricalAccuracy", {}, labels, probabilities),
    ("TopKCategoricalAccuracy", {"k": 2}, one_hot, probabilities),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, labels, probabilities),
    ("R2Score", {}, numbers, numbers),
    ("R2Score", {"class_aggregation": None}, numbers, numbers),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, numbers, numbers),
    ("TruePositives", {}, binary, probabilities),
    ("FalsePositives", {"thresholds": [0.7, 0.2]}, binary, probabilities),
    ("TrueNegatives", {"thresholds": 0.3}, binary, probabilities),
    ("FalseNegatives", {"thresholds": [0.0, 0.5, 1.0]}, binary, probabilities),
    ("Precision", {}, binary, probabilities),
    ("Precision", {"thresholds": [0.8, 0.2, 0.4]}, binary, probabilities),
    ("Precision", {"top_k": 2}, binary, probabilities),
    ("Precision", {"top_k": 2, "class_id": 1}, binary, probabilities),
    ("Recall", {}, binary, probabilities),
    ("Recall", {"top_k": 3, "thresholds": 0.4}, binary, probabilities),
    ("Recall", {"class_id": 2}, binary, probabilities),
    ("SensitivityAtSpecificity", {"specificity": 0.4}, binary, probabilities),
    ("SpecificityAtSensitivity", {"sensitivity": 0.4, "class_id": 1}, binary, probabilities),
    ("PrecisionAtRecall", {"recall": 0.6}, binary, probabilities),
    ("RecallAtPrecision", {"precision": 0.5, "num_thresholds": 51}, binary, probabilities),
    ("SensitivityAtSpecificity", {"specificity": 0.4, "num_thresholds": 1}, binary, probabilities),
    ("AUC", {}, binary, probabilities),
    ("AUC", {"curve": "PR"}, binary, probabilities),
    ("AUC", {"curve": "PR", "summation_method": "majoring"}, binary, probabilities),
    ("AUC", {"curve": "PRGAIN"}, binary, probabilities),
    ("AUC", {"summation_method": "minoring", "num_thresholds": 7}, binary, probabilities),
    ("AUC", {"thresholds": [0.3, 0.35, 0.8]}, binary, probabilities),
    ("AUC", {"from_logits": True}, binary, numbers),
    ("AUC", {"multi_label": True}, binary, probabilities),
    ("AUC", {"multi_label": True, "num_labels": K, "curve": "PR"}, binary, probabilities),
    ("AUC", {"multi_label": True, "label_weights": [1.0, 2.0, 0.0, 1.0]}, binary, probabilities),
    ("AUC", {"label_weights": [1.0, 2.0, 0.0, 1.0]}, binary, probabilities),
    ("F1Score", {}, one_hot, probabilities),
    ("F1Score", {"average": "macro", "threshold": 0.4}, binary, probabilities),
    ("FBetaScore", {"average": "micro", "beta": 2.0}, one_hot, probabilities),
    ("FBetaScore", {"average": "weighted", "beta": 0.5, "threshold": 0.5}, binary, probabilities),
    ("IoU", {"num_classes": K, "target_class_ids": [0, 2]}, labels, labels),
    ("MeanIoU", {"num_classes": K, "ignore_class": 1}, labels, labels),
    ("MeanIoU", {"num_classes": K, "sparse_y_pred": False}, labels, probabilities),
    ("BinaryIoU", {"threshold": 0.3}, flat(binary), flat(probabilities)),
    ("OneHotIoU", {"num_classes": K, "target_class_ids": [1]}, one_hot, probabilities),
    ("OneHotMeanIoU", {"num_classes": K}, one_hot, probabilities),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(CASES)]


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning")  # Keras's IoU
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "kwargs", "true", "pred"), CASES, ids=IDS)
def test_a_metric_agrees_with_keras_after_several_batches(name, kwargs, true, pred, weighted, long):
    if kwargs and not weighted and not long and (name, {}) in [case[:2] for case in CASES]:
        pytest.skip("without weights once for each metric: --long")
    extra = {"dtype": "float32"} if "IoU" in name and weighted else {}
    ours = getattr(metrics, name)(**kwargs, **extra)
    theirs = getattr(keras.metrics, name)(**kwargs, **extra)
    if kwargs == {}:
        assert ours.name.startswith(theirs.name.rstrip("_0123456789"))
    given = batches(true, pred)
    if weighted:
        weights = [floats(n, seed=50 + i, low=0, high=2) for i, n in enumerate(SIZES)]
        given = [(*batch, weight) for batch, weight in zip(given, weights)]
    make_variables(ours, *given[0])
    if not theirs.variables:  # Keras makes them of the first batch
        theirs.update_state(*given[0])
        theirs.reset_state()
    states = [v.raw for v in ours._all_variables()], [v.value for v in theirs.variables]

    @jax.jit  # that they are the same eagerly, tests/metrics shows
    def results(given, mine, reference):
        with bind(dict(zip(ours._all_variables(), mine, strict=True))):
            for batch in given:
                ours.update_state(*batch)
            found = ours.result()
        for batch in given:
            reference = theirs.stateless_update_state(reference, *batch)
        return found, theirs.stateless_result(reference)

    agree(*results(given, *states), "result", rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", sorted({name for name, *_ in CASES} | {"Mean", "Sum"}))
def test_arguments_stand_in_keras_order(name):
    ours = inspect.signature(getattr(metrics, name)).parameters
    theirs = inspect.signature(getattr(keras.metrics, name)).parameters
    assert [(p.name, p.default) for p in ours.values()] == [
        (p.name, p.default) for p in theirs.values()
    ]


def test_every_public_name_of_keras_is_here():
    wanted = {name for name in dir(keras.metrics) if not name.startswith("_")}
    assert wanted <= set(dir(metrics))
    assert wanted - set(metrics.__all__) == set()


FUNCTIONS = [
    ("binary_accuracy", binary, probabilities, {"threshold": 0.4}),
    ("categorical_accuracy", one_hot, probabilities, {}),
    ("sparse_categorical_accuracy", labels, probabilities, {}),
    ("top_k_categorical_accuracy", one_hot, probabilities, {"k": 3}),
    ("sparse_top_k_categorical_accuracy", labels, probabilities, {"k": 3}),
    ("pearson_correlation", numbers, numbers, {}),
    ("concordance_correlation", numbers, numbers, {"axis": 0}),
]


@pytest.mark.parametrize(("name", "true", "pred", "kwargs"), FUNCTIONS)
def test_a_metric_function_agrees_with_keras(name, true, pred, kwargs):
    y_true, y_pred = true(N, 1), pred(N, 2)
    ours, theirs = getattr(metrics, name), getattr(keras.metrics, name)
    same(ours, theirs, y_true, y_pred, gradient=False, **kwargs)


@pytest.mark.parametrize("shape", [(N, 3), (N, 3, 1)])
def test_accuracies_of_sequences_agree_with_keras(shape):
    y_true, y_pred = ints(*shape, seed=1, high=K), floats(N, 3, K, seed=2)
    for name in ("sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy"):
        kwargs = {"k": 2} if "top" in name else {}
        found = getattr(metrics, name)(y_true, y_pred, **kwargs)
        wanted = getattr(keras.metrics, name)(y_true, y_pred, **kwargs)
        agree(found, jnp.reshape(wanted, (N, 3)), name)


def test_sorted_ids_agree_with_keras():
    y_true, y_pred = np.array([1, 7, 3]), np.array([[1, 2, 3], [5, 6, 7], [3, 9, 8]])
    kwargs = {"k": 2, "from_sorted_ids": True}
    found = metrics.sparse_top_k_categorical_accuracy(y_true, y_pred, **kwargs)
    agree(
        found, keras.metrics.sparse_top_k_categorical_accuracy(y_true, y_pred, **kwargs), "matches"
    )


WEIGHTS = {
    "none": lambda n, i: None,
    "samples": lambda n, i: floats(n, seed=60 + i, low=0, high=2),
    "column": lambda n, i: floats(n, 1, seed=60 + i, low=0, high=2),
    "steps": lambda n, i: floats(n, 3, seed=60 + i, low=0, high=2),
}


@pytest.mark.parametrize("name", ["Mean", "Sum"])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_mean_and_sum_of_sequences_agree_with_keras(name, weights):
    ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
    for i, n in enumerate(SIZES):
        values, weight = floats(n, 3, seed=i), WEIGHTS[weights](n, i)
        ours.update_state(values, weight)
        theirs.update_state(values, weight)
    agree(ours.result(), theirs.result(), "result")
    agree(ours.total, theirs.total, "total")


def test_a_scalar_with_its_number_of_samples_agrees_with_keras():
    ours, theirs = metrics.Mean(), keras.metrics.Mean()
    for value, n in ((1.5, 32), (0.5, 7)):
        ours.update_state(value, sample_weight=n)
        theirs.update_state(value, sample_weight=n)
    agree(ours.result(), theirs.result(), "result")
    agree(ours.count, theirs.count, "count")


def test_the_mask_of_predictions_counts_as_in_keras():
    mask = ints(N, 3, seed=5, high=2).astype(bool)
    y_true, y_pred = ints(N, 3, seed=6, high=K), jnp.asarray(floats(N, 3, K, seed=7))
    theirs_pred = y_pred + 0
    theirs_pred._keras_mask = jnp.asarray(mask)
    set_mask(y_pred, jnp.asarray(mask))
    for weight in (None, floats(N, 3, seed=8, low=0, high=2)):
        ours = metrics.SparseCategoricalAccuracy()
        theirs = keras.metrics.SparseCategoricalAccuracy()
        ours.update_state(y_true, y_pred, weight)
        theirs.update_state(y_true, theirs_pred, weight)
        agree(ours.result(), theirs.result(), "result")


def test_the_adjusted_r2_score_agrees_with_keras():
    ours, theirs = (m.R2Score(num_regressors=2) for m in (metrics, keras.metrics))
    for metric in (ours, theirs):
        metric.update_state(floats(9, 1, seed=1), floats(9, 1, seed=2))
    agree(ours.result(), theirs.result(), "result")


# ---- scikit-learn


def sample(n=400, seed=0):
    random = np.random.default_rng(seed)
    y_true = random.integers(0, 2, n)
    y_pred = np.clip(0.3 * y_true + 0.7 * random.random(n), 0, 1).round(3).astype("float32")
    return y_true, y_pred, random.random(n).astype("float32")


@pytest.mark.parametrize("weighted", [False, True])
def test_roc_auc_agrees_with_scikit_learn(weighted):
    y_true, y_pred, weight = sample()
    weight = weight if weighted else None
    metric = metrics.AUC(num_thresholds=2001)
    metric.update_state(y_true, y_pred, weight)
    wanted = sklearn.metrics.roc_auc_score(y_true, y_pred, sample_weight=weight)
    np.testing.assert_allclose(metric.result(), wanted, atol=1e-5)


def test_pr_auc_lies_near_scikit_learn_average_precision():
    y_true, y_pred, _ = sample(4000)
    metric = metrics.AUC(num_thresholds=2001, curve="PR")
    metric.update_state(y_true, y_pred)
    wanted = sklearn.metrics.average_precision_score(y_true, y_pred)
    np.testing.assert_allclose(metric.result(), wanted, atol=2e-3)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["precision", "recall"])
def test_precision_and_recall_agree_with_scikit_learn(name, weighted):
    y_true, y_pred, weight = sample()
    weight = weight if weighted else None
    metric = metrics.get(name)
    metric.update_state(y_true, y_pred, weight)
    score = getattr(sklearn.metrics, f"{name}_score")
    wanted = score(y_true, y_pred > 0.5, sample_weight=weight)
    np.testing.assert_allclose(metric.result(), wanted, rtol=1e-5)


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_f_scores_agree_with_scikit_learn(average, beta):
    y_true, y_pred, weight = binary(50, 1), probabilities(50, 2), floats(50, seed=3, low=0)
    metric = metrics.FBetaScore(average=average, beta=beta, threshold=0.5)
    for part in (slice(0, 30), slice(30, 50)):
        metric.update_state(y_true[part], y_pred[part], weight[part])
    wanted = sklearn.metrics.fbeta_score(
        y_true, y_pred > 0.5, beta=beta, average=average, sample_weight=weight
    )
    np.testing.assert_allclose(metric.result(), wanted, rtol=1e-5)


@pytest.mark.parametrize("aggregation", [None, "uniform_average", "variance_weighted_average"])
@pytest.mark.parametrize("offset", [0.0, 2000.0])
def test_r2_agrees_with_scikit_learn_also_far_from_zero(aggregation, offset):
    y_true, y_pred = numbers(60, 1), numbers(60, 2) * 0.3
    y_true, y_pred = y_true + np.float32(offset), y_true + y_pred + np.float32(offset)
    weight = floats(60, seed=3, low=0.1)
    metric = metrics.R2Score(class_aggregation=aggregation)
    for part in (slice(0, 25), slice(25, 60)):
        metric.update_state(y_true[part], y_pred[part], weight[part])
    multioutput = {None: "raw_values", "variance_weighted_average": "variance_weighted"}
    wanted = sklearn.metrics.r2_score(
        y_true.astype("float64"),
        y_pred.astype("float64"),
        sample_weight=weight,
        multioutput=multioutput.get(aggregation, aggregation),
    )
    np.testing.assert_allclose(metric.result(), wanted, rtol=1e-4)


@pytest.mark.parametrize("value", [1.0, 2.0])
def test_r2_of_constant_targets_agrees_with_scikit_learn(value):
    y_true, y_pred = np.ones((4, 1)), np.full((4, 1), value)
    metric = metrics.R2Score()
    metric.update_state(y_true, y_pred)
    assert float(metric.result()) == sklearn.metrics.r2_score(y_true, y_pred)


def test_mean_iou_agrees_with_scikit_learn():
    y_true, y_pred = labels(80, 1), labels(80, 2)
    metric = metrics.MeanIoU(num_classes=K)
    metric.update_state(y_true, y_pred)
    wanted = sklearn.metrics.jaccard_score(y_true, y_pred, average="macro")
    np.testing.assert_allclose(metric.result(), wanted, rtol=1e-5)
