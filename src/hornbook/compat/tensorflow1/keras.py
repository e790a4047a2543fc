"""The session of Keras: `K.get_session`, `K.set_session`."""

from typing import Any

from hornbook.compat.tensorflow1 import operators  # noqa: F401 (they are put on tensors)
from hornbook.compat.tensorflow1.graph import get_default_graph, here
from hornbook.compat.tensorflow1.session import Session

_state: dict[str, Any] = {"session": None}


def get_session() -> Session:
    """The current session, or Keras's own; variables of layers have values without one."""
    if here.sessions:
        return here.sessions[-1]
    kept = _state["session"]
    if kept is None or kept.closed or kept.graph is not get_default_graph():
        kept = _state["session"] = Session()
    return kept


def set_session(session: Any) -> None:
    """Make a session Keras's own."""
    _state["session"] = session
