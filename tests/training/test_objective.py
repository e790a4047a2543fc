"""Losses and metrics matched to outputs: the names and order of reporting."""

import keras as theirs
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(12, 3)).astype("float32")
Y = [DRAWS.normal(size=(12, 1)).astype("float32") for _ in range(3)]
WEIGHTS = DRAWS.random(12).astype("float32")


def of_one(k):
    x = k.Input((3,))
    return k.Model(x, k.layers.Dense(1, name="a")(x)), Y[0]


def of_two(k):
    x = k.Input((3,))
    return k.Model(x, [k.layers.Dense(1, name=name)(x) for name in "ba"]), Y[:2]


def of_three(k):
    x = k.Input((3,))
    return k.Model(x, [k.layers.Dense(1, name=name)(x) for name in "abc"]), Y


def of_dict(k):
    x = k.Input((3,))
    outputs = {name: k.layers.Dense(1, name=f"dense_{name}")(x) for name in "ba"}
    return k.Model(x, outputs), {"a": Y[0], "b": Y[1]}


def of_nested(k):
    x = k.Input((3,))
    a, b, c = (k.layers.Dense(1, name=name)(x) for name in "abc")
    return k.Model(x, [a, [b, c]]), [Y[0], Y[1:]]


def of_ones_own(k):
    class Two(k.Model):
        def __init__(self):
            super().__init__()
            self.heads = [k.layers.Dense(1), k.layers.Dense(1)]

        def call(self, x):
            return [head(x) for head in self.heads]

    return Two(), Y[:2]


def made(k, make, compiled):
    """The model with weights that both libraries have, and its targets."""
    model, y = make(k)
    model.compile("sgd", **{key: v(k) if callable(v) else v for key, v in compiled.items()})
    model(X)
    draws = np.random.default_rng(1)
    model.set_weights([draws.normal(size=w.shape) for w in model.get_weights()])
    return model, y


def error(k):
    def squared(y_true, y_pred):
        return k.ops.mean((y_true - y_pred) ** 2, -1)

    return squared


CASES = {
    "one": (of_one, {"loss": "mse", "metrics": ["mae", "mse"], "weighted_metrics": ["mae"]}),
    "functions": (of_one, {"loss": error, "metrics": lambda k: [error(k)]}),
    "a lambda": (of_one, {"loss": "mse", "metrics": lambda k: [lambda a, b: error(k)(a, b)]}),
    "nested lists": (of_one, {"loss": ["mse"], "metrics": [["mse", "mae"]]}),
    "a dict for one": (of_one, {"loss": "mse", "metrics": {"anything": ["mse", "mae"]}}),
    "two": (of_two, {"loss": "mse"}),
    "one loss of two": (of_two, {"loss": [None, "mse"], "metrics": [["mae"], ["mse"]]}),
    "lists": (of_two, {"loss": [["mse"], ["mae"]], "metrics": [["mae"], ["mse", "mae"]]}),
    "dicts": (
        of_two,
        {
            "loss": {"a": "mae", "b": ["mse"]},
            "loss_weights": {"b": 3.0, "a": 0.5},
            "metrics": {"b": ["mse", "mae"], "a": "mse"},
            "weighted_metrics": {"a": "mse"},
        },
    ),
    "weights": (of_two, {"loss": ["mse", "mae"], "loss_weights": [0.5, 2.0]}),
    "one weight": (of_two, {"loss": "mse", "loss_weights": 0.5}),
    "both": (of_two, {"loss": "mse", "metrics": ["mae"] * 2, "weighted_metrics": ["mae"] * 2}),
    "three": (of_three, {"loss": ["mse", "mae", "mse"], "metrics": ["mae", None, "mse"]}),
    "a dict": (of_dict, {"loss": {"b": "mae", "a": "mse"}, "metrics": {"b": ["mse", "mae"]}}),
    "a list for a dict": (of_dict, {"loss": ["mse", "mae"], "metrics": ["mae", "mse"]}),
    "one of a dict": (of_dict, {"loss": {"a": "mse"}, "metrics": {"a": "mae"}}),
    "nested": (of_nested, {"loss": ["mse", ["mae", "mse"]], "metrics": ["mae", ["mae", "mse"]]}),
    "flat for nested": (of_nested, {"loss": ["mse", "mae", "mse"]}),
    "without names": (of_ones_own, {"loss": ["mse", "mae"], "metrics": ["mae", "mse"]}),
}


