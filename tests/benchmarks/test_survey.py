"""The survey of small programs: hornbook alone, a round of some."""

import re

import pytest

from benchmarks import survey
from benchmarks.survey_models import PROGRAMS


def surveyed(monkeypatch, capsys, programs):
    command = ["survey", "--peers", "hornbook", "--rounds", "1", "--programs", programs]
    monkeypatch.setattr("sys.argv", command)
    survey.main()
    return capsys.readouterr().out.splitlines()[2:]


def test_a_line_for_each_program_with_the_times_of_a_go_and_of_the_start(monkeypatch, capsys):
    names = "wide_and_deep", "batches_from_a_generator", "skip_grams_with_sgd"
    lines = surveyed(monkeypatch, capsys, ",".join(names))
    time = r"\d[\d.]* (s|ms|µs)"
    for line, name in zip(lines, names, strict=True):
        assert re.fullmatch(rf"\| {name.replace('_', ' ')} \| {time} \| {time} \|", line)


def test_what_went_wrong_stands_where_the_times_would(monkeypatch, capsys):
    (line,) = surveyed(monkeypatch, capsys, "nothing")
    assert line == "| nothing | KeyError: 'nothing' |"


def test_a_program_that_fails_later_is_told_from_one_that_is_slow():
    class Peer:
        name = "hornbook"
        answers = iter([0.5, 0.1, 0.1, "ValueError: no batches", 0.1])

        def ask(self, program=""):
            return next(self.answers)

    found = survey.measure([Peer()], "a_program", rounds=3)
    assert survey.row("a_program", found) == ["a_program", "ValueError: no batches"]


@pytest.mark.parametrize("name", ["generator_of_a_gan", "lstm_with_dropout_of_states"])
def test_programs_do_their_work_again_and_again(name):
    import hornbook

    work = PROGRAMS[name](hornbook)
    losses = [work().history["loss"][0] for _ in range(2)]
    assert losses[1] < losses[0]
