"""Sums keep their digits however long they grow, compiled with any flags."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import keras as theirs
import numpy as np
import pytest

from hornbook import metrics
from hornbook.core.variable import bind
from hornbook.metrics.sums import TURN, count_by

FULL = 2.0**24  # where a float32 sum of ones stands still
COUNTS = "TruePositives FalsePositives TrueNegatives FalseNegatives Precision Recall AUC".split()


def many(metric, times, *args):
    """Show a metric the same batch many times, compiled."""
    metrics.make_variables(metric, *args)
    variables = metric._all_variables()

    def again(_, values):
        with bind(dict(zip(variables, values, strict=True))) as scope:
            metric.update_state(*args)
            return [scope[v] for v in variables]

    values = jax.jit(lambda v: jax.lax.fori_loop(0, times, again, v))([v.raw for v in variables])
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return metric


Y, P = np.array([1, 1, 0, 0.0], "float32"), np.array([0.9, 0.2, 0.8, 0.1], "float32")


@pytest.mark.parametrize("name", COUNTS)
def test_counts_go_on_beyond_what_float32_can_add_one_to(name):
    metric = getattr(metrics, name)()
    for one in metric.variables:
        one.assign(np.full(one.shape, FULL))
    many(metric, 1001, Y, P)
    alone = many(getattr(metrics, name)(), 1001, Y, P)
    for one, exact in zip(metric.variables, alone.variables, strict=True):
        np.testing.assert_allclose(one.value - FULL, exact.value, atol=2)  # the last bit of 2**25


@pytest.mark.parametrize("name", [*COUNTS, "F1Score", "Mean", "Sum", "BinaryIoU", "R2Score"])
def test_weights_do_not_drift(name):
    times, weight = 20_000, np.float32(0.1)
    kwargs = {"dtype": "float32"} if name == "BinaryIoU" else {}
    metric = getattr(metrics, name)(**kwargs)
    weights = np.full(4, weight)
    args = (P, weights) if name in ("Mean", "Sum") else (Y[:, None], P[:, None], weights)
    many(metric, times, *args)
    once = many(getattr(metrics, name)(**kwargs), 1, *args)
    for total, one in zip(metric.variables, once.variables, strict=True):
        if (name, total.name) in [("R2Score", "mean")]:
            continue
        wanted = np.asarray(one.value, "float64") * times
        np.testing.assert_allclose(total.value, wanted, rtol=1e-6, err_msg=total.name)


def test_a_large_batch_is_counted_exactly():
    bins = jnp.arange(2**25) % 2
    assert count_by(bins, 2).tolist() == [2**24, 2**24]
    found = count_by(bins[: 2**22], 2, jnp.full(2**22, 0.1))
    np.testing.assert_allclose(found, 2**21 * 0.1, rtol=2e-6)


@pytest.mark.parametrize("size", [1, 7, 500])
@pytest.mark.parametrize("number", [0, 1, 3000])
def test_counting_is_numpys(number, size):
    draws = np.random.default_rng(0)
    bins, weights = draws.integers(0, size, number), draws.random(number).astype("float32")
    np.testing.assert_array_equal(count_by(bins, size), np.bincount(bins, minlength=size))
    wanted = np.bincount(bins, weights, size)
    np.testing.assert_allclose(count_by(bins, size, jnp.asarray(weights)), wanted, rtol=1e-5)


def test_a_confusion_matrix_of_integers_turns_over_and_goes_on():
    metric = metrics.IoU(2, [0])
    metric.total_cm.assign([[TURN - 1, 0], [TURN - 1, 0]])
    metric._rests[metric.total_cm.name].assign([[3, 0], [3, 0]])
    for _ in range(3):
        metric.update_state([0], [0])
    assert metric.total_cm.value.tolist() == [[2, 0], [TURN - 1, 0]]
    np.testing.assert_allclose(metric.result(), 0.5, rtol=1e-6)


CLASSES = {
    name: getattr(theirs.metrics, name)
    for name in [*COUNTS, *"Mean Sum BinaryAccuracy MeanSquaredError CosineSimilarity".split()]
}


@pytest.mark.parametrize("name", CLASSES)
def test_there_are_as_many_variables_as_in_keras(name):
    found, wanted = getattr(metrics, name)(), CLASSES[name]()
    shown = [(tuple(v.shape), v.dtype) for v in found.variables]
    assert shown == [(tuple(v.shape), v.dtype) for v in wanted.variables]
    assert len(found._all_variables()) == 2 * len(shown)


def test_a_sum_that_is_set_has_lost_nothing():
    metric = metrics.Sum()
    metric.update_state([1e9, 30.0])
    metric.total.assign(0.0)
    metric.update_state([1.0])
    assert metric.result() == 1.0
    metric.update_state([1e9, 30.0])
    metric.reset_state()
    assert not any(np.any(v.value) for v in metric._all_variables())


def test_pure_functions_take_the_variables_of_keras_alone():
    metric = metrics.Mean()
    metric.update_state([1e9, 31.0])
    state = metric.stateless_update_state(metric.stateless_reset_state(), [1.0, 2.0])
    assert [float(v) for v in state] == [3.0, 2.0]
    assert metric.stateless_result(state) == 1.5


PROGRAM = """
import numpy as np, hornbook as keras
model = keras.Sequential([keras.Input((1,)), keras.layers.Activation("linear")])
model.compile("sgd", "mae", weighted_metrics=["mse", keras.metrics.TruePositives()])
x = np.full((300_000, 1), 0.7, "float32")
weights = np.full(300_000, 0.1, "float32")
print(*model.evaluate(x, np.ones_like(x), 1, sample_weight=weights, verbose=0))
"""


def test_sums_are_exact_as_users_compile_them():
    environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    loss, square, positives = map(float, run.stdout.split())
    np.testing.assert_allclose([loss * 10, square, positives], [0.3, 0.09, 30_000], rtol=4e-7)
