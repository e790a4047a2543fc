"""Charts in plain text, and as a PNG."""

import re
import sys

import pytest

from hornbook.demo import curve

SERIES = {"held out": [2.0, 1.5, 1.25, 1.0], "training": [2.5, 1.75, 1.25, 0.5]}
LEVELS = {"unigram": 3.0, "bigram": 2.25}

PLAIN = """\
3.00 +---------------- unigram 3.00 --
     |
     | o.
2.25 +---...----------- bigram 2.25 --
     | *..  ....
     |    ..... .o..
1.50 +         ..*......
     |                ....*....
     |                      ........*
0.75 +                          ...
     |                             .o
     +-+---------+--------+---------+-
       1         2        3         4
       epoch   * held out   o training"""


def test_a_chart_without_unicode():
    lines = curve.draw(SERIES, LEVELS, width=39, height=11, unicode=False)
    assert "\n".join(lines) == PLAIN


def test_a_chart_with_unicode_is_the_same_with_other_glyphs():
    plain = curve.draw(SERIES, LEVELS, width=39, height=11, unicode=False)
    rich = curve.draw(SERIES, LEVELS, width=39, height=11, unicode=True)
    assert [len(line) for line in plain] == [len(line) for line in rich]
    assert set("●○·┄│┤└─┬") <= set("".join(rich))


@pytest.mark.parametrize("width", [40, 60, 72, 80])
@pytest.mark.parametrize("epochs", [1, 2, 8, 50, 400])
def test_a_chart_fits_its_width(width, epochs):
    falling = [3.0 - 2 * e / epochs for e in range(epochs)]
    lines = curve.draw({"held out": falling, "training": falling}, LEVELS, width)
    assert max(map(len, lines)) <= width
    numbers = [int(n) for n in lines[-2].split()]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))


def test_points_lie_where_they_were_measured():
    at = [0.25, 0.5, 1.0]
    lines = curve.draw({"loss": [3.0, 2.0, 1.0]}, {}, width=48, height=5, unicode=False, at=at)
    assert lines[-2].split() == ["0.2", "0.5", "1"]
    marks = sorted(line.index("*") for line in lines[:5] if "*" in line)
    first, second, third = marks
    assert abs((second - first) * 2 - (third - second)) <= 1


def test_numbers_below_the_points_do_not_touch():
    at = [0.1 * n for n in range(1, 40)]
    lines = curve.draw({"loss": at}, {}, width=60, at=at)
    assert all(len(text) <= 3 for text in lines[-2].split())


def test_colours_change_nothing_but_colours():
    painted = curve.draw(SERIES, LEVELS, colour=True)
    assert painted != curve.draw(SERIES, LEVELS)
    assert [re.sub(r"\033\[\d+m", "", line) for line in painted] == curve.draw(SERIES, LEVELS)


def test_values_that_are_not_finite_are_left_out():
    lines = curve.draw({"loss": [2.0, float("nan"), float("inf"), 1.0]}, {}, unicode=False)
    assert "".join(lines[:-1]).count("*") == 2


def test_a_flat_curve_is_drawn():
    lines = curve.draw({"loss": [1.0, 1.0]}, {}, width=30, height=5, unicode=False)
    assert [line.count("*") for line in lines[:5]] == [0, 0, 2, 0, 0]


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match="no finite value"):
        curve.draw({"loss": [float("nan")]}, {})


def test_bars_are_proportional_and_fit():
    lines = curve.bars({"a": 3.0, "model": 1.5, "bad": float("nan")}, width=30, unicode=False)
    assert [line.count("#") for line in lines] == [17, 8, 0]
    assert max(map(len, lines)) == 30
    assert lines[2].split() == ["bad", "nan"]


def test_a_png_is_written(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curve.png"
    assert curve.save_png(path, SERIES, LEVELS, "title")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_no_png_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not curve.save_png(tmp_path / "curve.png", SERIES, LEVELS, "title")
    assert not list(tmp_path.iterdir())
