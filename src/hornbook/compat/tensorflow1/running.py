"""Runs a part of a graph: the order of its operations, their values, gradients and assignments.

Operations that depend on no assignment run first, so that `sess.run([loss, train])` gives the loss
before the step. A gradient is one step, which also computes the operations between its ends, so
that the loss and its gradient take one pass. The program is traced by JAX, once for the shapes of
what is fed, with `compat/theano`'s integers for sizes that are computed.
"""

import linecache
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow1.applying import NEEDS_VALUE, narrow
from hornbook.compat.tensorflow1.graph import Operation, Tensor, reads_of
from hornbook.compat.tensorflow1.sources import Constant, Placeholder
from hornbook.compat.theano import integers
from hornbook.core import tree
from hornbook.core.symbolic import Node, SymbolicTensor, substitute
from hornbook.core.variable import Inside, Variable, bind, thread
from hornbook.layers.calling import Call

TOLD = "Caused by op"
NOT_FED = "You must feed a value for placeholder tensor {!r} with dtype {} and shape {}"
IN_LOOP = "{} needs the values of tensors inside a loop, a condition or a gradient, where they are \
not known: {}"


class InvalidArgument(ValueError):
    """A placeholder without a value, or a value that does not fit."""


def not_fed(tensor: Placeholder) -> InvalidArgument:
    """The error of a placeholder without a value."""
    given = (tensor.node.name, tensor.dtype.name, tensor.static)
    return InvalidArgument(NOT_FED.format(*given))


# ---- variables: of this graph, and of Keras's layers


def variables_of(node: Node) -> list[Variable]:
    """The variables of Keras's layers that a node reads."""
    found = vars(node).get("_variables")
    if found is None:
        known = dict.fromkeys(getattr(node.op, "variables", ()) if node.op is not None else ())
        given = tree.walk((node.args, node.kwargs))
        known |= dict.fromkeys(one for one in given if isinstance(one, Variable))
        found = node._variables = list(known)  # type: ignore[attr-defined]
    return found


class LayerVariable(Tensor):
    """A variable of one of Keras's layers, as a tensor.

    Args:
        of: the variable; its value is there, not in a session.
    """

    assigned_by_session = False

    def __init__(self, of: Variable):
        node = Node(None)
        self.of = of
        node.graph = node.device = None  # type: ignore[attr-defined]
        super().__init__(tuple(of.shape), str(of.dtype), node)  # type: ignore[arg-type]
        node.name = getattr(of, "path", of.name)
        node.outputs = self


_symbols: dict[int, LayerVariable] = {}


def symbol_of(variable: Any) -> Any:
    """The tensor of a layer's variable; tensors are themselves."""
    if not isinstance(variable, Variable):
        return variable
    found = _symbols.get(id(variable))
    if found is None or found.of is not variable:
        found = _symbols[id(variable)] = LayerVariable(variable)
    return found


def inputs_of(node: Node) -> list:
    """The tensors that a node reads, its layer's variables among them."""
    variables, reads = variables_of(node), reads_of(node)
    return [*reads, *map(symbol_of, variables)] if variables else reads


# ---- order


class Gradient:
    """The gradient of tensors with respect to others, as a function of what lies outside.

    Args:
        ys: tensors; the gradient of their sum.
        xs: tensors to differentiate by.
        grads: gradients of `ys`, or `None` for ones.
        stop: tensors treated as constants.
    """

    name = "gradients"
    __name__ = "gradients"

    def __init__(self, ys: list, xs: list, grads: list, stop: list):
        self.ys, self.xs, self.grads, self.stop = ys, xs, grads, stop


