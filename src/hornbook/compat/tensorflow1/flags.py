"""`tf.app.flags`: options of a program's command line; `tf.app.run`."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

NOT_PARSED = "{!r} is no flag of this program: {}"


class Flags:
    """The values of flags, read from the command line when one is first asked for."""

    def __init__(self) -> None:
        vars(self).update(_parser=argparse.ArgumentParser(), _values=None, _set={})

    def _parsed(self) -> dict:
        if self._values is None:
            known, _ = self._parser.parse_known_args(sys.argv[1:])
            vars(self)["_values"] = vars(known)
        return self._values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        values = {**self._parsed(), **self._set}
        if name not in values:
            raise AttributeError(NOT_PARSED.format(name, sorted(values)))
        return values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._set[name] = value

    def __call__(self, argv: Any = None, **ignored: Any) -> list:
        """Read the command line; return what is no flag."""
        known, rest = self._parser.parse_known_args(list(argv or sys.argv)[1:])
        vars(self)["_values"] = vars(known)
        return [sys.argv[0], *rest]

    def flag_values_dict(self) -> dict:
        """The values by name."""
        return {**self._parsed(), **self._set}

    @property
    def __flags(self) -> dict:
        return self.flag_values_dict()


FLAGS = Flags()


def _define(kind: Callable) -> Callable:
    def define(
        flag_name: str, default_value: Any = None, docstring: str = "", **ignored: Any
    ) -> None:
        FLAGS._parser.add_argument(
            f"--{flag_name}",
            f"-{flag_name}",
            dest=flag_name,
            default=default_value,
            type=kind,
            help=docstring,
        )
        vars(FLAGS)["_values"] = None

    define.__doc__ = "Define a flag."
    return define


DEFINE_string, DEFINE_integer, DEFINE_float = map(_define, (str, int, float))


def _truth(text: str) -> bool:
    return text.lower() in ("true", "t", "1", "yes", "y")


def DEFINE_boolean(flag_name: str, default_value: Any = None, docstring: str = "", **ignored: Any):
    """Define a flag that is true or false; `--noflag` is false."""
    parser = FLAGS._parser
    parser.add_argument(
        f"--{flag_name}",
        dest=flag_name,
        default=default_value,
        type=_truth,
        nargs="?",
        const=True,
        help=docstring,
    )
    parser.add_argument(
        f"--no{flag_name}", dest=flag_name, action="store_false", help=argparse.SUPPRESS
    )
    vars(FLAGS)["_values"] = None


DEFINE_bool = DEFINE_boolean


def DEFINE_enum(
    flag_name: str, default_value: Any, enum_values: Any, docstring: str = "", **ignored: Any
):
    """Define a flag with some values."""
    FLAGS._parser.add_argument(
        f"--{flag_name}",
        dest=flag_name,
        default=default_value,
        choices=list(enum_values),
        help=docstring,
    )


def run(main: Any = None, argv: Any = None) -> None:
    """`tf.app.run`: call the program's `main`, then leave."""
    chosen = main or sys.modules["__main__"].main
    sys.exit(chosen(FLAGS(argv or sys.argv)))
