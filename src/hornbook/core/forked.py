"""A process forked after the engine started has none of the engine's threads.

Its first call would deadlock. So after a fork the functions that lead to the engine are replaced by
one that raises an error.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable)

engine: dict[str, bool] = {"started": False}  # in this process or the one it was forked from
_users: list[Any] = []


def uses_engine(function: Function) -> Function:
    """Mark a function (not a closure) as one that leads to the engine."""
    _users.append(function)
    return function


def _refuse(*args, **kwargs):  # its code runs as other modules' functions: it can use no globals
    raise RuntimeError(
        "this process was forked from one in which hornbook had already computed. The threads of "
        "its engine, JAX, do not exist in a forked process, so this call would wait for ever.\n"
        "Wrong:  multiprocessing.Process(target=train), where the start method is 'fork'\n"
        'Right:  multiprocessing.get_context("spawn").Process(target=train), '
        'or multiprocessing.set_start_method("spawn") at the start of the program\n'
        "(or fork before the first model is made)"
    )


def _after_fork() -> None:
    if engine["started"]:
        for function in _users:
            function.__code__ = _refuse.__code__


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
