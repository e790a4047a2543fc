"""`hornbook run` runs notebooks in old dialects cell by cell."""

import io
import json
import signal
import subprocess
import sys
from contextlib import redirect_stderr

import pytest

from hornbook.cli import main
from hornbook.compat import kernel, notebook

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

PYTHON_2 = {"language_info": {"name": "python", "version": "2.7.12"}}
CELLS = [
    "%matplotlib inline\nfrom helper import half\nfrom keras.layers import *\nprint half(7), 7 / 2",
    "from __future__ import division\nprint 7 / 2, type(K)\nConvolution2D(8, 3, 3).kernel_size",
    "%mkdir made\n%cd -q made\n!pwd\n%time x = sum(xrange(4))",
    "%%time\nprint 'timed', x\nprint {'a': 1}.keys()",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])",
    "a = 1\nConvolution2D(8, 3, 3, borde_mode='same')",
    "!wget -q http://example.com/words.zip\n!wget http://example.com/here.txt\n"
    "%load_ext tensorboard\n%watermark\n!echo {a}-$a\nprint open('here.txt').read()",
    "sorted(n for n in dir() if 'hornbook' in n or 'python2' in n)",
    "open('bytes.txt', 'w').write('caf\\xc3\\xa9')\nlen(open('bytes.txt').read())",
]


def write(path, cells, metadata=PYTHON_2):
    made = nbformat.v4.new_notebook(metadata=metadata)
    made.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    made.cells.insert(1, nbformat.v4.new_markdown_cell("# Text"))
    made.nbformat_minor = 2
    for cell in made.cells:
        del cell["id"]
    path.write_text(nbformat.writes(made))


def text(cell):
    parts = [one.get("text") or one.get("data", {}).get("text/plain", "") for one in cell.outputs]
    return "".join(parts)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A notebook that was run: its status, what was told, its cells."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "helper.py").write_text("def half(x):\n    print 'halving'\n    return x / 2\n")
    (folder / "data").mkdir()
    (folder / "data" / "here.txt").write_text("found here")
    write(folder / "old.ipynb", CELLS)
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(io.StringIO()) as told:
        patch.setenv("HORNBOOK_DATA", str(folder / "data"))
        status = main(["run", str(folder / "old.ipynb"), "--out", str(folder / "new.ipynb")])
    cells = [c for c in nbformat.read(folder / "new.ipynb", 4).cells if c.cell_type == "code"]
    return status, told.getvalue(), cells, folder


def test_old_cells_are_run_in_python_2_and_in_the_old_keras(ran):
    _, told, cells, _ = ran
    assert "written for Keras 1 (Convolution2D), in Python 2" in told.splitlines()[0]
    assert text(cells[0]) == "halving\n3 3\n"
    assert text(cells[1]).startswith("3.5 <class") and text(cells[1]).endswith("(3, 3)")
    assert [cell.source for cell in cells] == CELLS
    assert [cell.execution_count for cell in cells] == list(range(1, len(CELLS) + 1))


def test_magics_and_shell_lines_are_done_or_skipped_with_a_note(ran):
    _, _, cells, folder = ran
    assert (folder / "made").is_dir()
    assert str(folder / "made") in text(cells[2]) and "Wall time" in text(cells[2])
    assert "os.fork" not in text(cells[2])  # of which JAX warns
    assert text(cells[3]).startswith("timed 6\n['a']\n") and "Wall time" in text(cells[3])
    skipped = text(cells[6])
    assert "skipped, as it downloads: wget -q http://example.com/words.zip" in skipped
    assert "HORNBOOK_DATA" in skipped and "here.txt was found" in skipped
    assert "%load_ext tensorboard" in skipped and "%watermark" in skipped
    assert "1-1" in skipped and "found here" in skipped


def test_figures_are_kept_and_the_namespace_is_the_notebook_s(ran):
    _, _, cells, _ = ran
    assert any("image/png" in one.get("data", {}) for one in cells[4].outputs)
    assert text(cells[7]) == "[]"


def test_text_files_are_bytes_in_cells_of_python_2(ran):
    _, _, cells, folder = ran
    assert text(cells[8]) == "5"
    assert (folder / "made" / "bytes.txt").read_bytes() == "café".encode()


def test_an_error_is_told_with_its_cell_and_line_and_the_others_are_run(ran):
    status, told, cells, _ = ran
    assert status == 1
    assert cells[5].outputs[-1].ename == "ValueError"
    last = told.splitlines()[-2:]
    assert "old.ipynb: cell 7, line 2: ValueError: Convolution2D takes" in last[0]
    assert last[1] == "Did you mean 'border_mode' ('padding' today)?"
    assert "compat/names.py" in "".join(cells[5].outputs[-1].traceback)
    assert "[9/10] sorted(n for n in dir()" in told