@pytest.mark.parametrize("name", CASES)
def test_names_order_and_numbers_are_those_of_keras(name):
    make, compiled = CASES[name]
    found, wanted = [], []
    for k, kept in ((keras, found), (theirs, wanted)):
        model, y = made(k, make, compiled)
        weights = WEIGHTS if k is keras or not isinstance(y, list | dict) else None
        if make is not of_one:
            weights = None
        given = {"sample_weight": weights, "verbose": 0, "batch_size": 12}
        by_name = model.evaluate(X, y, **given, return_dict=True)
        kept += [by_name, np.ravel(model.evaluate(X, y, **given))]
    assert set(found[0]) == set(wanted[0])
    for key, value in wanted[0].items():
        np.testing.assert_allclose(found[0][key], value, rtol=1e-5, err_msg=key)
    order = [*dict.fromkeys(wanted[1].tolist())]  # Keras lists some twice
    np.testing.assert_allclose([*dict.fromkeys(found[1].tolist())], order, rtol=1e-5)


def test_the_names_of_metrics_are_those_of_what_evaluate_returns():
    model, y = made(keras, of_two, CASES["dicts"][1])
    results = model.evaluate(X, y, verbose=0, return_dict=True)
    assert model.metrics_names == list(results)
    np.testing.assert_allclose(model.evaluate(X, y, verbose=0), list(results.values()))


def test_the_losses_of_one_output_are_added():
    model, y = made(keras, of_one, {"loss": ["mse", "mae"], "loss_weights": [2.0, 0.5]})
    loss, mse, mae = model.evaluate(X, y, verbose=0)
    p = model.predict(X, verbose=0)
    np.testing.assert_allclose([mse, mae], [np.mean((p - y) ** 2), np.mean(abs(p - y))], rtol=1e-5)
    np.testing.assert_allclose(loss, 2 * mse + mae / 2, rtol=1e-5)
    assert model.metrics_names == ["loss", "a_loss", "a_loss_1"]


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ({"b": "mse"}, {"b": Y[1]}),
        ({"b": "mse"}, Y[1]),
        ([None, "mse", None], Y[1]),
        ([None, "mse", None], [Y[1]]),
        ([None, "mse", None], Y),
    ],
)
def test_labels_for_one_of_three_outputs(loss, y):
    model, _ = made(keras, of_three, {"loss": loss})
    wanted = np.mean((model.predict(X, verbose=0)[1] - Y[1]) ** 2)
    np.testing.assert_allclose(model.evaluate(X, y, verbose=0), wanted, rtol=1e-5)
    before = model.get_weights()
    model.fit(X, y, verbose=0)
    changed = [np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False, False, True, True, False, False]


def test_accuracy_of_a_dict_of_outputs_looks_at_its_own_activation(capsys):
    x = keras.Input((3,))
    outputs = {
        "z": layers.Dense(1, activation="sigmoid", name="one")(x),
        "a": layers.Dense(1, name="two")(x),
    }
    model = keras.Model(x, outputs)
    model.compile("sgd", "mse", metrics={"a": "accuracy", "z": "accuracy"})
    y = {name: np.ones((4, 1)) for name in "az"}
    model.fit(np.ones((4, 3)), y, verbose=0)
    assert set(model.evaluate(np.ones((4, 3)), y, verbose=0, return_dict=True)) == {
        *("loss", "a_loss", "z_loss", "a_accuracy", "z_accuracy")
    }


@pytest.mark.parametrize("argument", ["metrics", "weighted_metrics"])
@pytest.mark.parametrize(
    "asked", [["acuracy"], "acuracy", {"a": ["acuracy"]}, [["mae", "acuracy"], []]]
)
def test_a_metric_that_does_not_exist_is_an_error_at_compile(argument, asked):
    model, _ = of_one(keras)
    with pytest.raises(ValueError, match=r"acuracy.*accuracy"):
        model.compile("sgd", "mse", **{argument: asked})


