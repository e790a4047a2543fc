"""`tf.Session`: values of variables, and `run`: a compiled program for each fetches and feeds.

A program is compiled when it first runs, once for the shapes of what is fed. The path of a call
with known fetches is kept short.
"""

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.keras import backend
from hornbook.compat.tensorflow1.applying import WIDE, narrow
from hornbook.compat.tensorflow1.graph import (
    Graph,
    Operation,
    Tensor,
    get_default_graph,
    here,
    node_of,
    pushed,
)
from hornbook.compat.tensorflow1.runner import Runner
from hornbook.compat.tensorflow1.running import symbol_of
from hornbook.compat.theano.config import wide
from hornbook.core import tree
from hornbook.core.errors import shorten
from hornbook.core.symbolic import Node, SymbolicTensor
from hornbook.core.variable import Variable as KerasVariable

NOT_FETCHED = "Fetch argument {!r} has invalid type {}, must be a string, Tensor or Operation"
CLOSED = "Attempted to use a closed Session."


class Session:
    """`tf.Session`: runs parts of a graph, and has the values of its variables.

    Args:
        target: of a `tf.train.Server`, whose sessions share the values of variables.
        graph: the graph; default the current one.
        config: only `operation_timeout_in_ms` is used: memory and devices are the engine's.
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None):
        self.graph, self.config = graph or get_default_graph(), config
        self.target = target
        self.values: dict[Any, Any] = self.graph.served if target else {}
        self._runners: dict[Any, Any] = {}
        self._base = np.random.default_rng().integers(2**31)
        self._runs = itertools.count(1)
        self._contexts: list[AbstractContextManager] = []
        self.closed = False

    graph_def = property(lambda self: self.graph.as_graph_def())
    sess_str = "hornbook"

    # ---- running

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Compute tensors and run operations.

        Args:
            fetches: a tensor, operation or name, or a structure of them.
            feed_dict: values for placeholders and other tensors.
            options, run_metadata: ignored.

        Returns:
            numpy arrays in the structure of `fetches`; `None` for operations.

        Raises:
            FailedPrecondition: if a variable has no value yet.
            ValueError: for a value of another shape.
        """
        try:
            try:
                key = (
                    tuple(fetches) if type(fetches) is list else fetches,
                    type(fetches),
                    tuple(feed_dict) if feed_dict else (),
                )
                found = self._runners.get(key)
            except TypeError:  # nested
                key = found = None
            if found is None:
                found = self._prepared(fetches, feed_dict or {}, key)
            runner, unpack, feeds = found
            if feeds is None:
                fed = feed_dict.values() if feed_dict else ()
            else:
                fed = feeds(feed_dict)
            return unpack(self._run(runner, fed))
        except Exception as error:
            shorten(error)
            raise

    def _run(self, runner: Runner, fed: Any) -> dict:
        if self.closed:
            raise RuntimeError(CLOSED)
        return runner(self, [take(value) for take, value in zip(runner.takes, fed, strict=True)])

    def _prepared(self, fetches: Any, feed_dict: dict, key: Any) -> tuple:
        pairs, training, simple = self._feeds(feed_dict)
        leaves: list = []
        unpack = self._unpacker(fetches, leaves)
        slow = ("slow", *leaves, *pairs, training)
        runner = self._runners.get(slow)
        if runner is None:
            runner = self._runners[slow] = Runner(
                list(dict.fromkeys(leaves)), list(pairs), training
            )
        feeds = None if simple else (lambda given: self._feeds(given)[0].values())
        found = (runner, unpack, feeds)
        if key is not None and simple:
            self._runners[key] = found
        return found

    def _feeds(self, feed_dict: dict) -> tuple[dict, bool, bool]:
        """Tensors and their values; whether it is training; whether keys are tensors alone."""
        pairs: dict = {}
        training, simple = bool(backend._state["phase"]), True
        for key, value in feed_dict.items():
            if key is backend._PHASE or isinstance(key, int):
                training, simple = bool(np.asarray(value)), False
            elif isinstance(key, list | tuple):
                simple = False
                pairs.update(zip(_flat(key), _flat(value, key), strict=True))
            elif hasattr(key, "feeds"):
                simple = False
                pairs.update(key.feeds(value))
            else:
                simple = simple and isinstance(key, SymbolicTensor)
                pairs[self._element(key)] = value
        return pairs, training, simple

    def _element(self, one: Any) -> Any:
        if isinstance(one, KerasVariable):
            return symbol_of(one)
        found = self.graph.as_graph_element(one) if isinstance(one, str) else one
        if isinstance(found, Tensor | Operation):
            node = node_of(found)
            if node.graph is not None and not self.graph.has(node):
                raise ValueError(f"{found} is not an element of this graph.")
        return found

    def _unpacker(self, fetches: Any, leaves: list) -> Callable[[dict], Any]:
        """A function from tensors' values to the structure of fetches; appends what is fetched."""
        if isinstance(fetches, dict):
            parts = {key: self._unpacker(one, leaves) for key, one in fetches.items()}
            return lambda values: type(fetches)((k, p(values)) for k, p in parts.items())
        if isinstance(fetches, list | tuple):
            listed = [self._unpacker(one, leaves) for one in fetches]
            if hasattr(fetches, "_fields"):
                return lambda values: type(fetches)(*(part(values) for part in listed))
            kind = type(fetches)
            return lambda values: kind([part(values) for part in listed])
        if hasattr(fetches, "fetched"):
            return self._unpacker_of(fetches, leaves)
        if isinstance(fetches, jax.Array):  # what Keras's functions of its variables return
            return lambda values: np.asarray(fetches)[()]
        found = self._element(fetches)
        if isinstance(found, SymbolicTensor):
            leaves.append(found)
            dtype = "O" if found.dtype == "string" else np.dtype(jnp.dtype(str(found.dtype)))
            return lambda values: _fetched(values[found], dtype)
        if isinstance(found, Node):
            leaves.append(found)
            return _nothing
        raise TypeError(NOT_FETCHED.format(fetches, type(fetches).__name__))

    def _unpacker_of(self, value: Any, leaves: list) -> Callable:
        parts, build = value.fetched()
        unpack = self._unpacker(parts, leaves)
        return lambda values: build(*unpack(values))

    def make_callable(self, fetches: Any, feed_list: Any = None, **ignored: Any) -> Callable:
        """A function of the values of `feed_list`."""
        fed = list(feed_list or [])
        return lambda *values: self.run(fetches, dict(zip(fed, values, strict=True)))

    def next_ticket(self) -> np.ndarray:
        """The numbers from which a run draws random ones."""
        return np.array((self._base, next(self._runs)), np.uint32)

    def store(self, variable: Any, value: Any) -> None:
        """Set the value of a variable."""
        with wide() if str(variable.dtype) in WIDE else nullcontext():
            self.values[variable] = jnp.array(np.asarray(value), narrow(variable.dtype), copy=True)

    # ---- contexts

    def __enter__(self) -> "Session":
        context = self.graph.as_default(), pushed(here.sessions, self)
        for one in context:
            one.__enter__()
        self._contexts.append(context)  # type: ignore[arg-type]
        return self

    def __exit__(self, *error: Any) -> None:
        for one in reversed(self._contexts.pop()):  # type: ignore[call-overload]
            one.__exit__(*error)
        self.close()

    def as_default(self) -> AbstractContextManager:
        """A context in which `eval` and `run` use this session; it stays open."""
        return pushed(here.sessions, self)

    def close(self) -> None:
        """Forget the values of variables."""
        self.closed = True
        if not self.target:
            self.values.clear()

    def list_devices(self) -> list:
        """The devices of the engine."""
        return jax.devices()


