"""Terminal capabilities: width, characters and colours."""

import os
import shutil
import sys
import textwrap

NARROWEST, WIDEST = 40, 80
COLOURS = {"bold": "1", "dim": "2", "green": "32", "yellow": "33", "cyan": "36"}


def width() -> int:
    """The number of columns to use, at most 80."""
    return max(NARROWEST, min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST))


def has_colour() -> bool:
    """Whether standard output is a terminal that allows colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def has_unicode() -> bool:
    """Whether standard output can encode more than ASCII."""
    return writable("●┄█") == "●┄█"


def writable(text: str) -> str:
    """A text with control characters and those that standard output cannot encode as `?`."""
    text = "".join(c if c.isprintable() or c == "\n" else "?" for c in text.expandtabs(4))
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def paint(text: str, style: str | None, colour: bool) -> str:
    """A text in a style of `COLOURS`, if `colour`."""
    return f"\033[{COLOURS[style]}m{text}\033[0m" if colour and style else text


def fold(text: str, columns: int) -> list[str]:
    """The lines of a text: long ones wrapped, runs of empty lines merged, none at the ends.

    Example:
        >>> fold("one two" + 3 * chr(10) + "three", 5)
        ['one', 'two', '', 'three']
    """
    lines: list[str] = []
    for line in text.rstrip().split("\n"):
        pieces = textwrap.wrap(line, columns, replace_whitespace=False) or [""]
        lines += pieces if pieces[0] or (lines and lines[-1]) else []
    return lines
