"""A diagram as rectangles, texts and lines, for any renderer."""

from dataclasses import dataclass, field

from hornbook.plot.boxes import Box, Group
from hornbook.plot.layout import arrange

SIZE = 11.0  # font size, in points of 1/72 inch
WIDE = 0.62 * SIZE  # upper bound of the mean character width
LINE = 1.55 * SIZE
INDENT = 8.0
MARGIN = 12.0
HEAD = 5.0  # size of arrow heads

Point = tuple[float, float]


@dataclass
class Rectangle:
    """A box (`fill` is its colour), or the background of a nested model."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    line: str


@dataclass
class Text:
    """A line of text, positioned by its left end and vertical center."""

    x: float
    y: float
    text: str
    colour: str
    bold: bool = False


@dataclass
class Drawing:
    """What to draw, in this order: rectangles, lines with arrow heads, texts."""

    width: float
    height: float
    rectangles: list[Rectangle] = field(default_factory=list)
    lines: list[list[Point]] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)


DARK, PALE, GROUND, WORDS = "#1f2a44", "#ffffff", "#eef1f7", "#1f2a44"


def draw(group: Group, rankdir: str) -> Drawing:
    """Lay out boxes and arrows.

    Args:
        group: boxes and arrows.
        rankdir: `"TB"` (top to bottom), `"BT"`, `"LR"` or `"RL"`.
    """
    sizes = {box: _size(box) for box in group.all_boxes()}
    lying = rankdir in ("LR", "RL")
    turned = {box: (h, w) if lying else (w, h) for box, (w, h) in sizes.items()}
    plan = arrange(turned, group.all_arrows())
    far = plan.height

    def place(point: Point) -> Point:
        x, y = point
        y = far - y if rankdir in ("BT", "RL") else y
        x, y = (y, x) if lying else (x, y)
        return x + MARGIN, y + MARGIN

    width, height = (far, plan.width) if lying else (plan.width, far)
    made = Drawing(width + 2 * MARGIN, height + 2 * MARGIN)
    middle = {box: place(point) for box, point in plan.middle.items()}
    for inner in group.groups:
        _ground(made, inner, middle, sizes)
    for box, (width, height) in sizes.items():
        _box(made, box, middle[box], width, height)
    made.lines = [[place(point) for point in path] for path in plan.paths]
    return made


def _size(box: Box) -> Point:
    lines = [box.title, *(f"{word}: {value}" for word, value in box.rows)]
    return max(map(len, lines)) * WIDE + 2 * INDENT, LINE * len(lines) + 4


def _box(made: Drawing, box: Box, middle: Point, width: float, height: float) -> None:
    left, top = middle[0] - width / 2, middle[1] - height / 2
    made.rectangles.append(Rectangle(left, top, width, height, PALE, DARK))
    made.rectangles.append(
        Rectangle(left, top, width, LINE + 4 if box.rows else height, DARK, DARK)
    )
    y = top + 2 + LINE / 2
    made.texts.append(Text(left + INDENT, y, box.title, PALE, True))
    for word, value in box.rows:
        y += LINE
        made.texts.append(Text(left + INDENT, y, f"{word}: {value}", WORDS))


def _ground(made: Drawing, group: Group, middle: dict, sizes: dict) -> None:
    boxes = group.all_boxes()
    if not boxes:
        return
    pad = 9.0
    left = min(middle[box][0] - sizes[box][0] / 2 for box in boxes) - pad
    right = max(middle[box][0] + sizes[box][0] / 2 for box in boxes) + pad
    top = min(middle[box][1] - sizes[box][1] / 2 for box in boxes) - pad
    bottom = max(middle[box][1] + sizes[box][1] / 2 for box in boxes) + pad
    made.rectangles.append(Rectangle(left, top, right - left, bottom - top, GROUND, "#9aa6c0"))
    for inner in group.groups:
        _ground(made, inner, middle, sizes)


def bends(line: list[Point]) -> list[tuple[Point, Point, Point]]:
    """Two control points and an end for each Bezier segment between the points of a line.

    Args:
        line: points; the curves leave and reach them in the direction of the diagram.
    """
    across = abs(line[-1][0] - line[0][0]) > abs(line[-1][1] - line[0][1])
    lying = across and all(abs(b[0] - a[0]) > 1e-6 for a, b in zip(line, line[1:]))
    found = []
    for (x0, y0), (x1, y1) in zip(line, line[1:]):
        half = ((x0 + x1) / 2, (y0 + y1) / 2)
        if lying:
            found.append(((half[0], y0), (half[0], y1), (x1, y1)))
        else:
            found.append(((x0, half[1]), (x1, half[1]), (x1, y1)))
    return found


def arrow_head(line: list[Point]) -> list[Point]:
    """The three corners of the arrow head at a line's end."""
    (a, _, end) = bends(line)[-1]
    handle = bends(line)[-1][1]
    start = handle if handle != end else a
    dx, dy = end[0] - start[0], end[1] - start[1]
    if abs(dx) > abs(dy):
        dx, dy = (HEAD if dx > 0 else -HEAD), 0.0
    else:
        dx, dy = 0.0, (HEAD if dy > 0 else -HEAD)
    back = end[0] - 1.6 * dx, end[1] - 1.6 * dy
    return [end, (back[0] - dy / 1.6, back[1] + dx / 1.6), (back[0] + dy / 1.6, back[1] - dx / 1.6)]
