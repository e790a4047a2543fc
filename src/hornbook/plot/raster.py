"""A drawing as PNG or PDF, with matplotlib."""

import io
from typing import Any

from hornbook.plot.drawing import DARK, SIZE, Drawing, arrow_head, bends

MOST_PIXELS = 30_000  # per side: bitmaps of deep models get a lower resolution
NO_MATPLOTLIB = (
    "drawing a model as {} needs matplotlib: pip install 'hornbook[plot]'. "
    "SVG needs no other library: to_file='model.svg'"
)


def raster(drawing: Drawing, format: str, dpi: int) -> bytes:
    """The bytes of a file.

    Args:
        drawing: rectangles, lines and texts.
        format: `"png"`, `"pdf"`, or another format that matplotlib writes.
        dpi: pixels per inch.

    Raises:
        ImportError: without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import PathPatch, Polygon
        from matplotlib.patches import Rectangle as Patch
        from matplotlib.path import Path
    except ImportError as error:
        raise ImportError(NO_MATPLOTLIB.format(format)) from error
    width, height = drawing.width / 72, drawing.height / 72
    dpi = min(dpi, int(MOST_PIXELS / max(width, height)))
    figure = Figure(figsize=(width, height), dpi=dpi)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, drawing.width)
    axes.set_ylim(drawing.height, 0)
    axes.axis("off")
    for one in drawing.rectangles:
        corner = (one.x, one.y)
        axes.add_patch(
            Patch(corner, one.width, one.height, facecolor=one.fill, edgecolor=one.line, lw=0.8)
        )
    for line in drawing.lines:
        curves = [point for curve in bends(line) for point in curve]
        codes = [Path.MOVETO, *[Path.CURVE4] * len(curves)]
        path = Path([line[0], *curves], codes)
        axes.add_patch(PathPatch(path, facecolor="none", edgecolor=DARK, lw=0.9))
        axes.add_patch(Polygon(arrow_head(line), facecolor=DARK, edgecolor="none"))
    for text in drawing.texts:
        weight = "bold" if text.bold else "normal"
        look: dict[str, Any] = {
            "color": text.colour,
            "weight": weight,
            "size": 0.8 * SIZE,
            "va": "center",
        }
        axes.text(text.x, text.y, text.text.replace("$", r"\$"), **look)
    file = io.BytesIO()
    figure.savefig(file, format=format, dpi=dpi, facecolor="white")
    return file.getvalue()
