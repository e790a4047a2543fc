"""`model.metrics` as in Keras: the loss, the compiled metrics in one, and custom ones."""

import jax
import keras as theirs
import numpy as np
import pytest

import hornbook as keras

DRAWS = np.random.default_rng(0)
X = DRAWS.random((20, 3)).astype("float32")
Y = DRAWS.random((20, 1)).astype("float32")
WEIGHTS = DRAWS.random(20).astype("float32")
BOTH = pytest.mark.parametrize("k", [keras, theirs], ids=["here", "Keras"])


def regression(k, cls=None, outputs=1):
    x = k.Input((3,))
    heads = [k.layers.Dense(1, kernel_initializer="ones", name=f"d{i}")(x) for i in range(outputs)]
    return (cls or k.Model)(x, heads[0] if outputs == 1 else heads)


def guide(k):
    """The step of Keras's guide "Customizing what happens in fit() with JAX"."""

    class Custom(k.Model):
        def loss_and_updates(self, trainable, others, x, y, training=False):
            y_pred, others = self.stateless_call(trainable, others, x, training=training)
            return self.compute_loss(x, y, y_pred), (y_pred, others)

        def train_step(self, state, data):
            trainable, others, slots, metrics = state
            x, y = data
            gradient = jax.value_and_grad(self.loss_and_updates, has_aux=True)
            (loss, (y_pred, others)), gradients = gradient(trainable, others, x, y, training=True)
            trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
            after = []
            for metric in self.metrics:
                its = metrics[len(after) : len(after) + len(metric.variables)]
                seen = (loss,) if metric.name == "loss" else (y, y_pred)
                its = metric.stateless_update_state(its, *seen)
                logs = metric.stateless_result(its)
                after += its
            return logs, (trainable, others, slots, after)

    return Custom


def test_the_step_of_the_guide_runs_and_reports_what_it_does_in_keras():
    histories = []
    for k in (keras, theirs):
        model = regression(k, guide(k))
        model.compile("sgd", "mse", metrics=["mae", "mse"])
        fitted = model.fit(X, Y, batch_size=10, epochs=3, shuffle=False, verbose=0)
        histories.append(fitted.history)
    assert set(histories[0]) == {"mae", "mse"}
    for name, values in histories[1].items():
        np.testing.assert_allclose(histories[0][name], values, rtol=1e-5)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"metrics": []},
        {"metrics": ["mae", "mse"]},
        {"metrics": [["mae"], ["mse", "mae"]], "weighted_metrics": [["mae"], ["mse"]]},
        {"weighted_metrics": ["mae", "mse"]},
    ],
)
def test_the_list_its_variables_and_results_are_those_of_keras(outputs, asked):
    if outputs == 1 and any(map(np.iterable, asked.get("metrics", ()))):
        asked = {key: each[1] if isinstance(each[1], list) else each for key, each in asked.items()}
    found = []
    for k in (keras, theirs):

        class WithOnesOwn(k.Model):
            def __init__(self, *args, k=k):
                super().__init__(*args)
                self.seen = k.metrics.Sum(name="seen")

        model = regression(k, WithOnesOwn, outputs)
        model.compile("sgd", ["mse"] * outputs, **asked)
        before = [(metric.name, len(metric.variables)) for metric in model.metrics]
        y = [Y] * outputs if outputs > 1 else Y
        given = {"verbose": 0, "batch_size": 20}
        values = np.ravel(model.evaluate(X, y, **given))
        after = [(metric.name, len(metric.variables)) for metric in model.metrics]
        results = {name: float(value) for name, value in model.get_metrics_result().items()}
        model.reset_metrics()
        variables = [v.shape for v in model.metrics_variables]
        assert not any(np.any(v) for v in model.metrics_variables)
        found.append([before, after, variables, results, values])
    ours, wanted = found
    assert ours[:3] == wanted[:3]
    assert ours[3] == pytest.approx(wanted[3], rel=1e-5)
    distinct = [[*dict.fromkeys(np.round(each[4], 4).tolist())] for each in found]
    np.testing.assert_allclose(*distinct, rtol=1e-4)  # Keras lists some twice


@BOTH
def test_a_loop_of_one_s_own_computes_losses_and_metrics_before_any_fit(k):
    model = regression(k)
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
    with pytest.raises(ValueError):
        model.metrics[1].result()
    y_pred = model(X)
    loss = model.compute_loss(X, Y, y_pred, WEIGHTS)
    error = np.asarray(y_pred) - Y
    weighted = np.average(error[:, 0] ** 2, weights=WEIGHTS)
    np.testing.assert_allclose(loss, np.mean(error[:, 0] ** 2 * WEIGHTS), rtol=1e-5)
    results = model.compute_metrics(X, Y, y_pred, WEIGHTS)
    np.testing.assert_allclose(results["mae"], np.mean(abs(error)), rtol=1e-5)
    np.testing.assert_allclose(results["mse"], weighted, rtol=1e-5)
    values = model.metrics[1].result()
    assert set(values) == {"mae", "mse"}
    np.testing.assert_allclose(values["mse"], weighted, rtol=1e-5)
    model.reset_metrics()
    assert float(model.metrics[1].result()["mae"]) == 0


@BOTH
def test_metrics_that_a_model_lists_itself_are_those_reported(k):
    outside = k.metrics.Mean(name="outside")

    class Own(k.Model):
        def __init__(self, *args):
            super().__init__(*args)
            self.total = k.metrics.Mean(name="total")
            self.unlisted = k.metrics.Mean(name="unlisted")

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            loss = k.ops.mean((y - y_pred) ** 2)
            self.total.update_state(loss)
            outside.update_state(2 * loss)
            return loss

        @property
        def metrics(self):
            return [self.total, outside]

    model = regression(k, Own)
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, Y, batch_size=10, epochs=2, verbose=0).history
    assert set(history) == {"total", "outside"}
    np.testing.assert_allclose(history["outside"], 2 * np.array(history["total"]), rtol=1e-6)
    results = model.evaluate(X, Y, verbose=0, return_dict=True)
    np.testing.assert_allclose(results["total"], np.mean((model(X) - Y) ** 2), rtol=1e-5)


def test_names_are_those_of_the_logs_also_where_keras_says_compile_metrics():
    model = regression(keras)
    model.compile("sgd", "mse", metrics=["mae"])
    assert list(model.evaluate(X, Y, verbose=0, return_dict=True)) == model.metrics_names
    assert model.metrics_names == ["loss", "mae"]


def test_a_metric_that_makes_a_variable_in_its_first_update_counts_all_batches():
    class Mean(keras.metrics.Metric):
        def __init__(self):
            super().__init__(name="mean")
            self.rows = self.add_weight(name="rows")
            self.total = None

        def update_state(self, y_true, y_pred, sample_weight=None):
            if self.total is None:
                self.total = self.add_weight(name="total", shape=y_pred.shape[1:])
            self.rows.assign_add(len(y_pred))
            self.total.assign_add(keras.ops.sum(y_pred, axis=0))

        def result(self):
            return keras.ops.sum(self.total) / self.rows

    model = regression(keras)
    for eager in (False, True):
        model.compile("sgd", "mse", metrics=[Mean()], run_eagerly=eager)
        model.optimizer.learning_rate = 0.0
        logs = model.fit(X, Y, batch_size=5, verbose=0).history
        np.testing.assert_allclose(logs["mean"], [X.sum(1).mean()], rtol=1e-5)
