"""`hornbook run`: run programs and notebooks for older libraries, unchanged."""

import os
import sys
import traceback
from contextlib import nullcontext
from importlib.util import decode_source
from pathlib import Path
from types import TracebackType

from hornbook.compat import notebook
from hornbook.compat.explain import explain
from hornbook.compat.python2 import compiled, is_python2, namespace, todays_syntax
from hornbook.compat.recognise import DIALECTS, recognise
from hornbook.compat.session import session
from hornbook.core.errors import shorten

BAD_INPUT = 2
FAILED = 1
MACHINERY = ("<frozen importlib", str(Path(__file__).with_name("python2")))


def run_program(path: str, generation: str | None, arguments: list[str]) -> int:
    """Run a program as `__main__`, with an old Keras where it imports keras.

    Args:
        path: the program.
        generation: `"keras1"`, `"keras2"`, `"theano"`; default: detected from the program.
        arguments: its `sys.argv[1:]`.

    Returns:
        The exit status.
    """
    try:
        source = decode_source(Path(path).read_bytes())
        python2 = is_python2(source, path=path)
        folder = Path(path).absolute().parent
        found = recognise(todays_syntax(source, path) if python2 else source, path, folder)
        old = python2 or bool(generation or found.generation)
        code = (compiled if python2 else _today)(source, path)
    except (ImportError, OSError, SyntaxError, UnicodeDecodeError, ValueError) as error:
        return _refuse(error)
    chosen = generation or found.generation
    _tell(path, chosen, generation, found.why, python2)
    names = namespace("__main__") if python2 else {"__name__": "__main__"}
    module = type(sys)("__main__")
    vars(module).update(names, __file__=path)
    before = sys.argv, sys.path[:], sys.modules["__main__"]
    sys.argv = [path, *arguments]
    sys.path.insert(0, str(folder))
    sys.modules["__main__"] = module
    try:
        with session(chosen, python2, found.backend) if old else nullcontext():
            try:
                exec(code, vars(module))
            except Exception as error:
                _show(error, path)
                return FAILED
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = before
    return 0


def _today(source: str, path: str):
    return compile(source, path, "exec", dont_inherit=True)


def run_notebook(
    path: str,
    generation: str | None,
    out: str | None = None,
    timeout: float | None = None,
    stop_on_error: bool = False,
) -> int:
    """Run the cells of a notebook in their own kernel.

    Args:
        path: the notebook.
        generation: as for `run_program`.
        out: where to write the executed copy; default: outputs are printed.
        timeout: seconds allowed per cell.
        stop_on_error: stop at the first cell that fails.

    Returns:
        The exit status.
    """
    try:
        cells = notebook.read(path)
        text, python2 = notebook.source(cells)
        found = recognise(text, path, Path(path).absolute().parent)
        if out is not None and not Path(out).absolute().parent.is_dir():
            raise FileNotFoundError(f"there is no folder {Path(out).parent} to write {out} into")
    except (ImportError, OSError, SyntaxError, notebook.BadNotebook) as error:
        return _refuse(error)
    chosen = generation or found.generation
    _tell(path, chosen, generation, found.why, python2)
    failures = notebook.run(
        cells, path, chosen, python2, out, timeout, stop_on_error, found.backend
    )
    for failure in failures:
        line = f", line {failure.line}" if failure.line else ""
        print(f"hornbook run: {path}: cell {failure.cell}{line}: {failure.error}", file=sys.stderr)
    return FAILED if failures else 0


def _refuse(error: Exception) -> int:
    print(f"hornbook run: {error}", file=sys.stderr)
    return BAD_INPUT


def _tell(
    path: str, chosen: str | None, generation: str | None, why: tuple[str, ...], python2: bool
) -> None:
    """Print the line that says what was detected."""
    if chosen is None:
        told = "imports neither keras nor theano; run as under Python" + (" 2" if python2 else "")
    elif generation:
        told = f"run as {DIALECTS[chosen].TITLE}, as asked"
    else:
        told = f"written for {DIALECTS[chosen].TITLE}" + (f" ({', '.join(why)})" if why else "")
    if chosen and python2:
        told += ", in Python 2"
    if chosen in ("keras3", "tfkeras"):
        told += ": keras is hornbook itself"
    print(f"hornbook run: {path}: {told}", file=sys.stderr)


def _show(error: Exception, path: str) -> None:
    """Print an error, with the traceback from the program's own lines on."""
    explain(error)
    shorten(error)
    trace = error.__traceback__
    own = os.path.abspath(path)
    while trace and os.path.abspath(trace.tb_frame.f_code.co_filename) != own:
        trace = trace.tb_next
    shown = _users(trace) or error.__traceback__
    traceback.print_exception(type(error), error.with_traceback(shown), shown)


def _users(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames that implement Python 2."""
    if trace is None:
        return None
    rest = _users(trace.tb_next)
    if trace.tb_frame.f_code.co_filename.startswith(MACHINERY):
        return rest
    trace.tb_next = rest
    return trace
