"""Models that begin with layers on the host: strings in, numbers on the device."""

import copy
import pickle
import threading

import keras as theirs
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.core.config import register_keras_serializable
from hornbook.layers.host import HostLayer
from hornbook.models import host

WORDS = ["blue", "green", "red"]
NAMES = np.random.default_rng(0).choice(["blue", "RED", "other"], (40, 3))
REDS = (NAMES == "RED").sum(1).astype("float32")[:, None]


@register_keras_serializable("host")
class Lookup(HostLayer):
    """Numbers of words, in any case; 0 for others."""

    takes = "string"
    threads: set = set()

    def __init__(self, words, **kwargs):
        super().__init__(**kwargs)
        self.words = words

    def call(self, inputs):
        Lookup.threads.add(threading.get_ident())
        number = {word: i + 1 for i, word in enumerate(self.words)}
        found = [number.get(word.lower(), 0) for word in inputs.ravel().tolist()]
        return np.array(found, "int64").reshape(inputs.shape)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, "int64")


class Letters(HostLayer):
    """The letters of words, as long as the longest one of a batch."""

    takes = "string"

    def call(self, inputs):
        words = inputs.ravel().tolist()
        letters = np.zeros((len(words), max(map(len, words))), "int64")
        for row, word in zip(letters, words, strict=True):
            row[: len(word)] = [ord(letter) % 32 for letter in word]
        return letters

    def compute_output_spec(self, inputs):
        return keras.KerasTensor((inputs.shape[0], None), "int64")


def model_of(lookup=None, rows=4):
    keras.utils.set_random_seed(0)
    words = keras.Input((3,), dtype="string", name="words")
    vectors = layers.Embedding(rows, 4)((lookup or Lookup(WORDS))(words))
    model = keras.Model(words, layers.Dense(1)(layers.Flatten()(vectors)))
    model.compile("adam", "mse")
    return model


def sequential():
    keras.utils.set_random_seed(0)
    stack = [Lookup(WORDS), layers.Embedding(4, 4), layers.Flatten(), layers.Dense(1)]
    model = keras.Sequential(stack)
    model.compile("adam", "mse")
    return model


def batches():
    for start in range(0, 40, 10):
        yield NAMES[start : start + 10], REDS[start : start + 10]


