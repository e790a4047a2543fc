"""Modules: names, paths, and what is found by looking at attributes."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras.src.utils.naming import to_snake_case as their_snake_case

import hornbook
from hornbook.core import module
from hornbook.core.module import Module, auto_name, to_snake_case
from hornbook.core.variable import Variable


def words(text):
    return text.split()


# ---- names


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Dense", "dense"),
        ("LSTMCell", "lstm_cell"),
        ("MaxPooling2D", "max_pooling2d"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("GRU", "gru"),
        ("My Layer!", "my_layer"),
    ],
)
def test_snake_case(name, snake):
    assert to_snake_case(name) == snake


@given(st.from_regex(r"[A-Z][A-Za-z0-9]{0,12}", fullmatch=True))
def test_snake_case_is_keras_s(name):
    assert to_snake_case(name) == their_snake_case(name)


def test_automatic_names_are_numbered_from_the_second_on():
    assert [auto_name("a"), auto_name("a"), auto_name("b"), auto_name("a")] == words("a a_1 b a_2")
    module.reset_names()
    assert auto_name("a") == "a"


def test_layers_are_named_as_in_keras():
    def made(k):
        k.utils.clear_session(free_memory=False)
        return [
            k.layers.Dense(1).name,
            k.layers.Dense(1).name,
            k.layers.LSTM(1).name,
            k.layers.Conv2D(1, 1).name,
            k.layers.MaxPooling2D().name,
            k.layers.Dense(1, name="mine").name,
            k.layers.Dense(1).name,
            k.Sequential().name,
            k.Sequential().name,
            k.layers.Bidirectional(k.layers.LSTM(2)).name,
            k.layers.TimeDistributed(k.layers.Dense(2)).name,
            k.Input((1,)).name.replace("keras_tensor", "input"),
        ][:-1]

    assert made(hornbook) == made(keras)


@pytest.mark.parametrize("wrong", ["", "a/b", 3])
def test_a_wrong_name_is_refused(wrong):
    with pytest.raises(ValueError, match=r"name is a non-empty string without '/', not"):
        Module(wrong)


# ---- what a module owns


class Block(Module):
    def __init__(self, name=None):
        super().__init__(name)
        self.kernel = Variable([1.0, 2.0], name="kernel")
        self.bias = Variable([0.0], name="bias")


class Tower(Module):
    def __init__(self):
        super().__init__("tower")
        self.count = Variable(0, name="count", trainable=False)
        self.scale = Variable(1.0, name="scale")
        self.blocks = [Block("first"), Block("second")]
        self.by_name = {"x": Block("third"), "deep": [(Block("fourth"),)]}
        self.again = self.blocks[0]
        self.itself = self


def test_variables_and_modules_are_found_in_lists_and_dicts_in_the_order_they_were_set():
    tower = Tower()
    assert [c.name for c in tower._child_modules()] == words("first second third fourth")
    assert [m.name for m in tower._all_modules()] == words("tower first second third fourth")
    assert list(tower._variable_paths()) == [
        *("scale", "count"),
        *(f"{b}/{v}" for b in words("first second third fourth") for v in ("kernel", "bias")),
    ]
    assert tower._all_variables() == list(tower._variable_paths().values())


def test_trainable_variables_come_first_among_a_module_s_own():
    assert [v.name for v in Tower()._owned_variables()] == ["scale", "count"]


def test_what_is_appended_later_is_found():
    tower = Tower()
    tower.blocks.append(Block("late"))
    tower.by_name["later"] = Block("later")
    assert {"late", "later"} <= {c.name for c in tower._child_modules()}


def test_what_is_taken_away_is_gone():
    tower = Tower()
    tower.blocks.pop()
    tower.by_name = None
    assert [c.name for c in tower._child_modules()] == ["first"]


def test_equal_names_get_paths_that_differ():
    tower = Tower()
    for block in tower.blocks:
        block.name = "same"
    paths = [p for p in tower._variable_paths() if p.startswith("same")]
    assert paths == ["same/kernel", "same/bias", "same/kernel_1", "same/bias_1"]


def test_a_cycle_of_modules_ends():
    a, b = Block("a"), Block("b")
    a.other, b.other = b, a
    assert [m.name for m in a._all_modules()] == ["a", "b"]
    assert list(a._variable_paths()) == ["kernel", "bias", "b/kernel", "b/bias"]


def test_constructor_arguments_are_not_owned():
    class Holder(Module):
        def __init__(self, block):
            super().__init__("holder")

    assert Holder(Block())._child_modules() == []


def test_the_structure_version_rises_where_ownership_may_change():
    block = Block()
    before = module.structure_version()
    block.note = "text"
    assert module.structure_version() == before
    block.more = [Block()]
    block.trainable = False
    assert module.structure_version() > before


# ---- paths of layers' weights: a golden list, which is Keras's too

X, SERIES, IMAGE = (3,), (4, 3), (6, 6, 3)
RNN = "{0}_cell/kernel {0}_cell/recurrent_kernel {0}_cell/bias"
NORM = "gamma beta moving_mean moving_variance"


PATHS = {
    "Dense": (lambda k: k.layers.Dense(2), X, "kernel bias"),
    "Embedding": (lambda k: k.layers.Embedding(5, 2), X, "embeddings"),
    "BatchNormalization": (lambda k: k.layers.BatchNormalization(), X, NORM),
    "LayerNormalization": (lambda k: k.layers.LayerNormalization(), X, "gamma beta"),
    "GroupNormalization": (lambda k: k.layers.GroupNormalization(3), X, "gamma beta"),
    "UnitNormalization": (lambda k: k.layers.UnitNormalization(), X, ""),
    "PReLU": (lambda k: k.layers.PReLU(), X, "alpha"),
    "EinsumDense": (
        lambda k: k.layers.EinsumDense("ab,bc->ac", 2, bias_axes="c"),
        X,
        "kernel bias",
    ),
    "Conv1D": (lambda k: k.layers.Conv1D(2, 2), SERIES, "kernel bias"),
    "Conv2D": (lambda k: k.layers.Conv2D(2, 2), IMAGE, "kernel bias"),
    "Conv2DTranspose": (lambda k: k.layers.Conv2DTranspose(2, 2), IMAGE, "kernel bias"),
    "DepthwiseConv2D": (lambda k: k.layers.DepthwiseConv2D(2), IMAGE, "kernel bias"),
    "SeparableConv2D": (
        lambda k: k.layers.SeparableConv2D(2, 2),
        IMAGE,
        "depthwise_kernel pointwise_kernel bias",
    ),
    "SimpleRNN": (lambda k: k.layers.SimpleRNN(2), SERIES, RNN.format("simple_rnn")),
    "LSTM": (lambda k: k.layers.LSTM(2), SERIES, RNN.format("lstm")),
    "GRU": (lambda k: k.layers.GRU(2), SERIES, RNN.format("gru")),
    "LSTM with dropout": (
        lambda k: k.layers.LSTM(2, dropout=0.5, recurrent_dropout=0.5),
        SERIES,
        RNN.format("lstm"),
    ),
    "RNN": (lambda k: k.layers.RNN(k.layers.GRUCell(2)), SERIES, RNN.format("gru")),
    "stacked RNN": (
        lambda k: k.layers.RNN([k.layers.LSTMCell(2), k.layers.LSTMCell(2)]),
        SERIES,
        " ".join(
            f"stacked_rnn_cells/lstm_cell{n}/{p}"
            for n in ("", "_1")
            for p in words("kernel recurrent_kernel bias")
        ),
    ),
    "Bidirectional": (lambda k: k.layers.Bidirectional(k.layers.LSTM(2)), SERIES, None),
    "TimeDistributed": (
        lambda k: k.layers.TimeDistributed(k.layers.Dense(2)),
        SERIES,
        "dense/kernel dense/bias",
    ),
    "MultiHeadAttention": (lambda k: k.layers.MultiHeadAttention(2, 2), SERIES, None),
}


def paths(k, make, shape):
    k.utils.clear_session(free_memory=False)  # in Keras a collection of all garbage
    layer = make(k)
    x = k.Input(shape)
    layer(*([x, x] if type(layer).__name__ == "MultiHeadAttention" else [x]))
    return layer.name, [w.path for w in layer.weights]


@pytest.mark.parametrize("row", PATHS)
def test_weights_have_keras_s_paths(row):
    make, shape, golden = PATHS[row]
    name, found = paths(hornbook, make, shape)
    assert (name, found) == paths(keras, make, shape)
    if golden is not None:
        assert found == [f"{name}/{path}" for path in words(golden)]


def models(k):
    x = k.Input((4, 3))
    inner_in = k.Input((4, 3))
    inner = k.Model(inner_in, k.layers.Dense(2)(inner_in), name="inner")
    h = k.layers.LSTM(2, return_sequences=True)(inner(x))
    block = k.Sequential([k.layers.Dense(2), k.layers.BatchNormalization()], name="block")
    return k.Model(x, block(h))


def test_weights_of_nested_models_have_keras_s_paths():
    hornbook.utils.clear_session()
    keras.utils.clear_session(free_memory=False)
    ours, theirs = models(hornbook), models(keras)
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    assert [w.path for w in ours.trainable_weights] == [w.path for w in theirs.trainable_weights]


def subclassed(k):
    class Blocks(k.Model):
        def __init__(self):
            super().__init__(name="blocks")
            self.stack = [k.layers.Dense(2, name="a"), k.layers.Dense(2, name="b")]
            self.heads = {"y": k.layers.Dense(1, name="y"), "x": k.layers.Dense(1, name="x")}

        def build(self, shape):
            self.scale = self.add_weight(shape=(1,), initializer="ones", name="scale")

        def call(self, x):
            for layer in self.stack:
                x = layer(x)
            return {name: head(x) * self.scale for name, head in self.heads.items()}

    return Blocks()


def test_weights_of_a_subclassed_model_have_keras_s_paths():
    ours, theirs = subclassed(hornbook), subclassed(keras)
    for model in (ours, theirs):
        model(np.ones((1, 2), "float32"))
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
