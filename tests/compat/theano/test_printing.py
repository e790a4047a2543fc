"""Graphs as text, and values printed at run time."""

import numpy as np
import pytest

from hornbook.compat.theano import printing
from hornbook.compat.theano.function import function
from hornbook.compat.theano.names import NAMES
from hornbook.compat.theano.types import TensorType

X = TensorType("float32", (False, False))("x")
EXP = NAMES.get("floats", "exp")


def test_a_graph_is_printed_with_what_is_repeated_shown_once():
    y = EXP(X)
    shown = printing.debugprint(y + y * 2, file="str")
    assert shown.splitlines() == [
        "add [id A] ''",
        " |exp [id B] ''",
        " | |x [id C]",
        " |mul [id D] ''",
        "   |exp [id B] ''",
        "   | |...",
        "   |dimshuffle [id E] ''",
        "     |TensorConstant{2} [id F]",
    ] or shown.splitlines() == [
        "add [id A] ''",
        " |exp [id B] ''",
        " | |x [id C]",
        " |mul [id D] ''",
        "   |exp [id B] ''",
        "   | |...",
        "   |TensorConstant{2} [id E]",
    ]


def test_types_numbers_and_depth(capsys):
    printing.debugprint(EXP(EXP(X)), depth=2, print_type=True, ids="int")
    assert capsys.readouterr().out.splitlines() == [
        "exp <TensorType(float32, matrix)> [id 0] ''",
        " |exp <TensorType(float32, matrix)> [id 1] ''",
    ]
    with pytest.raises(TypeError, match="takes variables and functions"):
        printing.debugprint(3)


def test_a_function_is_shown_by_its_outputs():
    assert printing.debugprint(function([X], EXP(X)), file="str").startswith("exp [id A]")


def test_a_formula():
    y = EXP(X) / 2 - X
    assert printing.pp(y) == "((exp(x) / TensorConstant{2}) - x)"
    y.name = "y"
    assert printing.pprint(-(y * X)) == "(-(y * x))"


def test_values_are_printed_while_a_function_runs(capsys):
    seen = []
    shown = printing.Print("here", attrs=["shape"])(X)
    kept = printing.Print(global_fn=lambda op, value: seen.append(value.tolist()))(shown)
    made = function([X], EXP(kept))(np.zeros((1, 2), "float32"))
    np.testing.assert_array_equal(made, [[1, 1]])
    assert capsys.readouterr().out == "here shape = (1, 2)\n"
    assert seen == [[[0.0, 0.0]]]


def test_a_graph_is_drawn_for_graphviz(tmp_path):
    with pytest.warns(UserWarning, match="dot -Tpng"):
        printing.pydotprint(EXP(X), outfile=str(tmp_path / "graph.png"))
    text = (tmp_path / "graph.dot").read_text()
    assert 'label="exp", shape=box' in text and "n1 -> n0" in text