def agree(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


# ---- a layer by itself


@pytest.mark.parametrize(
    "given",
    [
        ["blue", "x"],
        np.array(["blue", "x"]),
        np.array(["blue", "x"], object),
        np.array([b"blue", b"x"]),
        np.array([b"blue", "x"], object),
    ],
    ids=["list", "str", "objects", "bytes", "mixed"],
)
def test_a_host_layer_takes_strings_of_any_kind(given):
    assert Lookup(WORDS)(given).tolist() == [1, 0]


def test_a_host_layer_takes_pandas_and_one_string():
    pd = pytest.importorskip("pandas")
    assert Lookup(WORDS)(pd.Series(["red", "x"], dtype="string")).tolist() == [3, 0]
    assert Lookup(WORDS)("red").tolist() == 3


@pytest.mark.parametrize(
    "given, words",
    [
        ([["a"], ["a", "b"]], "'it' .Lookup. has rows of different lengths .1 and 2"),
        (np.array(["a", None]), "has None in row 1"),
        (np.ones(2), "layer 'it' .Lookup. takes strings; it got float64.*astype.str"),
        (keras.Input((2,)), "takes strings; it got 'input_layer.*dtype='string'"),
    ],
)
def test_a_host_layer_says_what_it_takes(given, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Lookup(WORDS, name="it")(given)


def test_strings_that_reach_a_layer_of_the_device_are_told_with_its_name():
    for given in (keras.Input((1,), dtype="string"), np.array([["a"]])):
        with pytest.raises((TypeError, ValueError), match="(?s)'d' .*StringLookup"):
            layers.Dense(2, name="d")(given)
    with pytest.raises(TypeError, match="(?s)holds strings.*StringLookup"):
        keras.ops.exp(keras.Input((1,), dtype="string"))


def test_strings_given_to_a_model_of_numbers_are_told_with_the_way_out():
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    with pytest.raises(TypeError, match="x has 'a' in row 0.*begin the model with a StringLookup"):
        model.predict(np.array([["a"]]), verbose=0)


# ---- training


def test_an_input_of_strings_has_the_dtype_of_keras():
    ours = keras.Input((1,), dtype="string")
    assert ours.dtype == theirs.Input((1,), dtype="string").dtype == "string"


def test_a_model_is_trained_evaluated_and_asked_from_strings_as_from_numbers():
    model, numbers = model_of(), Lookup(WORDS)(NAMES)
    plain = keras.Sequential([keras.Input((3,), dtype="int32"), *model.layers[2:]])
    agree(model.predict(NAMES, verbose=0), plain.predict(numbers, verbose=0))
    agree(model(NAMES[:3]), plain(numbers[:3]))
    agree(model.predict_on_batch(NAMES[:3].tolist()), plain(numbers[:3]))
    seen = [model.fit(NAMES, REDS, epochs=2, shuffle=False, verbose=0).history["loss"]]
    again = model_of()
    plain = keras.Sequential([keras.Input((3,), dtype="int32"), *again.layers[2:]])
    plain.compile("adam", "mse")
    seen.append(plain.fit(numbers, REDS, epochs=2, shuffle=False, verbose=0).history["loss"])
    agree(*seen)
    agree(model.evaluate(NAMES, REDS, verbose=0), plain.evaluate(numbers, REDS, verbose=0))
    agree(model.train_on_batch(NAMES, REDS), plain.train_on_batch(numbers, REDS))
    agree(model.test_on_batch(NAMES, REDS), plain.test_on_batch(numbers, REDS))


def test_parts_for_validation_and_sources_of_batches():
    history = model_of().fit(NAMES, REDS, validation_split=0.25, epochs=30, verbose=0).history
    assert history["val_loss"][-1] < history["val_loss"][0]
    one, other = model_of(), model_of()
    Lookup.threads.clear()
    one.fit(batches(), steps_per_epoch=4, verbose=0)
    assert Lookup.threads - {threading.get_ident()}  # ahead of the device
    other.fit(NAMES, REDS, batch_size=10, shuffle=False, verbose=0)
    agree(one.predict(NAMES, verbose=0), other.predict(NAMES, verbose=0))
    agree(other.predict(iter([NAMES[:20], NAMES[20:]]), verbose=0), other(NAMES))


@pytest.mark.parametrize("first", ["call", "fit", "source", "predict"])
def test_a_stack_without_an_input_is_built_by_the_first_strings(first):
    model = sequential()
    if first == "call":
        model(NAMES)
    elif first == "predict":
        model.predict(NAMES, verbose=0)
    else:
        given = (batches(), None) if first == "source" else (NAMES, REDS)
        model.fit(*given, epochs=0 if first == "fit" else 1, verbose=0)
    assert model.inputs[0].dtype == "string" and model.output_shape == (None, 1)
    if first != "source":
        agree(model(NAMES), model_of()(NAMES))


def test_what_is_large_goes_to_the_device_batch_by_batch(monkeypatch):
    whole, parts = model_of(), model_of()
    whole.fit(NAMES, REDS, shuffle=False, batch_size=16, verbose=0)
    monkeypatch.setattr(host, "WHOLE_BYTES", 0)
    Lookup.threads.clear()
    parts.fit(NAMES, REDS, shuffle=False, batch_size=16, verbose=0)
    assert Lookup.threads - {threading.get_ident()}
    agree(parts.predict(NAMES, batch_size=16, verbose=0), whole.predict(NAMES, verbose=0))
    seen = []
    watch = keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(batch))
    parts.fit(NAMES, REDS, batch_size=16, epochs=2, callbacks=[watch], verbose=0)
    assert seen == [0, 1, 2] * 2


def test_each_batch_is_as_long_as_its_own_longest_row():
    words = keras.Input((), dtype="string")
    vectors = layers.Embedding(32, 2, mask_zero=True)(Letters()(words))
    model = keras.Model(words, layers.Dense(1)(layers.GlobalAveragePooling1D()(vectors)))
    model.compile("sgd", "mse")
    found = model.predict(NAMES[:, 0], batch_size=1, verbose=0)
    agree(found, model.predict(NAMES[:, 0], batch_size=16, verbose=0))
    assert np.isfinite(model.fit(NAMES[:, 0], REDS, batch_size=4, verbose=0).history["loss"]).all()


def test_an_id_outside_the_table_is_told_from_the_host_s_output():
    with pytest.raises(ValueError, match="'embedding.*has 3 rows"):
        model_of(rows=3).fit(NAMES, REDS, verbose=0)


def test_inputs_of_both_kinds_by_name():
    words, amount = keras.Input((1,), dtype="string", name="w"), keras.Input((2,), name="n")
    whole = layers.Concatenate()(
        [layers.Flatten()(layers.Embedding(4, 2)(Lookup(WORDS)(words))), amount]
    )
    model = keras.Model({"w": words, "n": amount}, layers.Dense(1)(whole))
    model.compile("sgd", "mse")
    data = {"w": NAMES[:, 0], "n": np.ones((40, 2))}
    model.fit(data, REDS, verbose=0, validation_split=0.5)
    agree(model.predict(data, verbose=0), model(data))
    with pytest.raises(TypeError, match="input 'w' takes strings; it got numbers"):
        model.predict(data | {"w": np.ones(40)}, verbose=0)
    with pytest.raises(TypeError, match="input 'n' takes numbers .float32.; it got strings"):
        model.fit(data | {"n": NAMES[:, :2]}, REDS, verbose=0)


# ---- models in models


def test_a_model_with_host_layers_is_a_layer_of_another_one():
    inner = model_of()
    stack = keras.Sequential([keras.Input((3,), dtype="string"), inner])
    agree(stack.predict(NAMES, verbose=0), inner.predict(NAMES, verbose=0))
    words = keras.Input((3,), dtype="string")
    outer = keras.Model(words, layers.Dense(2)(layers.Concatenate()([inner(words), inner(words)])))
    outer.compile("sgd", "mse")
    before = inner.get_weights()
    assert [layer.name for layer in outer.layers if layer is inner] == [inner.name]
    outer.fit(NAMES, np.ones((40, 2)), verbose=0)
    assert not np.array_equal(before[0], inner.get_weights()[0])
    agree(outer.predict(NAMES, verbose=0), outer(NAMES))


def test_what_needs_no_weights_may_stand_before_a_host_layer():
    @register_keras_serializable("host")
    class Parity(HostLayer):
        takes = "int"

        def call(self, inputs):
            return inputs % 2

        def compute_output_spec(self, inputs):
            return keras.KerasTensor(inputs.shape, "int64")

    x = keras.Input((2,))
    model = keras.Model(x, Parity()(keras.ops.cast(layers.Rescaling(10)(x), "int32")))
    assert model.predict(np.array([[0.1, 0.2]]), verbose=0).tolist() == [[1, 0]]
    hidden = layers.Dense(2, name="d")(x)
    with pytest.raises(ValueError, match="(?s)'p' .Parity. computes on the host.*'d' .Dense."):
        keras.Model(x, Parity(name="p")(keras.ops.cast(hidden, "int32")))


def test_a_model_of_host_layers_alone():
    model = keras.Sequential([Lookup(WORDS)])
    assert model.predict(NAMES[:1], verbose=0).tolist() == Lookup(WORDS)(NAMES[:1]).tolist()


def test_a_host_layer_in_a_call_of_one_s_own_says_that_it_cannot_be_compiled():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.numbers, self.dense = Parityless(), layers.Dense(1)

        def call(self, x):
            return self.dense(self.numbers(x))

    class Parityless(HostLayer):
        takes = "int"

        def call(self, inputs):
            return inputs.astype("float32")

        def compute_output_spec(self, inputs):
            return keras.KerasTensor(inputs.shape)

    model = Own()
    model.compile("sgd", "mse")
    assert model(np.ones((2, 2), "int32")).shape == (2, 1)
    with pytest.raises(TypeError, match="(?s)inside compiled code.*Sequential"):
        model.fit(np.ones((2, 2), "int32"), np.ones(2), verbose=0)


# ---- files and copies


def test_copies_pickles_and_files(tmp_path):
    model = model_of()
    model.fit(NAMES, REDS, verbose=0)
    wanted = model.predict(NAMES, verbose=0)
    model.save(tmp_path / "m.keras")
    others = [
        keras.models.load_model(tmp_path / "m.keras"),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ]
    for again in others:
        agree(again.predict(NAMES, verbose=0), wanted)
        again.fit(NAMES, REDS, verbose=0)
