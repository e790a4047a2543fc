"""Pictures of models: what is in them, and that nothing lies on anything else."""

import builtins
import itertools
import xml.etree.ElementTree as ElementTree

import pytest

import hornbook as keras
from hornbook import layers
from hornbook.plot.boxes import Show, boxes_of
from hornbook.plot.drawing import draw
from hornbook.plot.layout import arrange

EVERYTHING = {
    "show_shapes": True,
    "show_dtype": True,
    "show_layer_names": True,
    "show_layer_activations": True,
    "show_trainable": True,
}


@pytest.fixture(scope="module")
def model():
    """Two branches, a way around, a model inside, an op, two outputs."""
    a, b = keras.Input((4,), name="a"), keras.Input((6,), name="b")
    x = layers.Dense(4, activation="relu", name="first")(a)
    y = layers.Add(name="around")([a, layers.Dropout(0.5)(x)])
    both = layers.Concatenate(name="both")([y, b])
    inner = keras.Sequential([keras.Input((10,)), layers.Dense(3, name="inside")], name="inner")
    z = inner(both) * 2.0
    frozen = layers.Dense(1, name="value", trainable=False)
    return keras.Model([a, b], [layers.Dense(2, name="class")(z), frozen(z)], name="all")


def arrows(model, nested=False):
    found = boxes_of(model, Show(nested=nested)).all_arrows()
    return {(a.title.split(" ")[0], b.title.split(" ")[0]) for a, b in found}


def test_arrows_are_the_model_s(model):
    outer = {
        ("a", "first"),
        ("a", "around"),
        ("first", "dropout"),
        ("dropout", "around"),
        ("around", "both"),
        ("b", "both"),
        ("Multiply", "class"),
        ("Multiply", "value"),
    }
    found = {(x.rstrip("_0123456789"), y.rstrip("_0123456789")) for x, y in arrows(model)}
    assert found == outer | {("both", "inner"), ("inner", "Multiply")}
    found = {(x.rstrip("_0123456789"), y.rstrip("_0123456789")) for x, y in arrows(model, True)}
    assert found == outer | {("both", "inside"), ("inside", "Multiply")}


def test_a_model_that_is_not_built_is_a_chain():
    chain = keras.Sequential([layers.Dense(2, name="x"), layers.Dense(2, name="y")])
    assert arrows(chain) == {("x", "y")}
    assert "?" in keras.utils.model_to_dot(chain, show_shapes=True).to_string()


def test_the_text_of_graphviz(model):
    text = keras.utils.model_to_dot(model, expand_nested=True, **EVERYTHING).to_string()
    for part in (
        "digraph G {",
        "first (Dense)",
        "activation: relu",
        "input: (None, 4)",
        "output: (None, 10)",
        "dtype: float32",
        "trainable: no",
        "subgraph cluster_",
        'label="inner"',
    ):
        assert part in text
    assert text.count(" -> ") == 10
    assert "first" not in keras.utils.model_to_dot(model, show_layer_names=False).to_string()
    assert keras.utils.model_to_dot(model, subgraph=True).to_string().startswith("subgraph")


@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
def test_boxes_do_not_overlap_and_arrows_go_one_way(model, rankdir):
    drawing = draw(boxes_of(model, Show(shapes=True)), rankdir)
    boxes = [one for one in drawing.rectangles if one.fill == "#ffffff"]
    assert len(boxes) == 10
    for p, q in itertools.combinations(boxes, 2):
        apart = p.x + p.width <= q.x or q.x + q.width <= p.x
        assert apart or p.y + p.height <= q.y or q.y + q.height <= p.y
    for one in boxes:
        assert one.x > 0 and one.x + one.width < drawing.width
        assert one.y > 0 and one.y + one.height < drawing.height
    for line in drawing.lines:
        (x0, y0), (x1, y1) = line[0], line[-1]
        assert {"TB": y1 - y0, "BT": y0 - y1, "LR": x1 - x0, "RL": x0 - x1}[rankdir] > 0
    texts = {one.text: one for one in drawing.texts}
    assert any(b.y < texts["first (Dense)"].y < b.y + b.height for b in boxes)


def test_a_trunk_is_straight_and_rows_have_few_crossings():
    chain = [f"n{i}" for i in range(6)]
    edges = [*zip(chain, chain[1:]), ("n0", "n5")]
    plan = arrange(dict.fromkeys(chain, (50.0, 10.0)), edges)
    middle = [plan.middle[name][0] for name in chain[1:-1]]
    assert max(middle) - min(middle) < 1.0
    sizes = dict.fromkeys(["a", "b", "c", "d"], (20.0, 10.0))
    crossed = arrange(sizes, [("a", "d"), ("b", "c")])
    x = {name: crossed.middle[name][0] for name in sizes}
    assert (x["a"] - x["b"]) * (x["d"] - x["c"]) > 0


def test_an_svg_is_one_and_needs_no_other_library(model, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    path = tmp_path / "model.svg"
    keras.utils.plot_model(model, path, **EVERYTHING)
    root = ElementTree.fromstring(path.read_bytes())
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "class (Dense)" in texts and "output: (None, 2)" in texts
    with pytest.raises(ImportError, match=r"pip install 'hornbook\[plot\]'.*model.svg"):
        keras.utils.plot_model(model, tmp_path / "model.png")


def test_a_png_is_as_large_as_asked(model, tmp_path):
    pytest.importorskip("matplotlib")
    sizes = []
    for dpi in (36, 72):
        path = tmp_path / f"model{dpi}.png"
        keras.utils.plot_model(model, str(path), dpi=dpi)
        data = path.read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        sizes.append(int.from_bytes(data[16:20], "big"))
    assert abs(sizes[1] - 2 * sizes[0]) <= 2


def test_the_methods_of_old_pictures(model, tmp_path):
    dot = keras.utils.model_to_dot(model)
    assert dot.create(prog="dot", format="svg") == dot.create_svg()
    assert dot.write_raw(tmp_path / "m.dot") and "digraph" in (tmp_path / "m.dot").read_text()
    with pytest.raises(AttributeError, match="no 'draw'"):
        dot.draw  # noqa: B018


def test_wrong_arguments_are_told(model):
    with pytest.raises(ValueError, match="rankdir is one of TB, BT, LR, RL, not 'up'"):
        keras.utils.plot_model(model, None, rankdir="up")
    with pytest.raises(TypeError, match="draws a model"):
        keras.utils.model_to_dot(layers.Dense(2))
    with pytest.raises(TypeError, match="unknown argument 'show_shape'"):
        keras.utils.plot_model(model, None, show_shape=True)
