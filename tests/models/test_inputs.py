"""What a functional model can be called with: partial batches, inputs left out, nested forms."""

import keras as reference
import numpy as np
import pytest

import hornbook as keras
from hornbook.core.mask import get_mask

X = np.linspace(0, 1, 12, dtype="float32").reshape(6, 2)
Y = np.ones((6, 1), "float32")


# ---- partial batches


def fixed(batch):
    x = keras.Input((2,), batch_size=batch)
    model = keras.Model(x, keras.layers.Dense(1)(x))
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def test_an_input_with_a_batch_size_takes_the_last_partial_batch():
    keras.utils.set_random_seed(0)
    model, free = fixed(4), fixed(None)
    free.set_weights(model.get_weights())
    for one in (model, free):
        one.fit(X, Y, batch_size=4, verbose=0, shuffle=False, epochs=2)
    np.testing.assert_array_equal(model.predict(X, batch_size=4, verbose=0), free.predict(X))
    assert model.evaluate(X, Y, batch_size=4, verbose=0) == free.evaluate(X, Y, batch_size=4)
    assert model(X[:1]).shape == (1, 1)


def test_states_kept_for_a_batch_size_are_not_for_another():
    model = keras.Sequential(
        [keras.Input((3, 2), batch_size=4), keras.layers.LSTM(2, stateful=True)]
    )
    with pytest.raises(ValueError, match="states for batches of 4 samples"):
        model.predict(np.ones((6, 3, 2)), batch_size=4, verbose=0)


# ---- inputs that may be None


@keras.saving.register_keras_serializable("test_inputs")
class Plus(keras.layers.Layer):
    def call(self, x, y=None):
        return x if y is None else x + y


def optional():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b", optional=True)
    model = keras.Model([a, b], keras.layers.Dense(1, name="dense")(Plus()(a, b)))
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("given", [[X, None], (X, None), {"a": X, "b": None}, {"a": X}])
def test_an_optional_input_may_be_left_out(given, tmp_path):
    model = optional()
    dense = model.get_layer("dense")
    np.testing.assert_allclose(model(given), dense(X), rtol=1e-6)
    np.testing.assert_allclose(model.predict(given, verbose=0), dense(X), rtol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(given), dense(X), rtol=1e-6)
    before = model.evaluate(given, Y, verbose=0)
    model.fit(given, Y, verbose=0, epochs=3)
    assert model.train_on_batch(given, Y) < before
    model.fit((item for item in [(given, Y)] * 2), verbose=0, epochs=1)
    both = model([X, X])
    np.testing.assert_allclose(both, dense(2 * X), rtol=1e-6)
    model.save(tmp_path / "m.keras")
    made = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(made.predict(given, verbose=0), model.predict(given, verbose=0))


@pytest.mark.parametrize("given", [[None, X], {"a": None, "b": X}, [None, None]])
def test_a_needed_input_may_not_be_left_out(given):
    model = optional()
    for use in (model, model.predict, lambda x: model.fit(x, Y)):
        with pytest.raises(ValueError, match=r"'a' of shape \(None, 2\) is None.*optional=True"):
            use(given)


# ---- nested inputs


def nested(module):
    a, b, c = (module.Input((size,), name=name) for size, name in ((2, "a"), (3, "b"), (1, "c")))
    merged = module.layers.Concatenate()([a, b, c])
    out = module.layers.Dense(1, name="dense")(merged)
    return module.Model({"z": a, "n": {"p": b, "l": [c]}}, out)


@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict:UserWarning")
def test_inputs_nest_as_the_model_does(tmp_path):
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(size=(6, size)).astype("float32") for size in (2, 3, 1))
    given = {"n": {"l": [c], "p": b}, "z": a}
    ours, theirs = nested(keras), nested(reference)
    theirs.set_weights(ours.get_weights())
    expected = np.asarray(theirs(given))
    np.testing.assert_allclose(ours(given), expected, rtol=1e-5)
    np.testing.assert_allclose(ours.predict(given, verbose=0), expected, rtol=1e-5)
    np.testing.assert_allclose(ours({"a": a, "b": b, "c": c}), expected, rtol=1e-5)
    ours.compile("sgd", "mse")
    ours.fit(given, Y, verbose=0)
    ours.save(tmp_path / "m.keras")
    made = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(made.predict(given, verbose=0), ours.predict(given, verbose=0))
    copy = keras.models.clone_model(ours)
    copy.set_weights(ours.get_weights())
    np.testing.assert_array_equal(copy(given), ours(given))
    with pytest.raises(ValueError, match="'p' is missing"):
        ours({"z": a, "n": {"l": [c]}})


@pytest.mark.filterwarnings("ignore:model 'functional.*is not used:UserWarning")
def test_inputs_that_the_model_does_not_have_are_left_alone():
    a = keras.Input((2,), name="a")
    for inputs in (a, [a], {"a": a}):
        model = keras.Model(inputs, a * 5)
        np.testing.assert_allclose(model.predict({"a": X, "b": Y}, verbose=0), 5 * X)


def test_inputs_that_the_model_does_not_have_are_named():
    inputs = {name: keras.Input((2,), name=name) for name in "ab"}
    model = keras.Model(inputs, inputs["a"] - inputs["b"])
    with pytest.warns(UserWarning, match="'c' is not used"):
        model({"a": X, "b": X, "c": Y})