def ordered(ends: Iterable[Any], known: set) -> list[Node]:
    """The nodes that tensors and operations depend on, each after its inputs.

    Args:
        ends: tensors and nodes.
        known: tensors that have values.
    """
    order: list[Node] = []
    seen: set[Node] = set()

    def visit(roots: list[Node]) -> None:
        stack = [(node, False) for node in reversed(roots)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((one, False) for one in reversed(_before(node, known)))

    roots = [
        one.node if isinstance(one, SymbolicTensor) else one for one in ends if one not in known
    ]
    visit(roots)
    late = late_ones(order)
    return [n for n in order if n not in late] + [n for n in order if n in late]


def _before(node: Node, known: set) -> list[Node]:
    found = [t.node for t in inputs_of(node) if t not in known]
    return [*found, *getattr(node, "controls", ())]


def late_ones(order: list[Node]) -> set[Node]:
    """The nodes that assign, or depend on an assignment."""
    late: set[Node] = set()
    for node in order:
        if getattr(node, "assigns", ()) or any(one in late for one in _before(node, set())):
            late.add(node)
    return late


def between(ys: list, xs: list, known: set) -> tuple[list[Node], set]:
    """The nodes from some tensors to others, in order, and the tensors that depend on the first."""
    stop = {*known, *xs}
    found: set = set(xs)
    inner = []
    for node in ordered(ys, stop):
        if any(t in found for t in inputs_of(node)):
            found.update(node.output_list)
            inner.append(node)
    return inner, found


# ---- values


class _Thread(threading.local):
    runs: tuple["Run", ...] = ()


_thread = _Thread()


def current() -> "Run | None":
    """The run in progress, if any."""
    return _thread.runs[-1] if _thread.runs else None


class Env(dict):
    """Values of tensors; constants have theirs."""

    def __missing__(self, tensor: Any) -> Any:
        if isinstance(tensor, Constant):
            return tensor.data
        raise KeyError(tensor)


class Run:
    """One pass over a part of a graph, traced or at once.

    Args:
        values: of tensors.
        ticket: two numbers, of the session and of the run, from which random numbers are drawn.
        training: the phase of Keras's layers.
        at_once: whether values are computed now, with numpy's random numbers.
    """

    def __init__(self, values: dict, ticket: Any, training: bool = False, at_once: bool = False):
        self.env = Env(values)
        self.ticket, self.training, self.at_once = ticket, training, at_once
        self.folds: tuple = ()  # numbers of iterations
        self.wide = bool(jax.config.read("jax_enable_x64"))
        self.assigned: dict[Any, None] = {}
        self.inner = 0

    @contextmanager
    def active(self) -> Iterator[None]:
        """A context in which this is the current run."""
        before = _thread.runs
        _thread.runs = (*before, self)
        try:
            with Inside("calls", Call(self.training, [])) if not thread.calls else bind({}):
                yield
        finally:
            _thread.runs = before

    def compute(self, nodes: list[Node], env: Env, known: set) -> None:
        """Compute nodes in order; those whose results are known are skipped."""
        for node in nodes:
            if isinstance(node.op, Gradient):
                self._ahead(node, env, known)
        for node in nodes:
            self._node(node, env, known)

    def _ahead(self, gradient: Node, env: Env, known: set) -> None:
        """Compute a gradient before what it computes by itself, unless assignments come first."""
        op = gradient.op
        inner, inside = between(op.ys, op.xs, known)
        outside = [t for n in inner for t in inputs_of(n) if t not in inside]
        grads = [one for one in op.grads if one is not None]
        needed = ordered([*outside, *op.xs, *grads], known)
        if late_ones([*needed, *inner]) or not {*inner}.isdisjoint(needed):
            return
        for node in needed:
            self._node(node, env, known)
        self._node(gradient, env, known)

    def _node(self, node: Node, env: Env, known: set) -> None:
        if _is_done(node, env):
            return
        if node.op is None:
            if isinstance(node, Operation) and node.type != "Const":
                self._not_fed(node)
            return
        try:
            if isinstance(node.op, Gradient):
                made = self._gradient(node, env, known)
            else:
                made = self._call(node, env)
        except Exception as error:
            _tell(error, node)
            raise
        results = _leaves(node, made)
        if self.wide:
            results = [_typed(r, t) for r, t in zip(results, node.output_list, strict=True)]
        env.update(zip(node.output_list, results, strict=True))
        for variable, tensor in zip(getattr(node, "assigns", ()), node.output_list, strict=False):
            self._assign(variable, tensor, env)
        if not node.output_list:
            env[node] = None

    def _not_fed(self, node: Any) -> None:
        tensor = node.output_list[0]
        if isinstance(tensor, Placeholder):
            raise not_fed(tensor)
        raise KeyError(tensor)

    def _assign(self, variable: Any, tensor: Any, env: Env) -> None:
        value = env[tensor]
        if not self.at_once:
            value = jnp.asarray(value).astype(narrow(variable.dtype))
            if any(value is other for key, other in env.items() if key is not tensor):
                value = jnp.copy(value)  # two variables must not share an array
        env[variable] = env[tensor] = value
        self.assigned[variable] = None

    def _call(self, node: Node, env: Env) -> Any:
        args, kwargs = substitute(node.args, env), substitute(node.kwargs, env)
        variables = variables_of(node)
        if variables:
            return self._call_layer(node, args, kwargs, variables, env)
        reads = reads_of(node)
        values = [env[t] for t in reads]
        if values and all(_is_small(value) for value in values):
            with jax.ensure_compile_time_eval():
                return jax.tree.map(_on_host, node.op(*args, **kwargs))
        try:
            return node.op(*args, **kwargs)
        except integers.NotKnownError as error:
            if error.variable is None:
                error.variable = next((t for t in reads if env[t] is error.array), None)
            raise
        except NEEDS_VALUE:
            decided = self._decided(node, env)
            if decided is None:
                raise
        return node.op(*substitute(node.args, decided), **substitute(node.kwargs, decided))

    def _decided(self, node: Node, env: Env) -> Any:
        """The arguments, with the integers of this call for those that may determine shapes.

        Raises:
            NotKnownError: if only a run can tell.
        """
        values = {t: env[t] for t in reads_of(node)}
        traced = {t: v for t, v in values.items() if isinstance(v, jax.core.Tracer)}
        small = {t: v for t, v in traced.items() if v.ndim <= 1 and v.dtype.kind in "iub"}
        for tensor, value in (small or traced).items():
            try:
                values[tensor] = np.asarray(integers.concrete(value), value.dtype)
            except integers.NotKnownError as error:
                error.variable = tensor
                if self.inner:
                    error.add_note(IN_LOOP.format(node.name, tensor.name))
                raise
        return values if traced else None

    def _call_layer(self, node: Node, args: Any, kwargs: Any, variables: list, env: Env) -> Any:
        given = {v: env[symbol_of(v)] for v in variables}
        with bind(given) as scope:
            made = node.op(*args, **kwargs)
        made = jax.tree.map(
            lambda x: scope[x] if isinstance(x, Variable) else x,
            made,
            is_leaf=lambda x: isinstance(x, Variable),
        )
        for variable in variables:
            value = scope[variable]
            if value is not given[variable]:
                symbol = symbol_of(variable)
                env[symbol] = value
                self.assigned[symbol] = None
        return made

    def _gradient(self, node: Node, env: Env, known: set) -> list:
        op = node.op
        nodes, _ = between(op.ys, op.xs, {*known, *op.stop})
        host: dict = {}

        def sums(arrays: list) -> tuple:
            inside = Env(env)
            for n in nodes:
                for t in n.output_list:
                    inside.pop(t, None)
            inside.update(zip(op.xs, arrays, strict=True))
            before = dict(inside)
            self.inner += 1
            try:
                self.compute(nodes, inside, {*known, *op.xs})
            finally:
                self.inner -= 1
            new = {k: v for k, v in inside.items() if before.get(k, nodes) is not v}
            host.update({k: v for k, v in new.items() if not isinstance(v, jax.Array)})
            ys = [inside[y] for y in op.ys]
            return [jnp.asarray(y) for y in ys], {
                k: v for k, v in new.items() if isinstance(v, jax.Array)
            }

        arrays = [jnp.asarray(env[x]) for x in op.xs]
        keys: list = []

        def listed(arrays: list) -> tuple:
            ys, new = sums(arrays)
            keys[:] = new
            return ys, list(new.values())

        ys: Any
        new: Any
        ys, back, new = jax.vjp(listed, arrays, has_aux=True)
        given = [
            jnp.ones_like(y)
            if g is None
            else jnp.broadcast_to(jnp.asarray(env[g], y.dtype), y.shape)
            for y, g in zip(ys, op.grads, strict=True)
        ]
        if not op.stop:
            for key, value in (*zip(keys, new, strict=True), *host.items()):
                env.setdefault(key, value)
                if key in self.assigned or isinstance(key, LayerVariable):
                    env[key] = value
        return back(given)[0]

    # ---- parts that loops and conditions run

    def part(self, nodes: list[Node], outputs: Any, values: dict, fold: Any = None) -> Any:
        """The values of some tensors, computed apart.

        Args:
            nodes: in order.
            outputs: a structure of tensors.
            values: of what the nodes read from outside.
            fold: a number that random draws also depend on.
        """
        inside = Env({k: v for k, v in self.env.items() if isinstance(k, Placeholder)} | values)
        before = self.folds
        self.folds = before if fold is None else (*before, fold)
        self.inner += 1
        try:
            self.compute(nodes, inside, set(values))
        finally:
            self.folds = before
            self.inner -= 1
        return substitute(outputs, inside)


def _is_done(node: Node, env: Env) -> bool:
    outputs = node.output_list
    return all(t in env for t in outputs) if outputs else node in env


def _leaves(node: Node, made: Any) -> list:
    listed = node.output_list
    if len(listed) == 1 and not isinstance(made, list | tuple | dict):
        return [made]
    return jax.tree.leaves(made)[: len(listed)] if listed else []


def _typed(value: Any, tensor: Any) -> Any:
    """A value in the dtype of its tensor: with 64 bits, JAX would choose others."""
    if isinstance(value, jax.Array) and value.dtype.name != tensor.dtype:
        return value.astype(str(tensor.dtype))
    return value


def _is_small(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray | np.generic)
        and value.size <= integers.FEW
        and value.dtype.kind in "iub"
    )


def _on_host(value: Any) -> Any:
    known = isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer)
    return np.asarray(value) if known else value  # a draw of a known shape is not known


def _tell(error: Exception, node: Node) -> None:
    """Add the operation and the program's line to an error, once."""
    if any(TOLD in note for note in getattr(error, "__notes__", ())):
        return
    made = getattr(node, "made", None)
    if made and made[0]:
        text = linecache.getline(*made).strip()
        error.add_note(
            f'{TOLD} {node.name!r}, defined at:\n  File "{made[0]}", line {made[1]}\n    {text}'
        )
