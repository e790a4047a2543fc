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
    Constant,
    Graph,
    Operation,
    Tensor,
    get_default_graph,
    here,
    pushed,
)
from hornbook.compat.tensorflow1.running import LayerVariable, Run, ordered, symbol_of
from hornbook.compat.tensorflow1.shapes import TensorShape
from hornbook.compat.theano import integers
from hornbook.compat.theano.config import wide
from hornbook.compat.theano.function import Program
from hornbook.core import tree
from hornbook.core.errors import shorten
from hornbook.core.symbolic import Node, SymbolicTensor, substitute
from hornbook.core.undisturbed import undisturbed
from hornbook.core.variable import Variable as KerasVariable

MISFIT = "Cannot feed value of shape {} for Tensor {!r}, which has shape {!r}"
NOT_FETCHED = "Fetch argument {!r} has invalid type {}, must be a string, Tensor or Operation"
UNINITIALIZED = "Attempting to use uninitialized value {}. Run tf.global_variables_initializer(), \
or restore the variables, first"
CLOSED = "Attempted to use a closed Session."


class FailedPrecondition(RuntimeError):
    """A variable has no value yet."""


class Runner:
    """What computes some fetches from some feeds.

    Args:
        fetches: tensors and operations.
        fed: tensors that are given.
        training: the phase of Keras's layers.
    """

    def __init__(self, fetches: list, fed: list, training: bool):
        self.fetches, self.fed, self.training = fetches, fed, training
        self.staged: list = []  # tensors that the host computes first
        self._subs: dict[Any, Runner] = {}
        self._prepare()

    def _prepare(self) -> None:
        given = {*self.fed, *self.staged}
        order = ordered(self.fetches, given)
        hosted = [n for n in order if getattr(n, "on_host", False)]
        used = {t.node for n in order if n not in hosted for t in n.inputs}
        used |= {c for n in order if n not in hosted for c in getattr(n, "controls", ())}
        self.before: list[Node] = []
        for node in reversed(hosted):
            if node in used:
                self.before.insert(0, node)
                used |= {t.node for t in node.inputs}
        self.after = [n for n in hosted if n not in self.before]
        first = [t for n in self.before for t in n.output_list]
        shown = [one for one in self.fetches if isinstance(one, SymbolicTensor)]
        late = {t for n in self.after for t in n.output_list}
        wanted = [*shown, *(t for n in self.after for t in n.inputs)]
        found = [t for t in dict.fromkeys(wanted) if t not in late]
        self.outputs = [t for t in found if t.dtype != "string"]
        self.texts = [t for t in found if t.dtype == "string"]  # constants, and what is fed
        self.given = [*self.fed, *self.staged, *first]
        known = {*self.given}
        rest = [one for one in self.fetches if one not in late and one not in self.after]
        self.order = [
            n for n in ordered([*rest, *self.outputs], known) if not getattr(n, "on_host", False)
        ]
        sources = [n.output_list[0] for n in self.order if n.op is None and n.output_list]
        reads = [symbol_of(v) for n in self.order for v in _layer_variables(n)]
        assigned = dict.fromkeys(v for n in self.order for v in getattr(n, "assigns", ()))
        found = dict.fromkeys([*sources, *reads, *assigned])
        self.layers = [v for v in found if isinstance(v, LayerVariable) and v not in known]
        variables = [v for v in found if getattr(v, "assigned_by_session", False)]
        self.kept = [v for v in variables if v in assigned]
        self.read = [v for v in variables if v not in assigned and v not in known]
        tensors = [t for n in self.order for t in (*n.output_list, *n.inputs)]
        self.wide = any(str(t.dtype) in WIDE for t in [*tensors, *self.outputs, *self.given])
        self.initializes = all(getattr(one, "initializes", False) for one in self.fetches)
        self.programs: dict[Any, list[Program]] = {}
        self.updated: list = []
        self.passed = [k for k, t in enumerate(self.given) if t.dtype != "string"]
        passed = [self.given[k] for k in self.passed]
        self.symbols = [*self.kept, *self.read, *self.layers, *passed]
        self.takes = [taker(t) for t in self.fed]
        self.plain = not (self.before or self.after or self.staged or self.texts)

    # ---- values

    def __call__(self, session: Any, given: list) -> dict:
        """The values of fetched tensors, by tensor."""
        given = list(given)
        if self.plain and not self.wide:
            return self._computed(session, given)
        with wide() if self.wide else nullcontext(), pushed(here.sessions, session):
            return self._computed(session, given)

    def _computed(self, session: Any, given: list) -> dict:
        for number, tensor in enumerate([*self.staged, *_outputs(self.before)]):
            if len(given) <= len(self.fed) + number:
                given += self._on_host(session, given, tensor)
        at_once = self.initializes or any(v not in session.values for v in self.kept)
        if at_once:
            found = self._at_once(session, given)
        else:
            try:
                found = undisturbed(lambda: self._compiled(session, given))
            except integers.NotKnownError as error:
                self._stage(error)
                return self(session, given[: len(self.fed)])
        values = dict(zip(self.outputs, found, strict=True))
        if self.plain:
            return values
        values |= dict(zip(self.given, given, strict=True))
        values |= {t: t.data for t in self.texts if isinstance(t, Constant)}
        for node in self.after:
            made = node.op(*_filled(node.args, values), **_filled(node.kwargs, values))
            values.update(zip(node.output_list, _listed(made, node), strict=True))
        return values

    def _on_host(self, session: Any, given: list, tensor: Any) -> list:
        """The value of a staged tensor, or the results of a node on the host."""
        known = self.given[: len(given)]
        if tensor in self.staged:
            sub = self._sub([tensor], known)
            return [np.asarray(sub(session, given)[tensor])]
        node = tensor.node
        sub = self._sub(list(dict.fromkeys(node.inputs)), known)
        values = sub(session, given) | dict(zip(known, given, strict=True))
        made = node.op(*_filled(node.args, values), **_filled(node.kwargs, values))
        return _listed(made, node)

    def _sub(self, ends: list, known: list) -> "Runner":
        key = (*ends, *known)
        if key not in self._subs:
            self._subs[key] = Runner(ends, known, self.training)
        return self._subs[key]

    def _stage(self, error: integers.NotKnownError) -> None:
        tensor = error.variable
        if tensor is None or tensor in self.staged:
            raise error
        self.staged.append(tensor)
        self._prepare()

    def _values(self, session: Any, given: list) -> list:
        values = session.values
        try:
            found = [values[v] for v in self.kept]
            found += [values[v] for v in self.read]
        except KeyError as error:
            raise FailedPrecondition(UNINITIALIZED.format(error.args[0].op.name)) from None
        if self.layers:
            found += [v.of.raw for v in self.layers]
        if len(self.passed) < len(given):
            given = [given[k] for k in self.passed]
        return found + given

    def _compiled(self, session: Any, given: list) -> list:
        values = self._values(session, given)
        values.append(session.next_ticket())
        key = tuple([value.shape for value in values])
        known = self.programs.get(key, ())
        for program in known:
            if not program.guards or all(guard(values) for guard in program.guards):
                break
        else:
            program = Program(self, values, len(self.kept))  # type: ignore[arg-type]
            self.programs[key] = [program, *known]
        results = program.run(*values)
        number = len(self.outputs)
        if self.kept:
            stored = session.values
            for variable, array in zip(self.kept, results[-len(self.kept) :], strict=True):
                stored[variable] = array
        for symbol, array in zip(self.updated, results[number:], strict=False):
            symbol.of.assign(array)
        return results[:number]

    def run(self, arrays: list) -> list:
        """Trace the order for arrays: fetched values, layers' new ones, variables' new ones."""
        *arrays, ticket = arrays
        run = Run(dict(zip(self.symbols, arrays, strict=True)), ticket, self.training)
        with run.active():
            run.compute(self.order, run.env, {*self.given})
        env = run.env
        assigned = [v for v in run.assigned if isinstance(v, LayerVariable)]
        self.updated = [
            v for v in assigned if v.of.kind in ("seed", "state") or v in self._by_ops()
        ]
        found = [*self.outputs, *self.updated, *self.kept]
        return [_array(env[one]) for one in found]

    def _by_ops(self) -> set:
        return {v for n in self.order for v in getattr(n, "assigns", ())}

    def _at_once(self, session: Any, given: list) -> list:
        """Compute without compiling, as initial values are."""
        known = {v: session.values[v] for v in (*self.kept, *self.read) if v in session.values}
        known |= {v: v.of.raw for v in self.layers}
        known |= dict(zip(self.given, given, strict=True))
        run = Run(known, session.next_ticket(), self.training, at_once=True)
        with run.active():
            try:
                run.compute(self.order, run.env, {*self.given})
            except KeyError as error:
                symbol = error.args[0]
                if not isinstance(symbol, Tensor):
                    raise
                raise FailedPrecondition(UNINITIALIZED.format(symbol.op.name)) from None
        for variable in run.assigned:
            if isinstance(variable, LayerVariable):
                variable.of.assign(run.env[variable])
            else:
                session.store(variable, run.env[variable])
        return [run.env[one] for one in self.outputs]


