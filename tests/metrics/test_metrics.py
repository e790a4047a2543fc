"""Metrics: compiled loops, masks, shapes that do not fit, exact sums, configs and resolution."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbook import layers, losses, metrics, models
from hornbook.core.config import custom_object_scope
from hornbook.core.mask import set_mask
from hornbook.core.variable import bind
from hornbook.metrics.base import make_variables

REQUIRED = {
    "IoU": {"num_classes": 3, "target_class_ids": [0, 1]},
    "MeanIoU": {"num_classes": 3},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 3},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "MeanMetricWrapper": {"fn": losses.mean_squared_error},
}
SPARSE = {"SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy"}
SPARSE |= {"SparseCategoricalCrossentropy"}


def make(cls, **kwargs):
    return cls(**REQUIRED.get(cls.__name__, {}), **kwargs)


def batch(cls, seed):
    """Targets and predictions that a class can take, of one shape."""
    random = np.random.default_rng(seed)
    y_pred = random.uniform(0.05, 0.95, (4, 3)).astype("float32")
    y_true = np.eye(3, dtype="float32")[random.integers(0, 3, 4)]
    if cls.__name__ in SPARSE:
        y_true = y_true.argmax(-1)
    if cls.__name__ in ("IoU", "MeanIoU"):
        y_true, y_pred = y_true.argmax(-1), y_pred.argmax(-1)
    return (y_pred,) if cls.__name__ in ("Mean", "Sum") else (y_true, y_pred)


PUBLIC = [getattr(metrics, name) for name in metrics.__all__]
CLASSES = [thing for thing in PUBLIC if isinstance(thing, type) and thing is not metrics.Metric]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_compiled_loop_gathers_what_eager_updates_gather(cls):
    eager, looped = make(cls), make(cls)
    batches = [batch(cls, seed) for seed in range(3)]
    for arrays in batches:
        eager.update_state(*arrays)
    make_variables(looped, *batches[0])
    assert all(not np.any(v) for v in looped.variables)
    variables = looped.variables
    stacked = [jnp.stack(arrays) for arrays in zip(*batches, strict=True)]

    @jax.jit
    def run(values):
        def step(i, values):
            with bind(dict(zip(variables, values, strict=True))) as scope:
                looped.update_state(*(a[i] for a in stacked))
            return [scope[v] for v in variables]

        values = jax.lax.fori_loop(0, len(batches), step, values)
        return looped.stateless_result(values)

    found = run([v.value for v in variables])
    np.testing.assert_allclose(found, eager.result(), rtol=1e-5, atol=1e-6)
    assert all(not np.any(v) for v in looped.variables)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_metric_starts_again_after_reset(cls):
    metric, fresh = make(cls), make(cls)
    metric.update_state(*batch(cls, 1))
    metric.reset_state()
    for arrays in (batch(cls, 2), batch(cls, 3)):
        metric.update_state(*arrays)
        fresh.update_state(*arrays)
    np.testing.assert_array_equal(metric.result(), fresh.result())
    assert all(v.kind == "metric" and not v.trainable for v in metric.variables)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_metric_survives_config_and_pickle(cls):
    metric = make(cls, name="mine")
    arrays = batch(cls, 1)
    for copy in (
        metrics.deserialize(metrics.serialize(metric)),
        pickle.loads(pickle.dumps(metric)),
    ):
        assert type(copy) is cls
        assert copy.name == "mine"
        np.testing.assert_array_equal(copy(*arrays), make(cls)(*arrays))


# ---- the base class


class Largest(metrics.Metric):
    """The largest prediction so far."""

    def __init__(self, name="largest", scale=1.0):
        super().__init__(name=name)
        self.scale = scale
        self.seen = self.add_weight(name="seen", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.seen.assign(jnp.maximum(self.seen, self.scale * jnp.max(y_pred)))

    def result(self):
        return self.seen


def test_a_metric_of_ones_own_works_statelessly_and_survives_its_config():
    metric = Largest(scale=2.0)
    values = metric.stateless_reset_state()
    values = jax.jit(metric.stateless_update_state)(values, jnp.zeros(2), jnp.array([1.0, 3.0]))
    assert float(metric.stateless_result(values)) == 6.0
    assert float(metric.result()) == 0.0
    with custom_object_scope({"Largest": Largest}):
        copy = metrics.deserialize(metrics.serialize(metric))
    assert copy.scale == 2.0


def test_a_result_that_is_a_variable_is_read_at_once():
    metric = Largest()
    first = metric(None, jnp.array([1.0]))
    metric.update_state(None, jnp.array([2.0]))
    assert (float(first), float(metric.result())) == (1.0, 2.0)


def test_another_number_of_values_than_variables_is_an_error():
    with pytest.raises(ValueError, match=r"'largest' has 1 variables \(seen\); it got 2 values"):
        Largest().stateless_result([1.0, 2.0])


def test_variables_before_the_base_constructor_are_an_error():
    class Hasty(metrics.Metric):
        def __init__(self):
            self.total = self.add_weight(name="total")

    with pytest.raises(RuntimeError, match="Hasty.*super"):
        Hasty()


def test_variables_of_inner_metrics_and_of_no_attribute_are_found():
    class Outer(metrics.Metric):
        def __init__(self):
            super().__init__()
            self.inner = metrics.Mean()
            self.add_weight("spare", initializer="ones")

    names = [v.name for v in Outer().variables]
    assert names[0] == "spare"
    assert set(names) >= {"spare", "total", "count"}


def test_a_base_metric_says_what_is_missing():
    for method in ("update_state", "result"):
        with pytest.raises(NotImplementedError, match=f"must write {method}"):
            getattr(metrics.Metric(), method)()


# ---- sums


def test_a_mean_of_millions_is_exact_in_a_compiled_loop():
    metric = metrics.Mean()
    variables = metric._all_variables()

    @jax.jit
    def run(values):
        def step(_, values):
            with bind(dict(zip(variables, values, strict=True))) as scope:
                metric.update_state(jnp.full(32, 0.3), sample_weight=jnp.full(32, 1.7))
            return [scope[v] for v in variables]

        return jax.lax.fori_loop(0, 300_000, step, values)

    values = dict(zip(variables, run([v.value for v in variables]), strict=True))
    total, count = (values[v] for v in metric.variables)
    np.testing.assert_allclose(metric.stateless_result([total, count]), 0.3, rtol=3e-7)
    np.testing.assert_allclose(count, 300_000 * 32 * 1.7, rtol=3e-7)


def test_counts_beyond_float32_go_on():
    metric = metrics.Sum()
    metric.update_state(jnp.array([2.0**24]))
    for _ in range(3):
        metric.update_state(jnp.array([1.0]))
    assert float(metric.result()) + float(metric._rests["total"]) == 2**24 + 3


def test_an_infinite_value_stays_infinite():
    metric = metrics.Mean()
    metric.update_state([1.0, np.inf])
    metric.update_state([1.0])
    assert float(metric.result()) == np.inf


def test_sums_are_kept_in_float32_for_narrow_dtypes():
    metric = metrics.Mean(dtype="bfloat16")
    for _ in range(300):
        metric.update_state(jnp.ones(4, "bfloat16"))
    assert metric.count.dtype == "float32"
    assert float(metric.count) == 1200
    assert metric.result().dtype == "bfloat16"


# ---- weights and masks


def test_sample_weights_go_with_the_first_axis_even_in_a_square():
    metric = metrics.MeanAbsoluteError()
    y_pred = np.array([[[1.0], [1.0]], [[2.0], [2.0]]])
    metric.update_state(np.zeros((2, 2, 1)), y_pred, sample_weight=[3.0, 1.0])
    assert float(metric.result()) == 1.25


@pytest.mark.parametrize("shape", [(3,), (4, 2), (2, 4)])
def test_weights_that_do_not_fit_are_an_error(shape):
    for cls in (metrics.MeanSquaredError, metrics.Precision, metrics.F1Score, metrics.R2Score):
        with pytest.raises(ValueError, match="sample_weight has shape"):
            cls().update_state(np.zeros((4, 3)), np.zeros((4, 3)), np.ones(shape))


def test_ignored_classes_do_not_count_in_the_mean():
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    metric.update_state([0, -1, -1], np.full((3, 2), 0.5))
    np.testing.assert_allclose(metric.result(), np.log(2), rtol=1e-5)
    metric.reset_state()
    metric.update_state([0, -1, 1], np.array([[0.5, 0.5], [0, 1], [0, 1]]), [1.0, 5.0, 0.0])
    np.testing.assert_allclose(metric.result(), np.log(2), rtol=1e-5)


MASKED = [
    metrics.MeanSquaredError,
    metrics.RootMeanSquaredError,
    metrics.BinaryAccuracy,
    metrics.Precision,
    metrics.Recall,
    metrics.AUC,
    metrics.TruePositives,
    metrics.BinaryIoU,
]


@pytest.mark.parametrize("cls", MASKED)
def test_masked_steps_do_not_count(cls):
    random = np.random.default_rng(0)
    y_true = random.integers(0, 2, (5, 4, 1))
    y_pred = jnp.asarray(random.random((5, 4, 1)), "float32")
    mask = random.random((5, 4)) < 0.6
    masked, without = cls(), cls()
    without.update_state(y_true[mask], y_pred[mask])
    set_mask(y_pred, jnp.asarray(mask))
    masked.update_state(y_true, y_pred)
    np.testing.assert_allclose(masked.result(), without.result(), rtol=1e-5)


# ---- shapes that do not fit


@pytest.mark.parametrize(
    "cls",
    [
        metrics.MeanSquaredError,
        metrics.RootMeanSquaredError,
        metrics.BinaryAccuracy,
        metrics.Accuracy,
        metrics.Precision,
        metrics.AUC,
        metrics.F1Score,
        metrics.R2Score,
    ],
)
def test_one_target_and_several_predictions_are_an_error(cls):
    with pytest.raises(ValueError, match=r"shapes \(4, 1\) and \(4, 3\)"):
        cls().update_state(np.zeros((4, 1)), np.ones((4, 3)))


@pytest.mark.parametrize("name", ["categorical_accuracy", "top_k_categorical_accuracy"])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_class_numbers_for_a_one_hot_accuracy_name_the_remedy(name, shape):
    with pytest.raises(ValueError, match=f"'sparse_{name}'.*to_categorical"):
        metrics.get(name).update_state(np.zeros(shape, int), np.ones((4, 3)))


@pytest.mark.parametrize("name", ["categorical_accuracy", "top_k_categorical_accuracy"])
def test_one_hot_targets_for_a_sparse_accuracy_name_the_remedy(name):
    with pytest.raises(ValueError, match=f"one-hot.*Use '{name}'"):
        metrics.get(f"sparse_{name}").update_state(np.eye(3), np.ones((3, 3)))


def test_accuracy_over_one_class_is_warned_of():
    with pytest.warns(SyntaxWarning, match="use binary_accuracy"):
        metrics.categorical_accuracy(np.ones((3, 1)), np.ones((3, 1)))


@pytest.mark.parametrize("cls", [metrics.BinaryAccuracy, metrics.MeanSquaredError, metrics.AUC])
def test_targets_without_last_axis_fit_one_prediction(cls):
    y_true, y_pred = np.array([0, 1, 1]), np.array([[0.2], [0.7], [0.4]])
    assert float(cls()(y_true, y_pred)) == float(cls()(y_true[:, None], y_pred))


@pytest.mark.parametrize("cls", [metrics.F1Score, metrics.R2Score])
def test_metrics_of_two_axes_take_no_three(cls):
    with pytest.raises(ValueError, match=r"expects shape \(N, ., *|expects shape"):
        cls().update_state(np.zeros((2, 3, 4)), np.zeros((2, 3, 4)))


@pytest.mark.parametrize("cls", [metrics.F1Score, metrics.R2Score])
def test_variables_made_by_the_first_batch_count_it(cls):
    model = models.Sequential([layers.Dense(3)])
    model.compile("sgd", "mse", metrics=[cls()])
    x, y = np.random.default_rng(0).normal(size=(12, 3)), np.eye(3)[np.arange(12) % 3]
    first = model.evaluate(x, y, batch_size=4, verbose=0)[1]
    np.testing.assert_allclose(first, cls()(y, model.predict(x, verbose=0)), rtol=1e-5)


def test_iou_of_one_hot_targets_names_the_remedy():
    with pytest.raises(ValueError, match="sparse_y_true=False"):
        metrics.MeanIoU(num_classes=3).update_state(np.eye(3), [0, 1, 2])


def test_iou_warns_where_whole_counts_lose_weights():
    with pytest.warns(UserWarning, match="dtype='float32'"):
        metrics.MeanIoU(num_classes=2).update_state([0, 1], [0, 1], sample_weight=[0.5, 0.5])


@pytest.mark.parametrize(
    ("make_wrong", "said"),
    [
        (lambda: metrics.Precision(thresholds=1.5), "thresholds of precision.*1.5"),
        (lambda: metrics.AUC(curve="up"), "curve of auc must be one of"),
        (lambda: metrics.AUC(summation_method="up"), "summation_method"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds"),
        (lambda: metrics.AUC(num_labels=2), "multi_label=True"),
        (lambda: metrics.F1Score(average="all"), "average"),
        (lambda: metrics.FBetaScore(beta=0.0), "beta"),
        (lambda: metrics.F1Score(threshold=1.5), "threshold"),
        (lambda: metrics.R2Score(class_aggregation="sum"), "class_aggregation"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors"),
        (lambda: metrics.IoU(2, [2]), "target_class_ids"),
        (lambda: metrics.PrecisionAtRecall(1.5), "recall of precision_at_recall"),
    ],
)
def test_arguments_out_of_range_are_errors(make_wrong, said):
    with pytest.raises(ValueError, match=said):
        make_wrong()


def test_class_id_of_flat_predictions_is_an_error():
    with pytest.raises(ValueError, match="class_id"):
        metrics.Precision(class_id=1).update_state([0, 1], [0.1, 0.9])


# ---- results


def test_predictions_at_a_threshold_are_negative_exactly():
    thresholds = [0.1, 0.3, 0.7]
    y_pred = np.array(thresholds, "float32")
    metric = metrics.TruePositives(thresholds=thresholds)
    metric.update_state(np.ones(3), y_pred)
    assert metric.result().tolist() == [2.0, 1.0, 0.0]


def test_nan_predictions_are_never_positive():
    metric = metrics.TruePositives()
    metric.update_state([1, 1], [np.nan, 0.9])
    assert float(metric.result()) == 1.0


def test_the_order_of_batches_and_their_size_do_not_matter_to_r2():
    random = np.random.default_rng(0)
    y_true, y_pred = random.normal(size=(40, 2)) + 1000, random.normal(size=(40, 2)) + 1000
    found = []
    for sizes in ([40], [1] * 40, [7, 33]):
        metric = metrics.R2Score()
        for part in np.split(np.arange(40), np.cumsum(sizes)[:-1]):
            metric.update_state(y_true[part], y_pred[part])
        found.append(float(metric.result()))
    np.testing.assert_allclose(found, found[0], rtol=1e-3)


def test_the_adjusted_r2_score_falls_back_where_there_are_too_few_samples():
    y_true, y_pred = np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [2.5], [4.0]])
    adjusted, plain = metrics.R2Score(num_regressors=2), metrics.R2Score()
    assert float(adjusted(y_true, y_pred)) == float(plain(y_true, y_pred))


def test_results_before_the_first_batch():
    assert float(metrics.Mean().result()) == 0.0
    assert float(metrics.F1Score().result()) == 0.0
    assert np.isnan(metrics.R2Score().result())
    assert float(metrics.AUC(multi_label=True).result()) == 0.0


def test_the_mean_of_a_loss_object_does_not_depend_on_batches():
    metric = metrics.MeanMetricWrapper(losses.MeanSquaredError())
    metric.update_state(np.zeros((3, 1)), np.ones((3, 1)))
    metric.update_state(np.zeros((1, 1)), np.full((1, 1), 3.0))
    assert float(metric.result()) == 3.0


# ---- names


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("mae", metrics.MeanAbsoluteError),
        ("MSE", metrics.MeanSquaredError),
        ("rmse", metrics.RootMeanSquaredError),
        ("acc", metrics.Accuracy),
        ("binary_accuracy", metrics.BinaryAccuracy),
        ("AUC", metrics.AUC),
        ("auc", metrics.AUC),
        ("f1_score", metrics.F1Score),
        ("mean_iou", metrics.MeanIoU),
        ("kullback_leibler_divergence", metrics.KLDivergence),
    ],
)
def test_names_give_metrics(name, cls):
    try:
        assert isinstance(metrics.get(name), cls)
    except TypeError as error:  # it is found, and needs arguments
        assert "num_classes" in str(error)


def test_the_name_of_a_loss_without_a_metric_gives_its_function():
    assert metrics.get("huber") is losses.huber


def test_an_unknown_name_is_an_error_with_near_names():
    with pytest.raises(ValueError, match="'mean_absolute_eror' is not a metric.*'mean_absolute_er"):
        metrics.get("mean_absolute_eror")


def test_a_wrapped_function_of_hornbook_survives_its_config():
    metric = metrics.MeanMetricWrapper(metrics.binary_accuracy, name="a", threshold=0.2)
    copy = metrics.deserialize(metrics.serialize(metric))
    assert copy.fn is metrics.binary_accuracy
    assert copy.fn_kwargs == {"threshold": 0.2}


# ---- what "accuracy" means

RESOLVED = [
    ("sparse_categorical_crossentropy", (8,), True, (8, 3), "softmax", "Sparse", None),
    ("sparse_categorical_crossentropy", (8, 5), True, (8, 5, 3), "softmax", "Sparse", None),
    ("categorical_crossentropy", (8, 3), False, (8, 3), "softmax", "Categorical", None),
    ("binary_crossentropy", (8, 1), True, (8, 1), "sigmoid", "Binary", 0.5),
    ("binary_crossentropy", (8,), True, (8, 1), "sigmoid", "Binary", 0.5),
    ("binary_crossentropy", (8, 1), True, (8, 1), "linear", "Binary", 0.5),
    ("bce", (8, 4), True, (8, 4), "sigmoid", "Binary", 0.5),
    ("binary_crossentropy", (8, 3), True, (8, 3), "softmax", "Categorical", None),
    (losses.BinaryCrossentropy(from_logits=True), (8, 1), True, (8, 1), None, "Binary", 0.0),
    (losses.BinaryFocalCrossentropy(), (8, 1), True, (8, 1), None, "Binary", 0.5),
    (losses.binary_crossentropy, (8, 1), True, (8, 1), None, "Binary", 0.5),
    ("BinaryCrossentropy", (8, 1), True, (8, 1), None, "Binary", 0.5),
    ("mse", (8, 1), True, (8, 1), "sigmoid", "Binary", 0.5),
    ("mse", (8,), True, (8,), "sigmoid", "Binary", 0.5),
    ("mse", (8, 10), False, (8, 10), "sigmoid", "Categorical", None),
    (None, (8, 1), True, (8, 10), None, "Sparse", None),
    (lambda t, p: 0, (8, 10), True, (8, 10), None, "Categorical", None),
]


@pytest.mark.parametrize(("loss", "true", "whole", "pred", "activation", "kind", "at"), RESOLVED)
def test_accuracy_is_chosen_from_loss_activation_and_labels(
    loss, true, whole, pred, activation, kind, at
):
    metric, reason = metrics.resolve_accuracy(loss, true, whole, pred, activation)
    cls = getattr(metrics, f"{kind}CategoricalAccuracy", None) or getattr(
        metrics, f"{kind}Accuracy"
    )
    assert type(metric) is cls
    assert getattr(metric, "threshold", None) == at
    assert metric.name == "accuracy"
    assert reason.startswith(kind.lower())
    assert at is None or f"{at:g}" in reason


@pytest.mark.parametrize(
    ("loss", "activation"), [("hinge", "tanh"), ("squared_hinge", None), ("mse", "tanh")]
)
@pytest.mark.parametrize("low", [-1, 0])
def test_accuracy_of_signs_takes_labels_of_zero_or_minus_one(loss, activation, low):
    metric, reason = metrics.resolve_accuracy(loss, (4, 1), True, (4, 1), activation)
    metric.update_state([[1], [low], [1], [low]], [[0.2], [-0.3], [-0.9], [0.4]])
    assert float(metric.result()) == 0.5
    assert "above 0" in reason


def test_accuracy_of_measured_targets_names_a_better_metric():
    _, reason = metrics.resolve_accuracy("mse", (8, 1), False, (8, 1), "linear")
    assert "'mae'" in reason
