"""`hornbook run NOTEBOOK.ipynb`: run the cells of a notebook in their own kernel."""

import ast
import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

from hornbook.compat.python2 import is_python2, todays_syntax
from hornbook.saving.files import replacing

MISSING = "notebooks need nbformat, nbclient and ipykernel: pip install 'hornbook[notebook]'"
# Lines of a cell for IPython rather than Python.
NOT_PYTHON = re.compile(r"^(\s*)([%!?]|[^#]*\?\s*$|\w+\s*=\s*[!%]).*")
COLORS = re.compile(r"\x1b\[[0-9;]*m")
IN_CELL = re.compile(r"Cell In ?\[\d+\], line (\d+)")
QUIET = "--log-level=CRITICAL"  # for the kernel; cell output does not go through its log
WIDTH = 60  # at which a cell's first line is cut


class Failure(NamedTuple):
    """A cell that failed.

    Args:
        cell: its number in the notebook, from 1.
        line: within the cell; `None` if unknown.
        error: what went wrong.
    """

    cell: int
    line: int | None
    error: str


class BadNotebook(Exception):
    """The file is not a notebook that can be run."""


def read(path: str) -> Any:
    """Read a notebook of any format, upgraded to the current one.

    Args:
        path: the file.

    Raises:
        ImportError: without the extra `notebook`.
        BadNotebook: if it is not a Python notebook.
        OSError: if it cannot be read.
    """
    try:
        import nbclient  # noqa: F401
        import nbformat
        from ipykernel import kernelspec  # noqa: F401
    except ImportError:
        raise ImportError(MISSING) from None
    text = Path(path).read_bytes().decode("utf-8", "replace")
    try:
        notebook = nbformat.reads(json.dumps(_with_ids(json.loads(text))), as_version=4)
    except Exception as error:
        raise BadNotebook(f"{path} is not a notebook: {error}") from None
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    if language.lower() not in ("python", "python2", "python3"):
        raise BadNotebook(f"{path} is a notebook for {language}; only Python's can be run")
    return notebook


def _with_ids(notebook: Any) -> Any:
    """Add cell ids, which formats from 4.5 on require (nbformat warns without them)."""
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise BadNotebook("it has no nbformat")
    if notebook["nbformat"] == 4 and notebook.get("nbformat_minor", 0) >= 5:
        for number, cell in enumerate(notebook.get("cells", [])):
            cell.setdefault("id", f"cell-{number}")
    return notebook


