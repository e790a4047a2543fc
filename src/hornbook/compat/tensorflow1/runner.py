"""What a `Session.run` does: compiled programs for some fetches and feeds.

A program is compiled when it first runs, once for the shapes of what is fed.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow1.applying import WIDE, narrow
from hornbook.compat.tensorflow1.graph import Tensor, here, pushed
from hornbook.compat.tensorflow1.running import LayerVariable, Run, not_fed, ordered, symbol_of
from hornbook.compat.tensorflow1.shapes import TensorShape
from hornbook.compat.tensorflow1.sources import Constant, Placeholder
from hornbook.compat.theano import integers
from hornbook.compat.theano.config import wide
from hornbook.compat.theano.function import Program
from hornbook.core.symbolic import Node, SymbolicTensor, substitute
from hornbook.core.undisturbed import undisturbed
from hornbook.core.variable import Variable as KerasVariable

MISFIT = "Cannot feed value of shape {} for Tensor {!r}, which has shape {!r}"
UNINITIALIZED = "Attempting to use uninitialized value {}. Run tf.global_variables_initializer(), \
or restore the variables, first"


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
        if isinstance(tensor, Placeholder):
            raise not_fed(tensor)
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
