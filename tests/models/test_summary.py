"""What `model.summary()` prints: Keras's words, one row for each layer, nothing cut."""

import re

import keras
import numpy as np
import pytest

import hornbook
from hornbook import layers

RULE = re.compile("[─━┏┳┓┡╇┩├┼┤└┴┘]+$")


def printed(model, **options):
    lines = []
    model.summary(print_fn=lambda line, **_: lines.extend(line.split("\n")), **options)
    return lines


def rows(lines):
    """The table's cells, and the text around it, without frames and blanks."""
    lines = [line for line in lines if line.strip() and not RULE.match(line.strip())]
    return [re.split(r"\s{2,}", re.sub("[┃│]", "  ", line).strip()) for line in lines]


def names(lines):
    """The names of what is listed."""
    found = [re.match(r"\s*(\w+) \(\w+\)", line) for line in lines[4:]]
    return [match[1] for match in found if match]


def convnet(lib):
    return lib.Sequential(
        [
            lib.Input((28, 28, 1)),
            lib.layers.Conv2D(8, 3),
            lib.layers.BatchNormalization(),
            lib.layers.MaxPooling2D(),
            lib.layers.Flatten(),
            lib.layers.Dense(10),
        ]
    )


def functional(lib):
    x = lib.Input((4,), name="x")
    y = lib.layers.Dense(3, name="one")(x)
    inner = lib.Sequential([lib.Input((3,)), lib.layers.Dense(3, name="deep")], name="inner")
    both = lib.layers.Concatenate(name="both")([y, lib.ops.tanh(y)])
    return lib.Model(x, inner(lib.layers.Dense(3, name="two")(both)))


def trained(lib):
    model = convnet(lib)
    model.compile("adam", "mse")
    model.fit(np.ones((2, 28, 28, 1)), np.ones((2, 10)), verbose=0)
    return model


def unbuilt(lib):
    return lib.Sequential([lib.layers.Dense(3), lib.layers.Dense(1)])


@pytest.mark.parametrize("make", [convnet, trained])
def test_a_stack_is_told_as_keras_tells_it(make, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    keras.utils.clear_session()
    assert rows(printed(make(hornbook))) == rows(printed(make(keras), line_length=100))


def test_rows_of_a_graph_are_those_of_keras(monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    options = {"expand_nested": True, "line_length": 120}
    ours, theirs = (rows(printed(functional(lib), **options)) for lib in (hornbook, keras))
    assert ours[0] == ['Model: "functional"']
    assert [row[1:3] for row in ours[2:-3]] == [row[-3:-1] for row in theirs[2:-3]]
    assert [row[3].split(", ")[0] for row in ours[2:-3]] == [
        row[-1].split(",")[0].replace("[0][0]", "") for row in theirs[2:-3]
    ]
    assert ours[-3:] == theirs[-3:]


@pytest.mark.parametrize("trainable", [True, False])
def test_a_column_says_what_is_trainable(trainable):
    model = functional(hornbook)
    model.get_layer("one").trainable = trainable
    lines = printed(model, show_trainable=True)
    last = {row[0].split()[0]: row[-1] for row in rows(lines) if "(" in row[0]}
    assert last["one"] == ("yes" if trainable else "no")
    assert last["two"] == "yes"
    assert last["both"] == last["x"] == "-"


def by_shape():
    model = hornbook.Sequential([layers.Dense(3), layers.Dense(1)])
    model.build((None, 4))
    return model


def by_first_layer():
    return hornbook.Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(1)])


def by_data():
    model = unbuilt(hornbook)
    model(np.ones((2, 4)))
    return model


class Own(hornbook.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [layers.Dense(3), layers.Dense(1)]

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def own():
    model = Own()
    model(np.ones((2, 4)))
    return model


@pytest.mark.parametrize("make", [by_shape, by_first_layer, by_data, own])
def test_there_is_a_row_for_each_layer_and_no_other(make):
    model = make()
    assert names(printed(model)) == [layer.name for layer in model.layers]


def test_ops_have_rows_with_names_of_their_own():
    x = hornbook.Input((4,))
    y = layers.Add(name="add")([x, x + 1])
    model = hornbook.Model(x, y + 2)
    listed = names(printed(model))
    assert listed == [model.layers[0].name, "add_1", "add", "add_2"]


def test_a_model_without_weights_says_how_to_get_them():
    lines = printed(unbuilt(hornbook))
    assert "0 (unbuilt)" in lines[4]
    assert "call it on data" in lines[-2]


def test_a_blank_line_stands_between_two_summaries(capsys):
    model = convnet(hornbook)
    model.summary()
    model.summary()
    first, second, rest = capsys.readouterr().out.split("\n\n")
    assert first == second
    assert not rest


@pytest.mark.parametrize("width", [40, 50, 60, 80, 120])
@pytest.mark.parametrize("make", [convnet, functional, trained])
def test_no_number_and_no_shape_is_cut(make, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    model = make(hornbook)
    lines = printed(model, show_trainable=True)
    text = " ".join(lines)
    for layer in model.layers:
        assert f" {layer.count_params():,}" in text
        for size in layer.output.shape[1:]:
            assert re.search(rf"\b{size}\b", text)
    if width >= 60:
        assert max(map(len, lines)) <= width
        text = "".join("".join(row[:1]) for row in (line.split("  ") for line in lines))
        assert all(layer.name in text for layer in model.layers)


def test_the_terminal_s_width_is_used_up_to_100_columns(monkeypatch):
    x = hornbook.Input((4,), name="x" * 90)
    model = hornbook.Model(x, layers.Dense(1, name="y" * 90)(x))
    monkeypatch.setenv("COLUMNS", "400")
    assert max(map(len, printed(model))) == 100


def test_columns_may_end_where_one_says():
    lines = printed(convnet(hornbook), line_length=80, positions=[0.5, 0.8, 1.0])
    assert [lines[2].index(head) for head in ("Layer", "Output")] == [0, 42]
    assert len(lines[2]) == 80


def test_a_range_of_layers_may_be_asked_for():
    model = convnet(hornbook)
    listed = names(printed(model, layer_range=["batch_norm.*", "flatten"]))
    assert listed == [layer.name for layer in model.layers[1:4]]
    with pytest.raises(ValueError, match="flaten"):
        model.summary(layer_range=["flaten", "dense"])