def source(notebook: Any) -> tuple[str, bool]:
    """The code of all cells in Python 3 syntax, and whether it was Python 2.

    Cells that are not Python, and lines for IPython, are left out.

    Args:
        notebook: from `read`.
    """
    texts = [_python(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    python2 = _says_2(notebook.metadata) or any(map(is_python2, texts))
    if python2:
        texts = [todays_syntax(text) for text in texts]
    return "\n".join(text for text in texts if _is_python(text)), python2


def _python(text: str) -> str:
    if text.lstrip().startswith("%%"):
        first, _, text = text.lstrip().partition("\n")
        if not first.startswith(("%%time", "%%capture", "%%prun")):
            return ""
    return "\n".join(NOT_PYTHON.sub(r"\1pass", line, count=1) for line in text.split("\n"))


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _says_2(metadata: Any) -> bool:
    version = str(metadata.get("language_info", {}).get("version", ""))
    return version.startswith("2") or metadata.get("kernelspec", {}).get("name") == "python2"


def run(
    notebook: Any,
    path: str,
    generation: str | None,
    python2: bool,
    out: str | None = None,
    timeout: float | None = None,
    stop_on_error: bool = False,
    backend: str | None = None,
) -> list[Failure]:
    """Run all cells in order, storing their outputs in the notebook.

    Args:
        notebook: from `read`.
        path: its file; cells run in its folder.
        generation: what `import keras` means; see `install`.
        python2: whether it is written in Python 2.
        out: where to write the executed copy; default: outputs are printed as text.
        timeout: seconds allowed per cell.
        stop_on_error: stop at the first cell that fails.
        backend: what Keras ran on; see `install`.

    Returns:
        The cells that failed.

    Raises:
        KeyboardInterrupt: on Ctrl-C; the outputs so far are written.
    """
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    failures: list[Failure] = []
    begun: list[tuple[int, float]] = [(0, 0.0)]  # cell index, start time
    count = len(notebook.cells)

    def on_start(cell: Any, cell_index: int) -> None:
        begun.append((cell_index, time.perf_counter()))
        first = next((s for s in cell.source.splitlines() if s.strip()), "").strip()[:WIDTH]
        print(f"[{cell_index + 1}/{count}] {first}", end="", file=sys.stderr, flush=True)

    def on_executed(cell: Any, cell_index: int, execute_reply: Any) -> None:
        failure = _failure(cell, cell_index, timeout)
        seconds = f"{time.perf_counter() - begun[-1][1]:.1f} s"
        told = f": {failure.error.splitlines()[0]}" if failure else ""
        print(f"  {seconds}{told}", file=sys.stderr)
        failures.extend([failure] if failure else [])
        if out is None:
            print(_as_text(cell.outputs), end="", flush=True)

    for cell in notebook.cells:
        if cell.cell_type == "code":  # drop stale outputs
            cell.outputs, cell.execution_count = [], None
    sockets = tempfile.mkdtemp(prefix="hornbook-")
    settings = {"generation": generation, "python2": python2, "backend": backend}
    client = _client(path, settings, notebook, timeout, stop_on_error, sockets)
    client.on_cell_execute, client.on_cell_executed = on_start, on_executed
    try:
        _execute(client)
    except CellExecutionError:
        pass  # it is already the last of the failures
    except Exception as error:
        if not isinstance(error, DeadKernelError) and not isinstance(
            error.__context__, DeadKernelError
        ):
            raise
        print(file=sys.stderr)
        failures.append(Failure(begun[-1][0] + 1, None, "its process ended (out of memory?)"))
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
        if out is not None:
            write(notebook, out)
    return failures


def _execute(client: Any) -> None:
    """Run the cells in a thread, so that Ctrl-C is handled here and also ends the kernel."""
    tasks: list[tuple[asyncio.AbstractEventLoop, asyncio.Task]] = []

    async def execute() -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.append((asyncio.get_running_loop(), task))
        await client.async_execute(env={**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"})

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(asyncio.run, execute())
        try:
            future.result()
        except KeyboardInterrupt:
            for loop, task in tasks:
                loop.call_soon_threadsafe(task.cancel)
            wait([future])
            raise


def _client(path, settings, notebook, timeout, stop_on_error, sockets) -> Any:
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from traitlets.config import Config

    argv = [
        sys.executable,
        "-m",
        "hornbook.compat.kernel",
        json.dumps(settings),
        "-f",
        "{connection_file}",
        QUIET,
    ]
    spec = KernelSpec(argv=argv, language="python", display_name="hornbook")

    class Manager(AsyncKernelManager):
        kernel_spec = spec

    config = Config()
    if os.name == "posix":  # private to this user
        config.KernelManager.transport = "ipc"
        config.KernelManager.ip = os.path.join(sockets, "kernel")
    return NotebookClient(
        notebook,
        kernel_manager_class=Manager,
        config=config,
        timeout=timeout,
        interrupt_on_timeout=True,
        allow_errors=not stop_on_error,
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(Path(path).absolute().parent)}},
    )


def _failure(cell: Any, index: int, timeout: float | None) -> Failure | None:
    if "raises-exception" in cell.metadata.get("tags", []):
        return None
    found = next((one for one in cell.outputs if one.output_type == "error"), None)
    if found is None:
        return None
    lines = IN_CELL.findall(COLORS.sub("", "\n".join(found.traceback)))
    told = f"{found.ename}: {found.evalue}"
    _, _, notes = COLORS.sub("", "\n".join(found.traceback)).rpartition(told)
    error = told + notes.rstrip()
    if timeout and found.ename == "KeyboardInterrupt":
        error = f"stopped, as it took more than {timeout:g} s"
    return Failure(index + 1, int(lines[-1]) if lines else None, error)


def _as_text(outputs: list) -> str:
    """The printed output and results of a cell, as text."""
    texts = []
    for one in outputs:
        if one.output_type == "stream":
            texts.append(one.text)
        elif one.output_type in ("execute_result", "display_data"):
            texts.append(f"{one.data.get('text/plain', '')}\n")
        elif one.output_type == "error":
            texts.append("\n".join(one.traceback) + "\n")
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in texts if text.strip())


def write(notebook: Any, path: str) -> None:
    """Write a notebook atomically.

    Args:
        notebook: the notebook.
        path: the file.
    """
    import nbformat

    text = nbformat.writes(notebook)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
