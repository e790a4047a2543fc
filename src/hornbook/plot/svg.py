"""A drawing as SVG."""

from hornbook.plot.drawing import DARK, SIZE, Drawing, arrow_head, bends

FONT = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
BOLD = ' font-weight="bold"'


def svg_text(drawing: Drawing) -> str:
    """The text of an SVG file.

    Args:
        drawing: rectangles, lines and texts.
    """
    width, height = drawing.width, drawing.height
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.1f}pt" height="{height:.1f}pt" '
        f'viewBox="0 0 {width:.1f} {height:.1f}" font-family="{FONT}" '
        f'font-size="{0.9 * SIZE:.1f}">',
        f'<rect width="{width:.1f}" height="{height:.1f}" fill="#ffffff"/>',
    ]
    parts += [
        f'<rect x="{one.x:.1f}" y="{one.y:.1f}" width="{one.width:.1f}" '
        f'height="{one.height:.1f}" fill="{one.fill}" stroke="{one.line}"/>'
        for one in drawing.rectangles
    ]
    for line in drawing.lines:
        curves = " ".join(
            "C" + " ".join(f"{x:.1f},{y:.1f}" for x, y in curve) for curve in bends(line)
        )
        x, y = line[0]
        parts.append(f'<path d="M{x:.1f},{y:.1f} {curves}" fill="none" stroke="{DARK}"/>')
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in arrow_head(line))
        parts.append(f'<polygon points="{corners}" fill="{DARK}"/>')
    parts += [
        f'<text x="{one.x:.1f}" y="{one.y + 0.32 * SIZE:.1f}" fill="{one.colour}"'
        f"{BOLD if one.bold else ''}>{_escaped(one.text)}</text>"
        for one in drawing.texts
    ]
    return "\n".join([*parts, "</svg>", ""])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