def test_an_old_format_a_limit_of_time_and_stopping_at_an_error(tmp_path, capsys):
    cells = ["print 'first'", "import time; time.sleep(60)", "print 'never'"]
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [
            {
                "cells": [
                    {
                        "cell_type": "code",
                        "collapsed": False,
                        "input": cell.splitlines(True),
                        "language": "python",
                        "metadata": {},
                        "outputs": [{"output_type": "stream", "stream": "stdout", "text": "old"}],
                    }
                    for cell in cells
                ]
            }
        ],
    }
    path = tmp_path / "three.ipynb"
    path.write_text(json.dumps(old))
    before = path.read_bytes()
    assert main(["run", str(path), "--timeout", "1", "--stop-on-error"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("first\n") and "never" not in out and "old" not in out
    assert "cell 2" in err.splitlines()[-1] and "more than 1 s" in err.splitlines()[-1]
    assert path.read_bytes() == before


def test_a_process_that_ends_and_one_that_is_interrupted(tmp_path):
    write(tmp_path / "dies.ipynb", ["print('first')", "import os\nos._exit(3)", "print('never')"])
    write(tmp_path / "waits.ipynb", ["print('first')", "import time\ntime.sleep(600)"])
    processes = {
        name: subprocess.Popen(
            [sys.executable, "-m", "hornbook", "run", f"{name}.ipynb", "--out", f"{name}.out"],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("dies", "waits")
    }
    told = ""
    while "[3/3]" not in told:
        told += processes["waits"].stderr.read(1)
    processes["waits"].send_signal(signal.SIGINT)
    _, rest = processes["waits"].communicate()
    assert processes["waits"].returncode == 130 and rest.rstrip().endswith("interrupted"), rest
    _, told = processes["dies"].communicate()
    assert processes["dies"].returncode == 1
    assert "cell 3: its process ended" in told.splitlines()[-1], told
    for name in processes:
        assert text(nbformat.read(tmp_path / f"{name}.out", 4).cells[0]) == "first\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("no json", "is not a notebook"),
        ("[]", "is not a notebook"),
        ('{"nbformat": 4, "nbformat_minor": 2, "metadata": {"kernelspec": {"language": "R", '
         '"name": "ir", "display_name": "R"}}, "cells": []}', "for R"),
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_refused(content, told, tmp_path, capsys):
    path = tmp_path / "bad.ipynb"
    path.write_text(content)
    assert main(["run", str(path)]) == 2
    assert told in capsys.readouterr().err


def test_a_copy_that_cannot_be_written_is_refused_before_anything_runs(tmp_path, capsys):
    write(tmp_path / "a.ipynb", ["open('ran', 'w')"])
    assert main(["run", str(tmp_path / "a.ipynb"), "--out", str(tmp_path / "no" / "b.ipynb")]) == 2
    assert "no folder" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()


def test_the_extra_is_named(tmp_path, capsys, monkeypatch):
    write(tmp_path / "a.ipynb", ["1"])
    monkeypatch.setitem(sys.modules, "nbclient", None)
    assert main(["run", str(tmp_path / "a.ipynb")]) == 2
    assert "pip install 'hornbook[notebook]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("wget http://example.com", "downloads"),
        ("cd data && curl -O http://example.com", "downloads"),
        ("pip install keras", "installs"),
        ("mkdir wget", None),
        ("echo 'pip; wget", None),
        ("tar xzf a.tgz", None),
    ],
)
def test_which_shell_lines_are_skipped(line, why):
    assert kernel.why_skipped(line) == why


def test_the_python_of_a_notebook(tmp_path):
    cells = [
        "pass\nfrom __future__ import division",
        "%cd x\nimport keras",
        "%%bash\nls",
        "!ls\nhelp?\nif 1:\n    x = !ls\nprint 1",
        "def f(:",
        'odd = 7 % 2 != 0\nf("%d" % odd, x="?",\n  y=1)',
    ]
    write(tmp_path / "a.ipynb", cells, {})
    source, python2 = notebook.source(notebook.read(str(tmp_path / "a.ipynb")))
    assert python2
    assert (
        source == "pass\nfrom __future__ import division\npass\nimport keras\n\n"
        "pass\npass\nif 1:\n    pass\nprint(1)\n\n"
        'odd = 7 % 2 != 0\nf("%d" % odd, x="?",\n  y=1)'
    )
