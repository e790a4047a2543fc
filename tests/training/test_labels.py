"""Invalid labels and ids are detected: on the host, else on the device."""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.training.labels import ids_of

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
SPARSE = "sparse_categorical_crossentropy"


@cache
def classifier(loss=SPARSE, units=4, activation="softmax", **compiled):
    out = layers.Dense(units, activation=activation, name="out")
    model = keras.Sequential([keras.Input((3,)), out])
    model.compile("sgd", loss, **compiled)
    return model


def with_one(value, others, dtype="int32"):
    """Labels with this value in sixth place."""
    y = np.resize(np.array(others, dtype), 8)
    y[5] = value
    return y


def batches(x, y, weight=None):
    for start in range(0, len(x), 2):
        parts = [a[start : start + 2] for a in (x, y, weight) if a is not None]
        yield tuple(parts)


WAYS = {
    "fit": lambda model, *data: model.fit(*data, verbose=0),
    "evaluate": lambda model, *data: model.evaluate(*data, verbose=0),
    "train_on_batch": lambda model, *data: model.train_on_batch(*data),
    "test_on_batch": lambda model, *data: model.test_on_batch(*data),
    "a generator": lambda model, *data: model.fit(batches(*data), verbose=0),
    "validation": lambda model, x, y: model.fit(
        x, np.zeros_like(y), validation_data=(x, y), verbose=0
    ),
}
WRONG = {
    "beyond the last": (SPARSE, 4, "softmax", with_one(4, [0, 3]), r"label 4 .*0 to 3"),
    "below 0": (SPARSE, 4, "softmax", with_one(-1, [0, 3]), r"label -1 .*0 to 3"),
    "of bytes": (SPARSE, 4, "softmax", with_one(200, [0, 3], "uint8"), r"label 200 .*0 to 3"),
    "of floats": (SPARSE, 4, "softmax", with_one(7, [0, 3], "float32"), r"label 7.0 .*0 to 3"),
    "of halves": (SPARSE, 4, "softmax", with_one(0.5, [0, 3], "float32"), r"label 0.5 .*0 to 3"),
    "logits": (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        *(4, None, with_one(4, [0, 3]), "label 4 .*0 to 3"),
    ),
    "another class": (
        keras.losses.SparseCategoricalCrossentropy(ignore_class=-1),
        *(4, "softmax", with_one(-2, [0, -1]), "label -2 .*0 to 3"),
    ),
    "crossentropy": ("crossentropy", 4, "softmax", with_one(4, [0, 3]), "label 4 .*0 to 3"),
    "1 and 2": ("binary_crossentropy", 1, "sigmoid", with_one(2, [0, 1]), "label 2 .*0 to 1"),
    "-1 and 1": ("binary_crossentropy", 1, "sigmoid", with_one(-1, [0, 1]), "hinge"),
    "hinge": ("hinge", 1, "tanh", with_one(2, [-1, 1]), "label 2 .*-1 and 1"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_label_out_of_range_is_told_with_row_value_and_range(way):
    loss, units, activation, y, said = WRONG["beyond the last"]
    model = classifier(loss, units, activation)
    before = model.get_weights()
    row = 1 if way == "a generator" else 5  # of the batch
    with pytest.raises(ValueError, match=rf"^y .*{said}") as raised:
        WAYS[way](model, X, y)
    assert f"row {row};" in str(raised.value)
    if way != "a generator":
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", WRONG)
def test_labels_that_a_loss_does_not_know_are_told(name):
    loss, units, activation, y, said = WRONG[name]
    with pytest.raises(ValueError, match=said):
        classifier(loss, units, activation).train_on_batch(X, y)


RIGHT = {
    "classes": (SPARSE, 4, "softmax", with_one(3, [0]), None),
    "a column": (SPARSE, 4, "softmax", with_one(3, [0])[:, None], None),
    "ignored": (
        keras.losses.SparseCategoricalCrossentropy(ignore_class=255),
        *(4, "softmax", with_one(255, [0, 3], "uint8"), None),
    ),
    "of weight 0": (SPARSE, 4, "softmax", with_one(-1, [0, 3]), np.float32(np.arange(8) != 5)),
    "between": ("binary_crossentropy", 1, "sigmoid", np.linspace(0, 1, 8), None),
    "noise": ("binary_crossentropy", 1, "sigmoid", with_one(1.05, [0, 1], "float32"), None),
    "smoothed": (
        keras.losses.BinaryCrossentropy(label_smoothing=0.2),
        *(1, "sigmoid", with_one(1, [0]), None),
    ),
    "signs": ("hinge", 1, "tanh", with_one(-1, [1]), None),
    "0 and 1": ("squared_hinge", 1, "tanh", with_one(0, [1]), None),
    "numbers": ("mse", 1, None, with_one(1000, [-5]), None),
    "bools": ("binary_crossentropy", 1, "sigmoid", with_one(1, [0], "bool"), None),
}


@pytest.mark.parametrize("name", RIGHT)
def test_labels_that_a_loss_knows_are_trained_with(name):
    loss, units, activation, y, weight = RIGHT[name]
    model = classifier(loss, units, activation)
    history = model.fit(X, y, sample_weight=weight, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_the_output_is_named_where_there_are_several():
    x = keras.Input((3,))
    outputs = [layers.Dense(3, activation="softmax", name=name)(x) for name in ("kind", "other")]
    model = keras.Model(x, outputs)
    model.compile("sgd", {"kind": SPARSE, "other": "mse"})
    with pytest.raises(ValueError, match=r"y of the output 'kind' has the label 3 in row 5"):
        model.fit(X, {"kind": with_one(3, [0]), "other": np.ones((8, 3))}, verbose=0)


def test_labels_of_steps_that_may_be_masked_are_not_looked_at():
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            layers.Embedding(5, 2, mask_zero=True),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", SPARSE)
    x = np.array([[1, 2, 0, 0], [4, 3, 2, 0]])
    y = np.where(x == 0, -1, x % 3)
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()


def test_labels_of_a_loss_of_ones_own_are_not_looked_at():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(4, activation="softmax")

        def call(self, x):
            return self.dense(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y - 1, y_pred))

    model = Own()
    model.compile("sgd", SPARSE)
    assert np.isfinite(model.fit(X, with_one(4, [1, 2]), verbose=0).history["loss"]).all()


# ---- ids


@cache  # what is compiled for one test is there for the next
def reader():
    table = layers.Embedding(5, 2, name="words")
    ids = keras.Input((3,), dtype="int32", name="ids")
    y = layers.Dense(1)(layers.Flatten()(table(ids)))
    model = keras.Model(ids, y)
    model.compile("sgd", "mse")
    return model


IDS = np.arange(24).reshape(8, 3) % 5


@pytest.mark.parametrize("wrong", [5, -1])
@pytest.mark.parametrize("way", WAYS)
def test_an_id_without_a_row_is_told_with_layer_and_range(way, wrong):
    ids = IDS.copy()
    ids[5, 2] = wrong
    if way == "validation":
        act = lambda: reader().fit(  # noqa: E731
            IDS, np.ones(8), validation_data=(ids, np.ones(8)), verbose=0
        )
    else:
        act = lambda: WAYS[way](reader(), ids, np.ones((8, 1)))  # noqa: E731
    with pytest.raises(ValueError, match=rf"'ids' has the id {wrong} .*'words' has 5 rows.*0 to 4"):
        act()


PREDICT = {
    "predict": lambda model, ids: model.predict(ids, verbose=0),
    "predict in batches": lambda model, ids: model.predict(ids, batch_size=2, verbose=0),
    "predict_on_batch": lambda model, ids: model.predict_on_batch(ids),
    "predict of a list": lambda model, ids: model.predict([ids], verbose=0),
}


@pytest.mark.parametrize("wrong", [5, -1, 0.5])
@pytest.mark.parametrize("way", PREDICT)
@pytest.mark.parametrize("compiled", [True, False])
def test_predict_tells_an_id_without_a_row_too(way, wrong, compiled):
    ids = IDS.astype("float32" if wrong == 0.5 else "int32")
    model = reader()
    if not compiled:
        model = keras.Model(model.inputs, model.outputs)
    wanted = PREDICT[way](model, ids)
    assert np.isfinite(wanted).all()
    ids[5, 2] = wrong
    with pytest.raises(
        ValueError, match=rf"'ids' has the id {wrong} in row 5 .*'words' has 5 rows.*0 to 4"
    ):
        PREDICT[way](model, ids)


def test_a_single_row_is_not_worth_a_look_and_gives_nan():
    assert np.isnan(reader().predict(np.array([[1, 5, 0]]), verbose=0)).all()


def test_an_id_is_found_through_models_in_models():
    inner = keras.Sequential([keras.Input((3,), dtype="int32"), layers.Embedding(5, 2, name="w")])
    model = keras.Sequential([inner, layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"has the id 9 in row 0 \(at \(0, 1\)\); layer 'w'"):
        model.fit(np.array([[1, 9, 0]]), np.ones(1), verbose=0)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("rows", [5, 5000])
def test_an_id_that_only_the_device_sees_stops_the_step_and_names_the_layer(optimizer, rows):
    class Reader(keras.Model):
        def __init__(self):
            super().__init__()
            self.table = layers.Embedding(rows, 2, name="words")
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(keras.ops.mean(self.table(x + 1), axis=1))

    model = Reader()
    model.compile(optimizer, "mse")
    model.fit(IDS % 4, np.ones(8), verbose=0)
    before = model.get_weights()
    with pytest.warns(RuntimeWarning, match=f"'words' has {rows} rows.*id {rows}"):
        model.fit(np.full((8, 3), rows - 1), np.ones(8), verbose=0)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# ---- complex numbers


def test_complex_numbers_are_told():
    with pytest.raises(ValueError, match=r"complex.*imaginary"):
        classifier("mse", 1, None).fit(X + 1j, np.ones(8), verbose=0)
    with pytest.raises(ValueError, match=r"y_true has complex.*imaginary"):
        classifier("mse", 1, None).fit(X, np.ones(8) + 1j, verbose=0)
    with pytest.raises(ValueError, match="y_pred has complex"):
        keras.losses.MeanSquaredError()(np.ones(2), jnp.ones(2) * 1j)


def test_complex_inputs_train_where_they_are_meant():
    x = keras.Input((3,), dtype="complex64")
    model = keras.Model(x, layers.Dense(1)(layers.Lambda(lambda z: keras.ops.absolute(z))(x)))
    model.compile("sgd", "mse")
    model.fit(np.complex64(X + 1j), np.ones(8), verbose=0)


def test_a_label_that_is_nan_is_no_class():
    x, y = np.ones((4, 2), "float32"), np.array([0.0, 1.0, np.nan, 2.0], "float32")
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="label nan in row 2"):
        model.fit(x, y, verbose=0)
    model.fit(x, y, sample_weight=np.array([1, 1, 0, 1]), verbose=0)
    loss = keras.losses.sparse_categorical_crossentropy(y, np.full((4, 3), 1 / 3, "float32"))
    np.testing.assert_array_equal(np.isnan(loss), np.isnan(y))


def test_looking_for_what_inputs_may_hold_traces_nothing(monkeypatch):
    """An input is found among a layer's inputs by identity, not by comparing elements."""
    ids = keras.Input((5,), dtype="int32", name="ids")
    other = keras.Input((2,))
    rows = layers.Flatten()(layers.Embedding(7, 2)(ids))
    model = keras.Model([ids, other], layers.Dense(4)(layers.concatenate([rows, other])))

    def trace(*_):
        raise RuntimeError("traced")

    monkeypatch.setattr("hornbook.core.unknown.trace", trace)
    assert [allowed and allowed.most for _, allowed in ids_of(model)] == [6, None]
