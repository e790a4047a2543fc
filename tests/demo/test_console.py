"""What the terminal can show."""

import io
import sys

import pytest

from hornbook.demo import console


@pytest.fixture
def stdout(monkeypatch):
    """Gives standard output an encoding, and maybe makes it a terminal."""

    def install(encoding="utf-8", terminal=False):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        stream.isatty = lambda: terminal  # type: ignore[method-assign]
        monkeypatch.setattr(sys, "stdout", stream)

    return install


@pytest.mark.parametrize(("columns", "width"), [("20", 40), ("60", 60), ("200", 80)])
def test_width_follows_the_terminal_within_limits(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    assert console.width() == width


@pytest.mark.parametrize(("encoding", "expected"), [("utf-8", True), ("ascii", False)])
def test_unicode_is_used_where_it_can_be_written(stdout, encoding, expected):
    stdout(encoding)
    assert console.has_unicode() is expected


def test_writable_replaces_what_cannot_be_written(stdout):
    stdout("latin-1")
    assert console.writable("é–\n") == "é?\n"


def test_writable_lets_no_control_characters_through(stdout):
    stdout()
    assert console.writable("a\033[31m\tb\r\x07") == "a?[31m  b??"


def test_colour_is_for_terminals_whose_owner_wants_it(stdout, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    stdout(terminal=False)
    assert not console.has_colour()
    stdout(terminal=True)
    assert console.has_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not console.has_colour()


def test_fold_keeps_indentation_and_fits():
    text = "\n\n  def f():\n" + "word " * 30 + "\n\n\n\nend\n\n"
    lines = console.fold(text, 40)
    assert lines[0] == "  def f():"
    assert lines[-2:] == ["", "end"]
    assert max(map(len, lines)) <= 40
    assert " ".join(lines).split() == text.split()


def test_fold_of_nothing_is_nothing():
    assert console.fold(" \n \n", 40) == []