def test_a_metric_known_in_a_scope_is_known_after_it():
    def twice(y_true, y_pred):
        return 2 * keras.ops.abs(y_true - y_pred)

    model, y = of_one(keras)
    with keras.utils.custom_object_scope({"twice": twice}):
        model.compile("sgd", "mse", metrics=["twice", "mae"])
    results = model.evaluate(X, y, verbose=0, return_dict=True)
    np.testing.assert_allclose(results["twice"], 2 * results["mae"], rtol=1e-6)


def test_names_of_all_crossentropies_and_accuracies_may_be_in_capitals():
    x = keras.Input((3,))
    model = keras.Model(x, layers.Dense(4, activation="softmax")(x))
    model.compile("sgd", "CrossEntropy", metrics=["Accuracy", "ACC", "ce"])
    y = np.arange(12) % 4
    found = model.evaluate(X, y, verbose=0, return_dict=True)
    assert list(found) == ["loss", "Accuracy", "ACC", "ce"]
    accuracy = np.mean(model.predict(X, verbose=0).argmax(1) == y)
    np.testing.assert_allclose(found["Accuracy"], accuracy, rtol=1e-6)


def test_what_accuracy_means_is_said_once_for_each_answer(capsys, monkeypatch):
    monkeypatch.setattr("hornbook.training.state.SAID", set())
    for _ in range(2):
        for units, y in ((1, np.ones(4)), (3, np.ones(4, int))):
            model = keras.Sequential([keras.Input((3,)), layers.Dense(units)])
            model.compile("sgd", "mse" if units == 1 else "sparse_categorical_crossentropy")
            for _ in range(2):
                model.compile("sgd", model.loss, metrics=["accuracy"])
                model.fit(np.ones((4, 3)), y, verbose=2)
    said = [line for line in capsys.readouterr().out.splitlines() if "->" in line]
    assert len(said) == 2
    assert said[0] != said[1]


def test_a_second_compile_begins_anew_after_training():
    model, y = made(keras, of_one, {"loss": "mse", "metrics": ["mae"]})
    model.fit(X, y, epochs=2, verbose=0)
    metric = model.metrics[-1]
    first = model.optimizer
    model.compile("adam", "mae", metrics=["mse"])
    assert model.optimizer is not first
    assert int(model.optimizer.iterations.value) == 0
    assert metric not in model.metrics
    history = model.fit(X, y, epochs=2, verbose=0).history
    assert list(history) == ["loss", "mse"]
    assert int(model.optimizer.iterations.value) == 2
    assert list(model.evaluate(X, y, verbose=0, return_dict=True)) == ["loss", "mse"]


def test_a_compiled_model_inside_a_compiled_model_keeps_its_losses_and_metrics_to_itself():
    class Inner(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.tracker = keras.metrics.Mean(name="of_its_own")

        def call(self, x):
            return self.dense(x)

    inner = Inner()
    inner.compile("sgd", "mse", metrics=["mse"])
    assert len(inner.fit(X, Y[0], verbose=0).history) == 3  # its own metric too
    x = keras.Input((3,))
    outer = keras.Model(x, layers.Dense(1)(inner(x)))
    outer.compile("adam", "mae", metrics=["mae"])
    weights = inner.get_weights()
    assert list(outer.fit(X, Y[0], verbose=0).history) == ["loss", "mae"]
    assert np.any(inner.get_weights()[0] != weights[0])
    assert outer.metrics_names == ["loss", "mae"]
    before = int(inner.optimizer.iterations.value)
    inner.fit(X, Y[0], verbose=0)
    assert int(inner.optimizer.iterations.value) == before + 1
    assert list(outer.evaluate(X, Y[0], verbose=0, return_dict=True)) == ["loss", "mae"]


def test_a_loss_that_the_program_set_is_kept_by_a_compile_without_one():
    for library in (theirs, keras):

        class Own(library.Model):
            def __init__(self, dense, loss):
                super().__init__()
                self.dense, self.loss = dense, loss

            def call(self, x):
                return self.dense(x)

            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                return self.loss(y, y_pred)

        model = Own(library.layers.Dense(1), library.losses.MeanAbsoluteError())
        model.compile("sgd")
        history = model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0).history
        assert np.isfinite(history["loss"][0])
        assert isinstance(model.loss, library.losses.MeanAbsoluteError)
        model.compile("sgd", "mse")
        assert model.loss == "mse"