def _array(value: Any) -> Any:
    return value if isinstance(value, jax.Array) else jnp.asarray(value)


def _layer_variables(node: Node) -> list:
    from_nodes = vars(node).get("_variables")
    return from_nodes or []


def _outputs(nodes: list) -> list:
    return [t for n in nodes for t in n.output_list]


def _filled(structure: Any, values: dict) -> Any:
    known = {k: np.asarray(v) if isinstance(v, jax.Array) else v for k, v in values.items()}
    return substitute(structure, _Values(known))


class _Values(dict):
    def __missing__(self, tensor: Any) -> Any:
        if isinstance(tensor, Constant):
            return tensor.data
        raise KeyError(tensor)


def _listed(made: Any, node: Node) -> list:
    outputs = node.output_list
    found = [made] if len(outputs) == 1 and not isinstance(made, list | tuple) else [*made]
    return [
        v if isinstance(v, bytes) else _as_declared(v, t)
        for v, t in zip(found, outputs, strict=True)
    ]


def _as_declared(value: Any, tensor: Any) -> Any:
    if tensor.dtype == "string":
        return np.asarray(value, object)
    return np.asarray(value, narrow(tensor.dtype))


def taker(tensor: Any) -> Callable[[Any], Any]:
    """A function that makes what is fed an array of the dtype, and checks the shape."""
    if tensor.dtype == "string":
        return lambda value: np.vectorize(
            lambda one: one.encode() if isinstance(one, str) else one, otypes=[object]
        )(np.asarray(value, object))
    static = TensorShape(tensor.shape) if not isinstance(tensor, Tensor) else tensor.static
    sizes = None if static.ndims is None else tuple(static)
    dtype = np.dtype(narrow_dtype(tensor.dtype))

    def take(value: Any) -> Any:
        if isinstance(value, KerasVariable):
            value = value.raw
        if type(value) is not np.ndarray or value.dtype != dtype:
            if isinstance(value, SymbolicTensor):
                raise TypeError(
                    "The value of a feed cannot be a tf.Tensor object. Acceptable feed values "
                    "include Python scalars, strings, lists and numpy ndarrays."
                )
            if not (isinstance(value, jax.Array) and value.dtype == dtype):
                value = np.asarray(value, dtype)
        shape = value.shape
        if sizes is not None and shape != sizes:
            pairs = zip(shape, sizes, strict=False)
            if len(shape) != len(sizes) or any(b is not None and a != b for a, b in pairs):
                raise ValueError(MISFIT.format(shape, tensor.name, str(static)))
        return value

    return take


def narrow_dtype(dtype: Any) -> Any:
    """The dtype of arrays that are fed: 64 bits are kept for floats."""
    name = str(dtype)
    return {"int64": "int32", "uint64": "uint32"}.get(name) or jnp.dtype(name)


class Session:
    """`tf.Session`: runs parts of a graph, and has the values of its variables.

    Args:
        target: ignored: there is one process.
        graph: the graph; default the current one.
        config: ignored: memory and devices are the engine's.
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None):
        self.graph = graph or get_default_graph()
        self.values: dict[Any, Any] = {}
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
        if isinstance(found, Tensor | Operation) and found.graph not in (None, self.graph):
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
