"""Without interactive logging nothing is printed: progress and messages go to the log."""

import logging

import numpy as np
import pytest

import hornbook as keras
from hornbook.training import progress


@pytest.fixture
def silent():
    assert keras.config.is_interactive_logging_enabled()
    keras.config.disable_interactive_logging()
    yield
    keras.utils.enable_interactive_logging()
    assert keras.utils.is_interactive_logging_enabled()


@pytest.fixture(scope="module")
def model():
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


DATA = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")


def test_a_run_is_logged_line_by_line(model, silent, capsys, caplog, monkeypatch):
    monkeypatch.setattr(progress, "_is_terminal", lambda: True)
    stop = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1, verbose=1)
    with caplog.at_level(logging.INFO, "hornbook"):
        for verbose in (1, "auto"):
            model.fit(*DATA, epochs=2, verbose=verbose, callbacks=[stop])
        model.predict(DATA[0], verbose=1)
        model.summary()
        keras.utils.Progbar(3).update(3, [("loss", 1.0)])
    assert capsys.readouterr().out == ""
    lines = [record.getMessage() for record in caplog.records]
    assert lines.count("Epoch 1/2") == 2
    assert sum("sets the learning rate" in line for line in lines) == 4
    assert any("Total params" in line or "dense" in line for line in lines)
    assert not any("\r" in line or "\033" in line for line in lines)
    assert {record.levelno for record in caplog.records} == {logging.INFO}


def test_with_it_they_are_printed(model, capsys, caplog):
    with caplog.at_level(logging.INFO, "hornbook"):
        model.fit(*DATA, epochs=2, verbose=2)
    assert "Epoch 1/2" in capsys.readouterr().out
    assert not caplog.records
