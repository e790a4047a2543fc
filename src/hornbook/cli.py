"""The command `hornbook`. Each command imports what it needs when it runs."""

import argparse
import math
import os
import sys

from hornbook import version

GENERATIONS = ("keras1", "keras2", "keras3", "tfkeras", "tf1", "theano")
BAD_INPUT = 2  # as argparse's own exit status
INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments; default `sys.argv[1:]`.

    Returns:
        The exit status: 0, or 2 for bad input.

    Raises:
        SystemExit: for unknown or malformed arguments (2), `--help` and `--version` (0).

    Example:
        >>> main(["--version"])
        Traceback (most recent call last):
        SystemExit: 0
    """
    top = parser()
    options = top.parse_args(argv)
    try:
        if options.run is None:
            top.print_help()
            return 0
        status = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of the output has exited
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def parser() -> argparse.ArgumentParser:
    """The argument parser with all commands."""
    top = argparse.ArgumentParser(
        prog="hornbook", description="Deep learning with the Keras API on one engine, JAX/XLA."
    )
    top.add_argument("--version", action=_Version, help="show the versions and exit")
    top.set_defaults(run=None)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    _add_run(commands)
    _add_port(commands)
    _add_demo(commands)
    return top


class _Version(argparse.Action):
    """Prints the versions and the compiled kernels, which take half a second to import."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, nargs=0, **kwargs)

    def __call__(self, parser, *rest):
        import jax

        from hornbook.kernels import native

        compiled = native.instructions()
        print(f"hornbook {version()}")
        print(f"jax {jax.__version__}")
        print(f"compiled kernels: {f'for {compiled}' if compiled else 'none, XLA does their work'}")
        parser.exit()


def _add_run(commands) -> None:
    run = commands.add_parser(
        "run",
        help="run a program or notebook for Keras 1 or Keras 2 unchanged",
        description=(
            "Run a program or notebook written for Keras 1 or Keras 2, unchanged. The version is "
            "detected from its imports and keywords. Arguments after a program's name are passed "
            "to the program. The cells of a notebook are run in order."
        ),
    )
    run.add_argument("program", metavar="PROGRAM.py | NOTEBOOK.ipynb", help="what to run")
    run.add_argument(
        "--as",
        dest="generation",
        choices=GENERATIONS,
        help="what it is written for (default: detected)",
    )
    _add_notebook(run.add_argument_group("for notebooks"))
    run.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="...", help="arguments for the program"
    )
    run.set_defaults(run=_run)


def _add_notebook(options) -> None:
    options.add_argument(
        "--out",
        metavar="COPY.ipynb",
        help="write the notebook with its outputs (default: print the text outputs)",
    )
    options.add_argument(
        "--timeout", type=_positive, metavar="S", help="seconds per cell (default: no limit)"
    )
    options.add_argument(
        "--stop-on-error", action="store_true", help="skip the cells after one that fails"
    )


def _run(options: argparse.Namespace) -> int:
    from hornbook.compat.runner import run_notebook, run_program

    path, generation = options.program, options.generation
    if not path.endswith(".ipynb"):
        return run_program(path, generation, options.arguments)
    rest = argparse.ArgumentParser(prog=f"hornbook run {path}")  # options may follow its name
    rest.add_argument("--as", dest="generation", choices=GENERATIONS)
    _add_notebook(rest)
    rest.set_defaults(**vars(options))
    given = rest.parse_args(options.arguments)
    return run_notebook(path, given.generation, given.out, given.timeout, given.stop_on_error)


def _add_port(commands) -> None:
    port = commands.add_parser(
        "port",
        help="rewrite a program for Keras 1 or Keras 2 with today's names",
        description=(
            "Rewrite a program for Keras 1 or Keras 2 with today's names, and print the changes as "
            "a diff. What has no counterpart today is listed with its line."
        ),
    )
    port.add_argument("program", metavar="OLD.py", help="the program")
    port.add_argument(
        "--as",
        dest="generation",
        choices=GENERATIONS[:2],
        help="what it is written for (default: detected)",
    )
    where = port.add_mutually_exclusive_group()
    where.add_argument("--write", action="store_true", help="overwrite the program")
    where.add_argument("-o", dest="out", metavar="FILE", help="write it to a file")
    port.set_defaults(run=_port)


def _port(options: argparse.Namespace) -> int:
    from hornbook.compat.port import port_program

    return port_program(options.program, options.generation, options.out, options.write)


def _add_demo(commands) -> None:
    demo = commands.add_parser(
        "demo",
        help="train a character model in about a minute, and watch it learn to write",
        description=(
            "Train a character model (Embedding, BatchNormalization, stateful LSTM, "
            "TimeDistributed Dense) and compare it, on held-out text, with character counts and "
            "character pair counts. Ctrl-C stops training early and reports the results so far."
        ),
    )
    demo.add_argument(
        "--text",
        metavar="FILE",
        help="UTF-8 text to train on (default: the documentation that comes with Python)",
    )
    demo.add_argument(
        "--epochs",
        type=_at_least_one,
        metavar="N",
        help="epochs (default: 8, or as many as fit into about 75 seconds)",
    )
    demo.add_argument(
        "--temperature",
        type=_positive,
        default=0.7,
        metavar="T",
        help="sampling temperature: below 1 safer, above 1 wilder (default: 0.7)",
    )
    demo.add_argument(
        "--seed", type=_seed, default=0, metavar="N", help="seed of everything random (default: 0)"
    )
    demo.add_argument(
        "--out",
        metavar="DIR",
        default="hornbook-demo",
        help="folder for the report and the learning curve (default: hornbook-demo)",
    )
    demo.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from hornbook.demo import DemoError, run

    try:
        run(options.text, options.epochs, options.temperature, options.seed, options.out)
    except DemoError as error:
        print(f"hornbook demo: error: {error}", file=sys.stderr)
        return BAD_INPUT
    return 0


# ---- types of options


def _at_least_one(text: str) -> int:
    return _number(text, int, "a whole number, 1 or more", lambda n: n >= 1)


def _positive(text: str) -> float:
    return _number(text, float, "a number above 0", lambda t: 0 < t < math.inf)


def _seed(text: str) -> int:
    return _number(text, int, "a whole number from 0 to 4294967295", lambda n: 0 <= n < 2**32)


def _number(text, kind, wanted, fits):
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not fits(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return value
