"""Charts: learning curves and bars in plain text, and the curves as a PNG."""

import math
from collections.abc import Iterator
from pathlib import Path

from hornbook.demo.console import paint

Series = dict[str, list[float]]  # by name, one value per point
Levels = dict[str, float]

# name: (with Unicode, without)
GLYPHS = {
    "marks": ("●○", "*o"),  # the first series, the second
    "path": ("·", "."),
    "level": ("┄", "-"),
    "side": ("│", "|"),
    "value": ("┤", "+"),
    "corner": ("└", "+"),
    "bottom": ("─", "-"),
    "tick": ("┬", "+"),
    "bar": ("█", "#"),
}
STYLES = ("green", "cyan")  # of the series
ROWS_A_VALUE = 3
TICK_ROOM = 5  # columns


def draw(
    series: Series,
    levels: Levels,
    width: int = 72,
    height: int = 16,
    unicode: bool = True,
    colour: bool = False,
    at: list[float] | None = None,
) -> list[str]:
    """Learning curves as lines of text.

    Args:
        series: at most two curves. Non-finite values are skipped.
        levels: horizontal reference lines.
        width: total number of columns.
        height: rows of the plot.
        unicode: whether to use more than ASCII.
        colour: whether to use terminal colours.
        at: epochs at which the values were measured; default 1, 2, ...

    Raises:
        ValueError: if no value is finite.

    Example:
        >>> draw({"loss": [3.0, 1.0]}, {}, width=14, height=3, unicode=False)[:3]
        ['3.00 + *.', '     |   .', '     |    .*']
    """
    glyph = {name: choice[0 if unicode else 1] for name, choice in GLYPHS.items()}
    values = [v for v in [*sum(series.values(), []), *levels.values()] if math.isfinite(v)]
    if not values:
        raise ValueError("there is no finite value to draw")
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    label = max(len(f"{value:.2f}") for value in (low, high))
    columns = width - label - 3
    at = at or _whole_epochs(series)
    span = max(at[-1] - at[0], 1e-9)

    def row(value: float) -> int:
        return round((high - value) / (high - low) * (height - 1))

    def column(epoch: float) -> int:
        return 1 + round((epoch - at[0]) * (columns - 3) / span)

    grid = [[" "] * columns for _ in range(height)]
    for name, value in levels.items():
        if math.isfinite(value):
            _write_level(grid[row(value)], f" {name} {value:.2f} ", glyph["level"], colour)
    for (_, curve), mark, style in reversed(list(zip(series.items(), glyph["marks"], STYLES))):
        points = [(column(e), value) for e, value in zip(at, curve) if math.isfinite(value)]
        for x, value in _between(points):
            grid[row(value)][x] = paint(glyph["path"], style, colour)
        for x, value in points:
            grid[row(value)][x] = paint(mark, style, colour)

    lines = []
    for index, cells in enumerate(grid):
        numbered = index % ROWS_A_VALUE == 0
        value = f"{high - index / (height - 1) * (high - low):.2f}" if numbered else ""
        side = glyph["value"] if numbered else glyph["side"]
        lines.append(f"{value:>{label}} {side}{''.join(cells)}".rstrip())
    ticks = {column(e): shown(e) for e in _ticks(at, TICK_ROOM * span / max(columns - 3, 1))}
    bottom = "".join(glyph["tick" if x in ticks else "bottom"] for x in range(columns))
    lines.append(" " * (label + 1) + glyph["corner"] + bottom)
    under = [" "] * (columns + TICK_ROOM)
    for x, text in ticks.items():
        start = min(x, columns - len(text))
        under[start : start + len(text)] = text
    lines.append((" " * (label + 2) + "".join(under)).rstrip())
    legend = [paint(m, s, colour) + f" {n}" for n, m, s in zip(series, glyph["marks"], STYLES)]
    lines.append(" " * (label + 3) + "   ".join(["epoch", *legend]))
    return lines


def _write_level(cells: list[str], text: str, glyph: str, colour: bool) -> None:
    """A dashed line with its name near the right end."""
    line = (glyph * len(cells))[: len(cells) - len(text) - 2] + text + glyph * 2
    cells[:] = [paint(c, "yellow", colour) for c in line[-len(cells) :]]


def _between(points: list[tuple[int, float]]) -> Iterator[tuple[int, float]]:
    """The columns between points, with linearly interpolated values."""
    for (start, first), (stop, last) in zip(points, points[1:]):
        for x in range(start + 1, stop):
            yield x, first + (last - first) * (x - start) / (stop - start)


def _whole_epochs(series: Series) -> list[float]:
    return [float(epoch + 1) for epoch in range(max(map(len, series.values())))]


def _ticks(at: list[float], room: float) -> list[float]:
    """The points to label, spaced so that the labels do not touch."""
    found = at[:1]
    for point in at[1:]:
        if point - found[-1] >= room - 1e-9:
            found.append(point)
    return found


def shown(epoch: float) -> str:
    """A number of epochs, as an integer or with one decimal.

    Example:
        >>> shown(2.0), shown(0.25)
        ('2', '0.2')
    """
    return f"{epoch:.1f}".removesuffix(".0") if epoch >= 0.1 else f"{epoch:.2g}"


def bars(rows: dict[str, float], width: int = 72, unicode: bool = True) -> list[str]:
    """Numbers as horizontal bars, one line each.

    Example:
        >>> print("|".join(bars({"a": 1.0, "bc": 2.0}, width=16, unicode=False)))
        a   1.00  ###|bc  2.00  ######
    """
    glyph = GLYPHS["bar"][0 if unicode else 1]
    names = max(map(len, rows))
    numbers = max(len(f"{value:.2f}") for value in rows.values())
    room = width - names - numbers - 4
    finite = [value for value in rows.values() if math.isfinite(value)]
    largest = max([*finite, 1e-9])
    return [
        f"{name:<{names}}  {value:>{numbers}.2f}  "
        + glyph * (max(1, round(room * value / largest)) if math.isfinite(value) else 0)
        for name, value in rows.items()
    ]


def save_png(
    path: Path, series: Series, levels: Levels, title: str, at: list[float] | None = None
) -> bool:
    """Save the curves as a PNG; arguments as for `draw`.

    Returns:
        Whether it was drawn, which needs matplotlib (`pip install 'hornbook[plot]'`).
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(8, 4.5), dpi=150, layout="constrained")
    axes = figure.subplots()
    at = at or _whole_epochs(series)
    last = [values[-1] for values in series.values()]
    for (name, values), color, line in zip(series.items(), ("C0", "C1"), ("o-", "o--")):
        axes.plot(at, values, line, color=color, label=name, markersize=4)
        axes.annotate(
            f"{values[-1]:.2f}",
            (at[-1], values[-1]),
            xytext=(0, 6 if values[-1] == max(last) else -6),
            textcoords="offset points",
            ha="center",
            va="bottom" if values[-1] == max(last) else "top",
            color=color,
        )
    for name, value in levels.items():
        axes.axhline(value, color="0.6", linestyle=":", linewidth=1)
        axes.annotate(
            f"{name} {value:.2f}",
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(-6, 4),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color="0.4",
        )
    axes.set(title=title.replace("$", r"\$"), xlabel="epoch", ylabel="loss (nats a character)")
    ticks = _ticks(at, (at[-1] - at[0]) / 12)
    axes.set_xticks(ticks, [shown(epoch) for epoch in ticks])
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(0, 1.03 * axes.get_ylim()[1])
    axes.legend(frameon=False, loc="lower left")
    figure.savefig(path)
    return True
