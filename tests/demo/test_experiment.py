"""The demo from start to end in a tiny form."""

import signal
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from hornbook.demo import DemoError, Sizes, experiment, run
from hornbook.demo.curve import shown
from hornbook.demo.report import verdict

TINY = Sizes(embedding=8, units=24, streams=4, steps=16)
TEXT = "".join(f"{word} goes up and {word} comes down. " for word in ("ann", "bob", "eve") * 50)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "text.txt"
    path.write_text(TEXT)
    return str(path)


def test_a_small_model_learns_writes_and_reports(text, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    result = run(text, epochs=2, out=str(tmp_path / "new" / "out"), sizes=TINY)
    shown = capsys.readouterr().out

    assert len(result.history["loss"]) == len(result.history["val_loss"]) == 2
    assert result.losses["model"] == result.history["val_loss"][-1]
    assert result.losses["model"] < result.losses["unigram"]
    assert [when for when, _ in result.samples] == ["epoch 1", "epoch 2"]
    assert all(len(sample) == experiment.SAMPLE for _, sample in result.samples)
    assert set(result.samples[1][1]) <= set(TEXT)
    assert result.speed > 0
    assert not result.ending

    for piece in (
        "Text: text.txt",
        "lstm (LSTM)",
        "Epoch 2/2",
        "sample after epoch 2, temperature 0.7",
        "Learning curve",
        "held out, nats a character",
        f"this model            {result.losses['model']:.2f}",
        f"bigram (pairs)        {result.losses['bigram']:.2f}",
        f"{result.speed:,.0f} characters a second",
    ):
        assert piece in shown
    report = (tmp_path / "new" / "out" / "report.txt").read_text(encoding="utf-8")
    assert f"this model            {result.losses['model']:.2f}" in report
    assert result.samples[0][1] in report
    picture = tmp_path / "new" / "out" / "learning-curve.png"
    assert picture.exists() == (find_spec("matplotlib") is not None)
    assert ("learning-curve.png" in shown) == picture.exists()


def test_the_same_seed_gives_the_same_model_and_samples(text, tmp_path):
    once, again = (run(text, epochs=1, seed=3, out=str(tmp_path), sizes=TINY) for _ in range(2))
    assert once.samples == again.samples
    assert once.history == again.history


def test_ctrl_c_ends_with_what_was_learned(text, tmp_path, capsys, monkeypatch):
    show = experiment.show_sample

    def interrupting(text, when, temperature):
        show(text, when, temperature)
        if when == "epoch 2":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(experiment, "show_sample", interrupting)
    result = run(text, epochs=9, out=str(tmp_path), sizes=TINY)
    assert len(result.history["val_loss"]) == 2
    assert result.ending == "Training was interrupted in epoch 3 of 9."
    assert np.isfinite(result.losses["model"])
    assert [when for when, _ in result.samples][2:] == ["the interruption"]
    assert result.ending in capsys.readouterr().out


def test_ctrl_c_in_the_first_epoch_reports_without_a_curve(text, tmp_path, capsys, monkeypatch):
    class Impatient(experiment.Pace):
        def on_train_batch_end(self, batch, logs=None):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(experiment, "Pace", Impatient)
    result = run(text, epochs=2, out=str(tmp_path), sizes=TINY)
    assert not result.curves
    shown = capsys.readouterr().out
    assert "Learning curve" not in shown
    assert "this model" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["report.txt"]


def test_out_of_time_says_how_to_run_all_epochs(text, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(experiment, "SECONDS", 0.0)
    result = run(text, out=str(tmp_path), sizes=TINY)
    part = result.history["epoch"][-1]
    assert 0 < part <= 1
    assert (
        result.ending == f"There was time for {shown(part)} of 8 epochs; --epochs 8 runs them all."
    )
    assert len(result.history["val_loss"]) == 1


def test_an_epoch_that_is_long_has_several_points(text, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(experiment, "POINTS", 1e9)

    class EachBatch(experiment.Measure):
        every_batch = True

    monkeypatch.setattr(experiment, "Measure", EachBatch)
    result = run(text, epochs=1, out=str(tmp_path), sizes=TINY)
    at = result.history["epoch"]
    assert len(at) > 4 and at[-1] == 1
    assert at == sorted(set(at))
    assert len(result.history["loss"]) == len(result.history["val_loss"]) == len(at)
    assert np.all(np.isfinite(result.history["loss"]))
    assert result.history["val_loss"][-1] < result.history["val_loss"][0]
    chart = capsys.readouterr().out.partition("Learning curve")[2].partition("Loss on")[0]
    assert chart.count("●") > 3


def test_output_that_takes_only_ascii_gets_only_ascii(text, tmp_path, monkeypatch):
    with open(tmp_path / "log", "w", encoding="ascii") as log:
        monkeypatch.setattr(sys, "stdout", log)
        run(text, epochs=1, out=str(tmp_path), sizes=TINY)
    shown = (tmp_path / "log").read_text()
    assert "Learning curve" in shown
    assert "epoch   * held out" in shown


def test_without_matplotlib_it_says_so(text, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    run(text, epochs=1, out=str(tmp_path), sizes=TINY)
    assert "matplotlib is not installed, so there is no PNG" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["report.txt"]


def test_the_verdict_is_honest():
    assert "does not beat the bigram counts (2.20)" in verdict(2.5, 2.2)[0]
    assert "does not beat" in verdict(float("nan"), 2.2)[0]
    assert "beats the bigram counts by 0.70 nats" in verdict(1.5, 2.2)[0]


def test_a_folder_that_cannot_be_made_is_an_error_before_training(text):
    with pytest.raises(DemoError, match="cannot make the folder"):
        run(text, out=f"{text}/below", sizes=TINY)


def test_a_real_text_is_understood_better_than_by_pairs(data_dir, tmp_path):
    path = tmp_path / "nietzsche.txt"
    path.write_text((data_dir / path.name).read_text()[:80_000])
    sizes = Sizes(embedding=16, units=64, streams=8, steps=32)
    result = run(str(path), epochs=3, out=str(tmp_path), sizes=sizes)
    assert result.losses["model"] < result.losses["bigram"]
