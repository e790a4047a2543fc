"""`hornbook run PROGRAM.py`: runs a program that was written for an older library, as it is."""

import os
import runpy
import sys
import tokenize
import traceback
from contextlib import nullcontext

from hornbook.compat.install import installed
from hornbook.compat.libraries import put_back
from hornbook.compat.recognise import DIALECTS, recognise

BAD_INPUT = 2
FAILED = 1
UNKNOWN = "this name of keras is not known here: docs/old_programs.md lists those that are"


def run_program(path: str, generation: str | None, arguments: list[str]) -> int:
    """Run a program as `__main__`, with an old Keras where it imports keras.

    Args:
        path: of the program.
        generation: `"keras1"`, `"keras2"`; `None`: found out from the program.
        arguments: what it finds in `sys.argv`.

    Returns:
        The exit status.
    """
    try:
        with tokenize.open(path) as file:
            source = file.read()
        found = recognise(source, path)
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        print(f"hornbook run: {error}", file=sys.stderr)
        return BAD_INPUT
    chosen = generation or found.generation
    print(f"hornbook run: {path}: {_told(chosen, generation, found.why)}", file=sys.stderr)
    before = sys.argv, sys.path[:]
    sys.argv = [path, *arguments]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        with (
            installed(chosen) if chosen else nullcontext(),
            put_back() if chosen else nullcontext(),
        ):
            try:
                runpy.run_path(path, run_name="__main__")
            except Exception as error:
                _show(error, path)
                return FAILED
    finally:
        sys.argv, sys.path[:] = before
    return 0


def _told(chosen: str | None, generation: str | None, why: tuple[str, ...]) -> str:
    """The one line that says what was recognised."""
    if chosen is None:
        return "does not import keras; run as under Python"
    title = DIALECTS[chosen].TITLE
    if generation:
        return f"run as {title}, as asked"
    return f"written for {title}" + (f" ({', '.join(why)})" if why else "")


def _show(error: Exception, path: str) -> None:
    """Print an error from the program's own lines on."""
    if isinstance(error, ImportError) and str(error.name).partition(".")[0] == "keras":
        error.add_note(UNKNOWN)
    trace = error.__traceback__
    own = os.path.abspath(path)
    while trace and os.path.abspath(trace.tb_frame.f_code.co_filename) != own:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace or error.__traceback__)