def test_the_inputs_of_a_dict_are_listed_by_sorted_key():
    def model(module):
        inputs = {name: module.Input((1,), name=name) for name in "cab"}
        return module.Model(inputs, inputs["a"] - inputs["b"] * inputs["c"])

    ours, theirs = model(keras), model(reference)
    assert [x.name for x in ours.inputs] == [x.name for x in theirs.inputs] == ["a", "b", "c"]
    given = {name: np.full((2, 1), size, "float32") for size, name in enumerate("abc", 3)}
    copy = keras.models.clone_model(ours)
    for one in (ours, copy, keras.Model.from_config(ours.get_config())):
        np.testing.assert_array_equal(one(given), theirs(given))


@pytest.mark.parametrize("module", [keras, reference], ids=["here", "keras"])
def test_a_list_for_a_dict_of_inputs_is_refused(module):
    inputs = {name: module.Input((1,), name=name) for name in "ba"}
    model = module.Model(inputs, inputs["a"] - inputs["b"])
    given = [np.ones((2, 1), "float32")] * 2
    for use in (model, model.predict):
        with pytest.raises(ValueError, match=r"a dict with the keys|doesn't match"):
            use(given)


# ---- dtypes


@pytest.mark.parametrize("dtype", ["float16", "float32", "int32", "bool", "uint8"])
@pytest.mark.parametrize("given", ["float32", "float16", "int32", "uint8", "bool"])
def test_inputs_are_cast_to_the_input_s_dtype(dtype, given):
    x = (np.arange(6).reshape(3, 2) * 60 % 251).astype(given)

    def output(module):
        symbol = module.Input((2,), dtype=dtype)
        model = module.Model(symbol, [symbol, module.ops.add(symbol, symbol)])
        return [np.asarray(one) for one in model(x)], model

    (theirs, _), (ours, model) = output(reference), output(keras)
    for one, two, again in zip(ours, theirs, model.predict(x, verbose=0), strict=True):
        assert one.dtype == two.dtype == again.dtype
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(again, two)


def test_ids_stay_whole_however_large():
    x = keras.Input((1,))
    table = keras.layers.Embedding(2**24 + 2, 1, embeddings_initializer="zeros")
    model = keras.Model(x, table(x))
    table.embeddings.assign(table.embeddings.value.at[2**24 + 1, 0].set(1.0))
    assert float(model(np.array([[2**24 + 1]]))[0, 0, 0]) == 1


# ---- masks and tuples


class Doubled(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x, mask=None):
        return 2 * x


MASK = np.array([[1, 1, 0], [1, 0, 0]], bool)
SERIES = np.arange(12, dtype="float32").reshape(2, 3, 2)


@pytest.mark.parametrize("call", [lambda f: f(SERIES, mask=MASK), lambda f: f(SERIES, MASK)])
def test_a_mask_that_is_given_is_passed_on(call):
    np.testing.assert_array_equal(get_mask(call(Doubled())), MASK)
    last = keras.layers.LSTM(2)
    np.testing.assert_array_equal(last(call(Doubled())), last(2 * SERIES, mask=MASK))
    assert not np.array_equal(last(call(Doubled())), last(2 * SERIES))


def test_a_mask_that_is_given_is_passed_on_in_a_functional_model():
    x, mask = keras.Input((3, 2)), keras.Input((3,), dtype="bool")
    last = keras.layers.LSTM(2)
    model = keras.Model([x, mask], last(Doubled()(x, mask=mask)))
    np.testing.assert_allclose(
        model.predict([SERIES, MASK], verbose=0), last(2 * SERIES, mask=MASK), rtol=1e-5
    )


def test_a_tuple_of_outputs_stays_one():
    x = keras.Input((2,))
    d = keras.layers.Dense(1)
    model = keras.Model((x,), (d(x), [d(x), {"a": d(x)}]))
    copies = keras.Model.from_config(model.get_config()), keras.models.clone_model(model)
    for one in (model, *copies):
        first, (second, named) = outputs = one(X)
        assert isinstance(outputs, tuple) and isinstance(outputs[1], list)
        assert first.shape == second.shape == named["a"].shape == (6, 1)


@pytest.mark.parametrize("form", [list, tuple])
def test_a_model_of_one_output_gives_it_bare_as_in_keras(form, tmp_path):
    x = keras.Input((3,))
    model = keras.Model([x], form([keras.layers.Dense(2, name="out")(x)]))
    rows = np.ones((4, 3), "float32")
    model.save(tmp_path / "model.keras")
    models = [model, keras.models.load_model(tmp_path / "model.keras")]
    models += [keras.models.clone_model(model), keras.Model.from_config(model.get_config())]
    models.append(keras.Model(x, models[0](x)))  # in another
    models.append(keras.models.clone_model(models[-1]))
    for one in models:
        one.compile("sgd", "mse", metrics=["mae"])
        assert sorted(one.fit(rows, np.ones((4, 2)), verbose=0).history) == ["loss", "mae"]
        assert one(rows).shape == one.predict(rows, verbose=0).shape == (4, 2)
        assert one.predict_on_batch(rows).shape == (4, 2)
        assert one.output_shape == (None, 2) and one.input_shape == (None, 3)
    symbolic = model(keras.Input((3,)))  # keeps its form, as there
    assert isinstance(symbolic, form) and symbolic[0].shape == (None, 2)
