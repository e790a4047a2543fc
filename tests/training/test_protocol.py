"""Training and models interact only through one protocol."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hornbook as keras
from hornbook.training import protocol
from hornbook.training.protocol import Trainable

PROTOCOL = {name for name in vars(Trainable) if not name.startswith("__")}
PACKAGE = Path(keras.__file__).parent
TRAINING = sorted(PACKAGE.glob("training/**/*.py"))
MODELS = sorted(PACKAGE.glob("models/*.py"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def attributes(path: Path) -> Iterator[tuple[str, str, str]]:
    """(place, of what, attribute) of every attribute that is read or set in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
            yield place, ast.unparse(node.value), node.attr


def own(path: Path) -> set[str]:
    """The private names that the classes of a file define, or set in their objects."""
    defined = {
        node.name for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }  # fmt: skip
    return {*filter(is_private, defined)} | {
        name for _, of, name in attributes(path) if of == "self" and is_private(name)
    }


def models() -> list:
    x = keras.Input((2,))
    return [keras.Model(x, keras.layers.Dense(1)(x)), keras.Sequential(), keras.Model()]


def of_training() -> set[str]:
    """The private names that training gives a model."""
    names = {"_trained", "_training_state"}
    for kind in keras.Model.__mro__:
        if kind.__module__.startswith("hornbook.training"):
            names |= {*filter(is_private, vars(kind))}
    return names


def test_training_reads_no_private_attribute_of_a_model():
    private = {name for model in models() for name in dir(model) if is_private(name)} - PROTOCOL
    assert {"_recorded", "_owned", "_all_modules"} <= private
    mixins = {
        PACKAGE / f"{kind.__module__.partition('.')[2].replace('.', '/')}.py"
        for kind in keras.Model.__mro__
        if kind.__module__.startswith("hornbook.training")
    }
    assert {path.stem for path in mixins} == {"protocol", "custom", "compiling", "trainer"}
    theirs = private - of_training()
    found = [
        f"{place}: {of}.{name}"
        for path in TRAINING
        for place, of, name in attributes(path)
        if path.stem != "protocol"  # there they meet
        and name in (theirs if of == "self" and path in mixins else private)
        and (of != "self" or path in mixins)
    ]
    assert not found, "\n".join(found)


def test_models_read_nothing_that_is_trainings_own():
    names = of_training() - PROTOCOL | {"_training_state"}
    assert {"_evaluate", "_eagerly", "_training_state"} <= names
    found = [
        f"{place}: {of}.{name}"
        for path in MODELS
        for place, of, name in attributes(path)
        if name in names
    ]
    assert not found, "\n".join(found)


def test_what_training_asks_of_a_model_is_written_down():
    written = set(re.findall(r"`(\w+)`", protocol.__doc__))
    written |= PROTOCOL
    asked = {
        name: place
        for path in TRAINING
        if path.parent.name == "training"
        for place, of, name in attributes(path)
        if of in ("model", "self.model") and name != "setter"
    }
    unknown = {place: name for name, place in asked.items() if name not in written}
    assert not unknown
    assert set(asked) >= PROTOCOL


@pytest.mark.parametrize("model", models(), ids=["functional", "sequential", "subclass"])
def test_every_model_answers(model):
    assert isinstance(model, Trainable)
    known = model._known_outputs()
    graph = model._known_graph()
    assert (known.names is None) == (graph is None) == (known.specs is None)
    assert model._adapt_inputs(3) == 3
    if graph is not None:
        assert known.names == model.output_names and len(known.activations) == 1
        assert model._inputs_in_order([3]) == [3]
