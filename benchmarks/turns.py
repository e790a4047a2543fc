"""Peers that take turns: who is first in a round, and what happens if one fails."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def in_turn(peers: list[str], number: int) -> list[str]:
    """The peers in the order of a round; each round starts with the next one."""
    at = number % max(len(peers), 1)
    return peers[at:] + peers[:at]


@contextmanager
def excused(result: Any, workers: dict[str, Any], say: Callable[[str], None]) -> Iterator[None]:
    """Drop a peer that fails, keeping its error in its result; the others continue.

    Args:
        result: has `peer`, and gets `error`.
        workers: by peer; the failed one's is closed.
        say: tells the user.
    """
    try:
        yield
    except RuntimeError as error:
        result.error = str(error)
        say(str(error))
        if result.peer in workers:
            workers.pop(result.peer).close()
