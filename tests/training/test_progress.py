"""Progress bars: content, frequency and output stream."""

import io
import re
import sys

import pytest

from hornbook.training import progress
from hornbook.training.events import CallbackList
from hornbook.training.progress import Progbar, ProgbarLogger, resolve_verbose, say

COLOUR = re.compile(r"\033\[\d+m")


class Screen(io.TextIOWrapper):
    """A standard output that keeps what was written."""

    def __init__(self, terminal, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding, newline="", write_through=True)
        self.terminal = terminal

    def isatty(self):
        return self.terminal

    @property
    def raw_text(self):
        return self.buffer.getvalue().decode(self.encoding)

    @property
    def text(self):
        return COLOUR.sub("", self.raw_text)

    @property
    def drawings(self):
        """Everything that was drawn, without the blanks that covered the previous line."""
        return [part.rstrip() for part in re.split("[\r\n]", self.text) if part.strip()]

    @property
    def lines(self):
        """The final screen: a carriage return restarts the line."""
        seen = []
        for line in self.text.split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part) :]
            seen.append(shown.rstrip())
        return seen


class Clock:
    """A clock that is advanced by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def no_open_line(monkeypatch):
    monkeypatch.setattr(progress, "_open_line", [0])
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("PYCHARM_HOSTED", raising=False)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress.time, "perf_counter", clock)
    return clock


def screen(monkeypatch, terminal, columns=100, encoding="utf-8"):
    made = Screen(terminal, encoding)
    monkeypatch.setattr(sys, "stdout", made)
    monkeypatch.setenv("COLUMNS", str(columns))
    return made


def run_epoch(clock, steps=4, seconds=0.25, target=None, epochs=3, verbose=1, logs=None, last=None):
    """One epoch of a fit, with a report after each step."""
    callbacks = CallbackList(
        add_progbar=True, epochs=epochs, steps=target, verbose=verbose, model=None
    )
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(1)
    for batch in range(steps):
        clock.now += seconds
        callbacks.on_train_batch_end(batch, logs or {"loss": 0.5})
    callbacks.on_epoch_end(1, last or {"loss": 0.3112, "val_loss": 0.32})
    callbacks.on_train_end()
    return callbacks


FULL = "━" * 20


def test_the_last_line_has_keras_look(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=100)
    run_epoch(clock, steps=363, target=363, seconds=41e-6)
    assert terminal.lines == [
        "Epoch 2/3",
        f"363/363 {FULL} 0s 41us/step - loss: 0.3112 - val_loss: 0.3200",
        "",
    ]


def test_a_terminal_is_drawn_over(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=100)
    run_epoch(clock, steps=4, target=4)
    assert terminal.drawings == [
        "Epoch 2/3",
        f"1/4 {'━' * 5}{'─' * 15} 0s 250ms/step - loss: 0.5000",
        f"2/4 {'━' * 10}{'─' * 10} 0s 250ms/step - loss: 0.5000",
        f"3/4 {'━' * 15}{'─' * 5} 0s 250ms/step - loss: 0.5000",
        f"4/4 {FULL} 1s 250ms/step - loss: 0.5000",
        f"4/4 {FULL} 1s 250ms/step - loss: 0.3112 - val_loss: 0.3200",
    ]


def test_a_terminal_is_drawn_at_most_ten_times_a_second(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=100)
    run_epoch(clock, steps=1000, target=1000, seconds=1e-3)
    assert 9 <= len(terminal.drawings) - 2 <= 11


def test_a_file_gets_one_bar_an_epoch(monkeypatch, clock):
    file = screen(monkeypatch, terminal=False, columns=40)
    run_epoch(clock, steps=4, target=4)
    assert file.raw_text == (
        f"Epoch 2/3\n4/4 {FULL} 1s 250ms/step - loss: 0.3112 - val_loss: 0.3200\n"
    )


@pytest.mark.parametrize("verbose", [2, "auto"])
def test_verbose_2_is_one_line_an_epoch_and_auto_is_2_in_a_file(monkeypatch, clock, verbose):
    file = screen(monkeypatch, terminal=False, columns=40)
    run_epoch(clock, steps=4, target=4, verbose=verbose)
    assert file.raw_text == "Epoch 2/3\n4/4 - 1s - 250ms/step - loss: 0.3112 - val_loss: 0.3200\n"


def test_verbose_0_is_silent(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=100)
    run_epoch(clock, steps=4, target=4, verbose=0)
    assert terminal.raw_text == ""


def test_a_single_epoch_is_not_numbered(monkeypatch, clock):
    file = screen(monkeypatch, terminal=False, columns=40)
    run_epoch(clock, steps=4, target=4, epochs=1)
    assert file.raw_text.startswith("4/4 ")


def test_verbose_auto_is_1_for_someone_who_watches(monkeypatch):
    screen(monkeypatch, terminal=True)
    assert resolve_verbose("auto") == 1
    screen(monkeypatch, terminal=False)
    assert resolve_verbose("auto") == 2
    monkeypatch.setitem(sys.modules, "ipykernel", object())
    assert resolve_verbose("auto") == 1
    assert [resolve_verbose(v) for v in (0, 1, 2, True, False)] == [0, 1, 2, 1, 0]


@pytest.mark.parametrize("wrong", [3, "loud", None])
def test_other_values_of_verbose_are_refused(wrong):
    with pytest.raises(ValueError, match="verbose="):
        resolve_verbose(wrong)


@pytest.mark.parametrize("columns", [26, 30, 45, 60, 72])
@pytest.mark.parametrize("verbose", [1, 2])
def test_no_line_is_wider_than_the_terminal(monkeypatch, clock, columns, verbose):
    out = screen(monkeypatch, terminal=True, columns=columns)
    logs = {"loss": 1.5, "mae": 1e-7, "val_loss": 2.0}
    run_epoch(clock, steps=12, target=12, logs=logs, last=logs, verbose=verbose)
    assert max(map(len, out.text.replace("\r", "\n").split("\n"))) < columns
    shown = " ".join(out.lines)
    for value in ("12/12", "loss: 1.5000", "mae: 1.0000e-07", "val_loss: 2.0000"):
        assert value in shown  # the last line is folded, not cut


@pytest.mark.parametrize("columns", [50, 60, 80])
def test_a_live_line_shows_whole_values_only(monkeypatch, clock, columns):
    terminal = screen(monkeypatch, terminal=True, columns=columns)
    bar = Progbar(1875, interval=0)
    clock.now += 1
    bar.update(20, [("accuracy", 0.9), ("loss", 0.5), ("top_k_categorical_accuracy", 0.97)])
    shown = terminal.drawings[-1]
    assert len(shown) < columns
    pieces = shown.split(" - ")[1:]
    whole = ["accuracy: 0.9000", "loss: 0.5000", "top_k_categorical_accuracy: 0.9700"]
    assert pieces == whole[: len(pieces) - 1] + ["…"] or pieces == whole
    assert pieces[:-1], "at 50 columns there is room for one"


def test_the_bar_gives_way_to_the_values(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=60)
    bar = Progbar(10, interval=0)
    clock.now += 1
    bar.update(5, [("accuracy", 0.9), ("loss", 0.5)])
    assert re.search("━+─+ .*loss", terminal.drawings[-1])
    bar = Progbar(1875, interval=0)
    bar.update(5, [("accuracy", 0.9), ("loss", 0.5)])
    assert terminal.drawings[-1].endswith("loss: 0.5000") and "━" not in terminal.drawings[-1]


def test_a_line_that_becomes_shorter_leaves_nothing_behind(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=100)
    bar = Progbar(3, interval=0)
    bar.update(1, [("loss", 123456.0)])
    bar.update(2, [("loss", -123455.0)])
    assert len(terminal.drawings[1]) < len(terminal.drawings[0])
    assert terminal.lines == [terminal.drawings[1]]


def test_an_unknown_number_of_steps_is_shown_as_unknown_until_the_end(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=100)
    callbacks = run_epoch(clock, steps=3, target=None)
    assert terminal.drawings[1:] == [
        "1/Unknown 0s 250ms/step - loss: 0.5000".rjust(44),
        "2/Unknown 0s 250ms/step - loss: 0.5000".rjust(44),
        "3/Unknown 1s 250ms/step - loss: 0.5000".rjust(44),
        f"3/3 {FULL} 1s 250ms/step - loss: 0.3112 - val_loss: 0.3200",
    ]
    callbacks.on_epoch_begin(2)
    callbacks.on_train_batch_end(0, {"loss": 0.5})
    assert terminal.lines[-1].startswith("1/3 ")


def test_more_steps_than_expected_make_the_number_unknown(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=100)
    bar = Progbar(2, interval=0)
    bar.update(1)
    bar.update(3, finalize=False)
    assert "3/Unknown" in terminal.drawings[-1]


def test_an_epoch_that_ends_early_does_not_claim_all_its_steps(monkeypatch, clock):
    file = screen(monkeypatch, terminal=False, columns=40)
    run_epoch(clock, steps=5, target=20)
    assert f" 5/20 {'━' * 5}{'─' * 15} " in file.text


def test_the_time_left_is_without_the_first_step_which_compiles(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=100)
    bar = Progbar(1003, interval=0)
    clock.now += 60  # compiled
    bar.update(1)
    assert terminal.lines[-1].endswith("1:00 60s/step")
    for step in (2, 3):
        clock.now += 0.002
        bar.update(step)
    assert terminal.lines[-1].endswith("2s 2ms/step")


@pytest.mark.parametrize("verbose", [1, 2])
def test_the_time_at_the_end_is_that_of_a_step_times_the_steps(monkeypatch, clock, verbose):
    file = screen(monkeypatch, terminal=False, columns=100)
    bar = Progbar(750, verbose=verbose)
    clock.now += 4  # compiled
    bar.update(1)
    clock.now += 0.5
    bar.update(750, finalize=False)
    clock.now += 3.0  # validated
    bar.update(750, finalize=True)
    assert re.search("8s (- )?10ms/step", file.text)


def test_the_time_of_a_step_is_a_mean_if_many_are_reported_at_once(monkeypatch, clock):
    file = screen(monkeypatch, terminal=False, columns=40)
    bar = Progbar(300)
    clock.now += 0.6
    bar.update(299)
    clock.now += 0.3  # one report of one step says little
    bar.update(300)
    assert "3ms/step" in file.text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (12e-6, "12us/step"),
        (0.9994e-3, "999us/step"),
        (0.0034, "3ms/step"),
        (2.4, "2s/step"),
        (0, "0s/step"),
    ],
)
def test_step_times_are_in_us_ms_or_s(seconds, shown):
    assert progress._step_time(seconds, "step") == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0s"), (59.6, "1:00"), (3599, "59:59"), (3661, "1:01:01")]
)
def test_clock_times(seconds, shown):
    assert progress._clock(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.31119, "0.3112"), (12345.678, "12345.6780"), (-0.5, "-0.5000"), (2e-5, "2.0000e-05"),
     (0, "0.0000"), (float("nan"), "nan"), (float("inf"), "inf"), ([1.0, 2.0], "1.5000")],
)  # fmt: skip
def test_values(value, shown):
    assert progress._value(value) == shown


def test_values_are_averaged_over_steps_unless_they_are_stateful(monkeypatch):
    file = screen(monkeypatch, terminal=False, columns=40)
    bar = Progbar(10, stateful_metrics=["latest"])
    bar.update(2, [("loss", 1.0), ("latest", 1.0)])
    bar.add(8, [("loss", 2.0), ("latest", 2.0)])
    assert file.text.endswith("- loss: 1.8000 - latest: 2.0000\n")


def test_only_stateless_metrics_are_averaged(monkeypatch):
    file = screen(monkeypatch, terminal=False, columns=40)
    bar = Progbar(2, stateless_metrics=["loss"])
    bar.update(1, [("loss", 1.0), ("latest", 1.0)])
    bar.update(2, [("loss", 2.0), ("latest", 2.0)])
    assert file.text.endswith("- loss: 1.5000 - latest: 2.0000\n")
    with pytest.raises(ValueError, match="not both"):
        Progbar(2, stateless_metrics=["loss"], stateful_metrics=["loss"])


def test_a_message_takes_the_place_of_an_unfinished_bar(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=100)
    bar = Progbar(4)
    bar.update(2, [("loss", 1.0)])
    say("saved")
    bar.update(4, [("loss", 1.0)])
    assert terminal.lines[0] == "saved"
    assert terminal.lines[1].startswith("4/4 ")


def test_an_interrupted_bar_stays_and_what_follows_stands_below_it(monkeypatch, clock):
    terminal = screen(monkeypatch, terminal=True, columns=100)
    callbacks = CallbackList(add_progbar=True, epochs=1, steps=4, verbose=1)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_end(1, {"loss": 0.5})
    callbacks.on_train_end()
    print("next")
    assert terminal.lines[0].startswith("2/4 ")
    assert terminal.lines[1] == "next"


def test_colours_are_for_terminals_that_want_them(monkeypatch, clock):
    out = screen(monkeypatch, terminal=True)
    Progbar(2).update(1)
    assert "\033[32m" in out.raw_text
    monkeypatch.setenv("NO_COLOR", "1")
    out = screen(monkeypatch, terminal=True)
    Progbar(2).update(1)
    assert "\033" not in out.raw_text
    out = screen(monkeypatch, terminal=False)
    Progbar(2).update(2)
    assert "\033" not in out.raw_text


def test_a_standard_output_without_these_characters_gets_others(monkeypatch, clock):
    out = screen(monkeypatch, terminal=True, columns=40, encoding="ascii")
    Progbar(4).update(3, [("loss", 1.0)])
    assert "3/4 ======" in out.text
    out = screen(monkeypatch, terminal=True, columns=30, encoding="ascii")
    Progbar(4).update(3, [("loss", 1.0), ("mae", 1.0)])
    assert out.text.rstrip().endswith("- ~")


def test_evaluate_has_a_bar_and_validation_has_none(monkeypatch, clock):
    file = screen(monkeypatch, terminal=False, columns=40)
    callbacks = CallbackList(add_progbar=True, steps=2, verbose=1)
    for event in ("on_test_begin", "on_test_end"):
        for batch in range(2) if event == "on_test_end" else ():
            callbacks.on_test_batch_end(batch, {"loss": 0.25})
        getattr(callbacks, event)({"loss": 0.25})
    assert file.text == f"2/2 {FULL} 0s 0s/step - loss: 0.2500\n"
    callbacks.on_train_begin()
    callbacks.on_test_begin()
    callbacks.on_test_batch_end(0, {"loss": 0.25})
    callbacks.on_test_end({"loss": 0.25})
    callbacks.on_train_end()
    assert file.text.count("\n") == 1
    callbacks.on_test_begin()
    callbacks.on_test_batch_end(1, {"loss": 0.25})
    callbacks.on_test_end({"loss": 0.25})
    assert file.text.count("\n") == 2


def test_predict_has_a_bar_without_values(monkeypatch, clock):
    file = screen(monkeypatch, terminal=False, columns=40)
    callbacks = CallbackList(add_progbar=True, steps=2, verbose=2)
    callbacks.on_predict_begin()
    callbacks.on_predict_batch_end(1, {"outputs": [[1.0]]})
    callbacks.on_predict_end()
    assert file.text == "2/2 - 0s - 0s/step\n"


def test_it_is_content_with_few_reports():
    assert not CallbackList(ProgbarLogger()).needs_every_batch("train")


def test_nothing_is_written_where_there_is_no_standard_output(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    Progbar(2).update(2)
