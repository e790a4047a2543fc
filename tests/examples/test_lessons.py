"""The lessons run, each in its old dialect and in today's API, and say the same."""

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from hornbook.cli import main

LESSONS = Path(__file__).parents[2] / "examples" / "lessons"

# lesson: the old program, today's, epochs of the small form, how far apart their numbers may lie
PAIRS = {
    "ratings": ("ratings_keras1", "ratings", 1, 1e-3),
    "pseudo-labels": ("pseudo_labels_keras1", "pseudo_labels", 3, 0.05),
    "three characters": ("three_characters_keras1", "three_characters", 1, 1e-3),
    "RNN by hand": ("rnn_by_hand_keras1", "rnn_by_hand", 1, 1e-3),
    "SimpleRNN": ("simple_rnn_keras1", "simple_rnn", 1, 1e-3),
    "sequences": ("sequences_keras1", "sequences", 2, 0.0101),  # prints two digits
    "stateful LSTM": ("stateful_lstm_keras1", "stateful_lstm", 2, 0.3),  # another sigmoid
    "RNN in Theano": ("rnn_theano", "rnn_scan", 1, 1e-3),
    "RNN in NumPy": ("rnn_numpy", "rnn_gradients", 1, 1e-3),
    "Dense": ("dense_keras2", "dense", 2, 1e-3),
    "convnet": ("convnet_keras2", "convnet", 2, 1e-3),
    "LSTM": ("lstm_keras2", "lstm", 1, 0.3),  # another sigmoid
    "word2vec": ("word2vec_keras2", "word2vec", 1, None),  # today's does CBOW too
}


@pytest.fixture
def told(monkeypatch, capsys):
    """What a program prints."""
    monkeypatch.syspath_prepend(str(LESSONS))

    def run(name: str, *arguments: str) -> str:
        sys.modules.pop("material", None)
        path = str(LESSONS / f"{name}.py")
        capsys.readouterr()
        if name.rpartition("_")[2] in ("keras1", "keras2", "theano", "gensim"):
            assert main(["run", path, *arguments]) == 0, capsys.readouterr().err
        else:
            monkeypatch.setattr(sys, "argv", [path, *arguments])
            runpy.run_path(path, run_name="__main__")
        return capsys.readouterr().out

    return run


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", text)]


@pytest.mark.parametrize("lesson", PAIRS)
def test_a_lesson_says_the_same_in_its_old_dialect_and_today(lesson, told):
    old, new, epochs, apart = PAIRS[lesson]
    then, now = told(old, str(epochs)), told(new, str(epochs))
    print(then, now, sep="\n--\n")
    assert numbers(then) and np.isfinite(numbers(then)).all()
    if apart is not None:
        np.testing.assert_allclose(numbers(now), numbers(then), rtol=apart, atol=apart)


def test_topics_are_gensim_s(told):
    pytest.importorskip("gensim")
    asked, *likest = told("topics_gensim").splitlines()
    assert "what a dog does" in asked and len(likest) == 4
    assert all("dog" in line or "cat" in line for line in likest)


def test_the_table_has_every_program_in_order():
    rows = re.findall(r"^\| .*", (LESSONS / "README.md").read_text(), re.M)
    named = re.findall(r"`(\w+\.py)`", "\n".join(rows))
    assert sorted(named) == sorted({p.name for p in LESSONS.glob("*.py")} - {"material.py"})
