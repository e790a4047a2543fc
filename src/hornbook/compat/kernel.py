"""The kernel of `hornbook run NOTEBOOK.ipynb`: IPython's, where `import keras` is an old Keras.

python -m hornbook.compat.kernel '{"generation": "keras1", "python2": true}' -f CONNECTION_FILE
"""

import json
import re
import shlex
import shutil
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from hornbook.compat.explain import explain
from hornbook.compat.python2 import Meaning, todays_syntax
from hornbook.compat.python2_builtins import BUILTINS
from hornbook.compat.session import session
from hornbook.core.errors import shorten
from hornbook.data.files import local_file

# Shell commands that use the network or change what is installed.
SKIPPED = {
    **dict.fromkeys(
        "wget curl kg kaggle git scp rsync aria2c axel gsutil aws".split(), "downloads"
    ),
    **dict.fromkeys("pip pip2 pip3 conda apt apt-get brew yum sudo npm".split(), "installs"),
}
SKIPPING = "hornbook run: skipped, as it {why}: {line}"
PUT_FILES = "(put the file next to the notebook, or into the folder that HORNBOOK_DATA names)"
FOUND = "hornbook run: {name} was found in HORNBOOK_DATA and copied: {line}"
# Magics that use the network, change what is installed, or load extensions.
MAGICS = "pip conda tensorboard tensorflow_version install_ext load_ext reload_ext".split()
WINDOWS = "notebook nbagg widget ipympl qt qt4 qt5 tk gtk gtk3 wx osx auto".split()
MAGIC = re.compile(r"^\s*%{1,2}(\w+)", re.MULTILINE)
JAX = ("", "jax")


def main(argv: list[str]) -> None:
    """Serve one notebook.

    Args:
        argv: the settings as JSON, then the arguments of ipykernel.
    """
    from ipykernel.kernelapp import IPKernelApp

    settings = json.loads(argv[0])
    app = IPKernelApp.instance()
    app.initialize(argv[1:])
    with session(settings["generation"], settings["python2"], settings.get("backend")):
        prepare(app.shell, settings["python2"])
        app.start()


def prepare(shell: Any, python2: bool) -> None:
    """Make an IPython shell accept the magics, shell lines and Python of old notebooks.

    Args:
        shell: the shell.
        python2: whether the notebook is written in Python 2.
    """
    # JAX warns about the fork of a shell line, which is followed by an exec at once.
    warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
    shell.system = partial(_system, shell.system)
    shell.events.register("pre_run_cell", partial(_stand_in, shell))
    for name in MAGICS:
        shell.register_magic_function(partial(_skip, f"%{name}"), "line", name)
    matplotlib = shell.find_line_magic("matplotlib")
    shell.register_magic_function(partial(_inline, matplotlib), "line", "matplotlib")
    shell.register_magic_function(partial(_backend, shell), "cell", "backend")
    shell.set_custom_exc((Exception,), _show)
    if python2:
        builtins = {**BUILTINS, "get_ipython": shell.user_ns["get_ipython"]}
        shell.user_ns["__builtins__"] = builtins
        for name in BUILTINS:
            shell.user_ns.pop(name, None)  # IPython injects its own `open`
        shell.input_transformers_post.append(_translated)
        shell.ast_transformers.append(Meaning())


def _show(shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: Any = None) -> None:
    """Show a cell's error from the cell's line on, with helpful notes."""
    explain(error)
    shorten(error)
    shell.showtraceback((kind, error, error.__traceback__), tb_offset=tb_offset)


def _translated(lines: list[str]) -> list[str]:
    return todays_syntax("".join(lines), "this cell").splitlines(keepends=True)


# ---- magics


def _stand_in(shell: Any, info: Any) -> None:
    """Unknown magics of a cell do nothing and say so."""
    for name in MAGIC.findall(info.raw_cell or ""):
        if not shell.find_line_magic(name) and not shell.find_cell_magic(name):
            shell.register_magic_function(partial(_skip, f"%{name}"), "line", name)
            shell.register_magic_function(partial(_skip, f"%%{name}"), "cell", name)


def _skip(name: str, line: str, cell: str = "") -> None:
    print(SKIPPING.format(why="is not supported", line=f"{name} {line}".rstrip()))


def _inline(matplotlib: Any, line: str) -> Any:
    """`%matplotlib`: window backends become inline."""
    return matplotlib("inline" if set(line.split()) & {*WINDOWS} or not line.strip() else line)


def _backend(shell: Any, line: str, cell: str) -> None:
    """`%%backend jax` of notebooks for several backends: only JAX's cells run."""
    if line.strip() in JAX:
        shell.run_cell(cell)
    else:
        _skip("%%backend", line)


# ---- shell lines


def why_skipped(line: str) -> str | None:
    """The reason that a shell line is skipped; `None` if it is run.

    Args:
        line: the text after `!`.

    Example:
        >>> why_skipped("wget -q http://example.com/a.zip && unzip a.zip")
        'downloads'
        >>> why_skipped("unzip -q a.zip") is None
        True
    """
    words = _words(line)
    first = [w for before, w in zip([";", *words], words) if before in (";", "&&", "||", "|", "&")]
    return next((SKIPPED[word] for word in first if word in SKIPPED), None)


def _words(line: str) -> list[str]:
    try:
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        return list(words)
    except ValueError:
        return line.split()


def _system(_run: Any, _line: str) -> Any:
    """Run a shell line. Names start with `_` because `!echo {x}` also looks for `x` here."""
    _why = why_skipped(_line)
    if _why is None:
        return _run(_line)
    if not _copied(_words(_line), _line):
        print(SKIPPING.format(why=_why, line=_line))
        if _why == "downloads":
            print(PUT_FILES)
    return None


def _copied(words: list[str], line: str) -> bool:
    """Copy the file of a download from `HORNBOOK_DATA`, if it is there."""
    addresses = [word for word in words if "://" in word]
    found = local_file(addresses[0]) if len(addresses) == 1 else None
    if found is None or not found.is_file():
        return False
    options = dict(zip(words, words[1:]))
    name = options.get("-O") if words[0] == "wget" else options.get("-o")
    target = Path(options.get("-P", "."), name or addresses[0].rpartition("/")[2])
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(found, target)
    print(FOUND.format(name=target, line=line))
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
