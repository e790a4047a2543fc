"""The command line: help, version, bad input."""

import os
import subprocess
import sys

import jax
import pytest

import hornbook
from hornbook import cli
from hornbook.kernels import native


def status(*argv):
    """The exit status of a command line."""
    try:
        return cli.main(list(argv))
    except SystemExit as exit:
        return exit.code


def test_version(capsys):
    assert status("--version") == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == [f"hornbook {hornbook.__version__}", f"jax {jax.__version__}"]
    assert len(shown) == 3


def test_version_says_whether_compiled_kernels_are_used():
    def shown(**environment):
        run = [sys.executable, "-m", "hornbook", "--version"]
        environment = {**os.environ, **environment}
        return subprocess.run(run, capture_output=True, text=True, env=environment).stdout

    assert "compiled kernels: none, XLA does their work\n" in shown(HORNBOOK_NATIVE="0")
    if native.instructions():
        assert f"compiled kernels: for {native.instructions()}\n" in shown()


def test_help_names_the_commands(capsys):
    assert status("--help") == 0
    assert "demo" in capsys.readouterr().out


def test_without_a_command_there_is_help(capsys):
    assert status("--help") == 0
    help = capsys.readouterr().out
    assert status() == 0
    assert capsys.readouterr().out == help


def test_help_of_the_demo_names_its_options(capsys):
    assert status("demo", "--help") == 0
    shown = capsys.readouterr().out
    for option in ("--text", "--epochs", "--temperature", "--seed", "--out"):
        assert option in shown


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["dance"], "invalid choice: 'dance'"),
        (["demo", "--nope"], "unrecognized arguments: --nope"),
        (["demo", "--epochs", "0"], "--epochs: '0' is not a whole number, 1 or more"),
        (["demo", "--epochs", "2.5"], "--epochs: '2.5' is not a whole number"),
        (["demo", "--temperature", "0"], "--temperature: '0' is not a number above 0"),
        (["demo", "--temperature", "-1"], "--temperature: '-1' is not a number above 0"),
        (["demo", "--temperature", "nan"], "--temperature: 'nan' is not a number above 0"),
        (["demo", "--temperature", "inf"], "--temperature: 'inf' is not a number above 0"),
        (["demo", "--seed", "-1"], "--seed: '-1' is not a whole number from 0"),
        (["demo", "--text", "nowhere.txt"], "hornbook demo: error: there is no file nowhere.txt"),
        (["demo", "--text", "."], ". is a folder"),
        (["demo", "--text", "empty"], "empty is empty"),
        (["demo", "--text", "tiny"], "tiny is too small to learn from: it has 4 characters"),
        (["demo", "--text", "nul"], "nul is binary"),
        (["demo", "--text", "latin"], "latin is not UTF-8 text"),
        (["demo", "--out", "tiny"], "cannot make the folder tiny (--out): File exists"),
    ],
)
def test_bad_input_is_one_clear_error(argv, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "tiny").write_bytes(b"tiny")
    (tmp_path / "nul").write_bytes(b"a\0b" * 1000)
    (tmp_path / "latin").write_bytes(b"caf\xe9" * 1000)
    assert status(*argv) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert not shown.out


def test_options_reach_the_demo(monkeypatch):
    import hornbook.demo

    given = []
    monkeypatch.setattr(hornbook.demo, "run", lambda *args: given.append(args))
    assert status("demo") == 0
    options = "--text t --epochs 3 --temperature 0.5 --seed 7 --out o".split()
    assert status("demo", *options) == 0
    assert given == [(None, None, 0.7, 0, "hornbook-demo"), ("t", 3, 0.5, 7, "o")]


def test_ctrl_c_outside_training_ends_without_a_traceback(monkeypatch, capsys):
    import hornbook.demo

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(hornbook.demo, "run", interrupted)
    assert status("demo") == 130
    assert capsys.readouterr().err.strip() == "interrupted"


def test_the_package_runs_as_a_module_and_help_loads_no_engine():
    code = (
        "import runpy, sys; sys.argv = ['hornbook', '--help']\n"
        "try: runpy.run_module('hornbook', run_name='__main__')\n"
        "except SystemExit as exit: print(exit.code, 'jax' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.startswith("usage: hornbook"), run.stderr
    assert run.stdout.endswith("\n0 False\n")


@pytest.mark.skipif(os.name != "posix", reason="pipes break differently elsewhere")
def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    code = (
        "import sys, hornbook.cli as cli, hornbook.demo as demo\n"
        "demo.run = lambda *args: print('x' * 1_000_000)\n"
        "sys.exit(cli.main(['demo']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1