class InteractiveSession(Session):
    """`tf.InteractiveSession`: a session that is the current one from now on."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None):
        super().__init__(target, graph, config)
        here.sessions.append(self)

    def close(self) -> None:
        """Forget the values of variables, and stop being the current session."""
        here.sessions[:] = [one for one in here.sessions if one is not self]
        super().close()


def get_default_session() -> Any:
    """`tf.get_default_session`: the current session, or `None`."""
    return here.sessions[-1] if here.sessions else None


def _nothing(values: dict) -> None:
    """The result of an operation."""


def _fetched(value: Any, dtype: Any) -> Any:
    if dtype == "O":
        return value if isinstance(value, bytes) else np.asarray(value, object)[()]
    found = np.array(value)
    return (found if found.dtype == dtype else found.astype(dtype))[()]


def _flat(value: Any, like: Any = None) -> list:
    """The tensors in a structure, or the values in their places."""
    if like is not None and isinstance(like, SymbolicTensor):
        return [value]
    if isinstance(value, SymbolicTensor):
        return [value]
    places = like if like is not None else value
    return [
        leaf
        for k in range(len(places))
        for leaf in _flat(value[k], places[k] if like is not None else None)
    ]


__all__ = ["InteractiveSession", "Session", "get_default_session", "tree"]
