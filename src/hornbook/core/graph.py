"""A graph of recorded calls: sorted once, run on any values, cloned, described."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from types import FunctionType, MappingProxyType
from typing import Any

from hornbook.core import tree
from hornbook.core.operation import Operation
from hornbook.core.symbolic import Node, SymbolicTensor, record, substitute, symbolic_leaves


class Graph:
    """The calls that compute some symbolic tensors from others.

    Args:
        inputs: a structure of symbolic tensors to be fed.
        outputs: a structure of symbolic tensors that depend on them.

    Raises:
        ValueError: if an output depends on an input that is not given.
    """

    def __init__(self, inputs: Any, outputs: Any):
        self.inputs = inputs
        self.outputs = outputs
        self.input_list = _by_key(inputs)
        self.output_list = symbolic_leaves(outputs)
        self.given = set(self.input_list)
        self.nodes = self._sorted_nodes()
        self._check_connected()

    def _sorted_nodes(self) -> list[Node]:
        """The nodes needed, in topological order."""
        order: list[Node] = []
        seen: set[Node] = set()
        stack = [(t.node, False) for t in reversed(self.output_list) if t not in self.given]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                parents = [t.node for t in node.inputs if t not in self.given]
                stack.extend((parent, False) for parent in reversed(parents))
        return order

    def _check_connected(self):
        for node in self.nodes:
            if not node.inputs:
                missing = node.output_list[0]
                raise ValueError(
                    f"the outputs depend on the input {missing.name!r} of shape {missing.shape}, "
                    f"which is not among the inputs {[t.name for t in self.input_list]}. "
                    "Add it to `inputs`."
                )

    @property
    def source_nodes(self) -> list[Node]:
        """The nodes of the inputs, in their order."""
        return list(dict.fromkeys(t.node for t in self.input_list))

    def operations(self) -> list[Any]:
        """The ops and layers called, layers once; deepest first, as in `model.layers`."""
        return [nodes[0].op for nodes in self.calls()]

    def calls(self) -> list[list[Node]]:
        """The calls of each of `operations`; every call of an op counts as a separate operation."""
        return self._calls

    @cached_property
    def _calls(self) -> list[list[Node]]:
        node_depth: dict[Node, int] = {}
        depth: dict[int, int] = {}
        for node in reversed(self.nodes):
            level = max(node_depth.get(node, 0), depth.get(_identity(node), 0))
            node_depth[node] = depth[_identity(node)] = level
            for parent in {t.node: None for t in node.inputs}:
                node_depth[parent] = max(node_depth.get(parent, 0), level + 1)
        for node in [t.node for t in _by_key(self.inputs)]:
            if not node.inputs:
                depth[_identity(node)] = node_depth.get(node, 0)
        found: dict[int, list[Node]] = {}
        for node in dict.fromkeys([*self.source_nodes, *self.nodes]):
            if _identity(node) in depth:
                found.setdefault(_identity(node), []).append(node)
        first_seen = self._traversal_rank()
        return [found[k] for k in sorted(depth, key=lambda k: (-depth[k], first_seen[k]))]

    def _traversal_rank(self) -> dict[int, int]:
        """The order in which a walk from the outputs meets each operation; -1 for unused inputs."""
        rank: dict[int, int] = {}
        seen: set[Node] = set()
        stack = [t.node for t in reversed(_by_key(self.outputs))]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            rank.setdefault(_identity(node), len(rank))
            if not set(node.output_list) & self.given:
                stack.extend(t.node for t in reversed(_by_key((node.args, node.kwargs))))
        for node in self.source_nodes:
            rank.setdefault(_identity(node), -1)
        return rank

    def run(self, values: list, call: Callable | None = None) -> Any:
        """The outputs for these values of the inputs.

        Args:
            values: one value for each of `input_list` (dictionaries by sorted key).
            call: `(op, args, kwargs) -> result`, used in place of calling each op.
        """
        known = dict(zip(self.input_list, values, strict=True))
        return substitute(self.outputs, run_nodes(self.nodes, known, call))

    def clone(self, replace: Callable[[Any], Any]) -> "Graph":
        """A copy of the graph on new symbolic tensors, with each op replaced.

        Args:
            replace: maps an op or layer to its replacement; called once for each.
        """
        made: dict[int, Any] = {}

        def replaced(operation):
            if id(operation) not in made:
                made[id(operation)] = replace(operation)
            return made[id(operation)]

        fresh = {}
        for tensor in self.input_list:
            node = Node(replaced(tensor.node.op)) if not tensor.node.inputs else None
            fresh[tensor] = copy = SymbolicTensor(
                tensor.shape, tensor.dtype, name=tensor.name, node=node
            )
            copy.node.outputs = copy

        def symbolic(value):
            return substitute(value, fresh)

        for node in self.nodes:
            operation = replaced(node.op)
            result = operation(*symbolic(node.args), **symbolic(node.kwargs))
            fresh.update(zip(node.output_list, _results(node, result), strict=True))
        return Graph(symbolic(self.inputs), symbolic(self.outputs))


_instead: ContextVar[Mapping[Node, Any]] = ContextVar("instead", default=MappingProxyType({}))


@contextmanager
def instead(steps: Mapping[Node, Callable[[dict], dict] | None]) -> Iterator[None]:
    """Context in which something else is run in place of calls.

    Args:
        steps: `None` to leave a call out, or a function from what is known to what is known next.
    """
    token = _instead.set(steps)
    try:
        yield
    finally:
        _instead.reset(token)


def run_nodes(nodes: Iterable[Node], known: dict, call: Callable | None = None) -> dict:
    """Run calls in order, and return the values of their symbolic tensors.

    Args:
        nodes: the calls.
        known: the values of the tensors that they take; completed in place.
        call: `(op, args, kwargs) -> result`, used in place of calling each op.
    """
    steps = _instead.get()
    for node in nodes:
        if node in steps:
            step = steps[node]
            known.update(step(known) if step else {})
            continue
        args, kwargs = substitute(node.args, known), substitute(node.kwargs, known)
        result = call(node.op, args, kwargs) if call else node.op(*args, **kwargs)
        known.update(zip(node.output_list, _results(node, result), strict=True))
    return known


def _identity(node: Node) -> int:
    """The key that groups calls: the calls of a layer share one, each call of an op has its own."""
    return id(node if isinstance(node.op, FunctionType) else node.op)


class Function(Operation):
    """A stateless function from some symbolic tensors to others.

    Args:
        inputs: a symbolic tensor, or a structure of them.
        outputs: symbolic tensors computed from them.
        name: default `"function"`, numbered.

    Raises:
        ValueError: if inputs or outputs are missing, or an output depends on another input.

    Example:
        >>> a, b = hornbook.KerasTensor((None, 3)), hornbook.KerasTensor((None, 3))
        >>> add_twice = hornbook.Function([a, b], a + 2 * b)
        >>> add_twice([np.ones((1, 3)), np.ones((1, 3))]).tolist()
        [[3.0, 3.0, 3.0]]
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None):
        super().__init__(name=name)
        for what, given in (("inputs", inputs), ("outputs", outputs)):
            if not symbolic_leaves(given):
                raise ValueError(f"a Function needs {what}: no symbolic tensor is in {given!r}")
        self._graph = Graph(inputs, outputs)

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The input tensors, flat; dictionaries by sorted key."""
        return _by_key(self._graph.inputs)

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The output tensors, flat; dictionaries by sorted key."""
        return _by_key(self._graph.outputs)

    @property
    def operations(self) -> list[Any]:
        """The ops and layers called."""
        return [op for op in self._graph.operations() if op is not None]

    def call(self, inputs: Any) -> Any:
        """The outputs, in their structure.

        Args:
            inputs: arrays or symbolic tensors in the structure of the inputs.

        Raises:
            ValueError: for another structure or shape.
        """
        graph = self._graph
        if not _has_form(graph.inputs, inputs):
            raise ValueError(f"{self.name} takes inputs in the structure {graph.inputs}")
        values = self._in_order(inputs)
        for tensor, value in zip(graph.input_list, values, strict=True):
            shape = tuple(getattr(value, "shape", tensor.shape))
            fits = len(shape) == tensor.ndim and all(
                a is None or b is None or a == b for a, b in zip(shape, tensor.shape, strict=True)
            )
            if not fits:
                raise ValueError(
                    f"{self.name} takes {tensor.name!r} of shape {tensor.shape}, not {shape}"
                )
        return graph.run(values)

    def __call__(self, inputs: Any) -> Any:
        return self.call(inputs)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Symbolic tensors with the shapes and dtypes of the outputs.

        Args:
            inputs: symbolic tensors in the structure of the inputs.
        """
        made = self.call(inputs)
        fresh = {t: SymbolicTensor(t.shape, t.dtype, name=t.name) for t in symbolic_leaves(made)}
        return substitute(made, fresh)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs.

        Args:
            input_shape: shapes in the structure of the inputs.
        """
        given = zip(self._graph.input_list, self._in_order(input_shape), strict=True)
        made = self._graph.run([SymbolicTensor(shape, t.dtype) for t, shape in given])
        return substitute(made, {t: t.shape for t in symbolic_leaves(made)})

    def _in_order(self, given: Any) -> list:
        """Values given in the structure of the inputs, in the graph's input order."""
        inputs, order = self._graph.inputs, self._graph.input_list
        known = dict(zip(symbolic_leaves(inputs), _leaves_like(inputs, given), strict=True))
        return [known[tensor] for tensor in order]


def get_source_inputs(tensor: Any) -> Any:
    """The symbolic inputs that a symbolic tensor is computed from, in order.

    Args:
        tensor: a symbolic tensor. Anything else is returned as it is.

    Example:
        >>> a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
        >>> [one.name for one in keras.utils.get_source_inputs(keras.ops.tanh(a + b))]
        ['a', 'b']
    """
    if not isinstance(tensor, SymbolicTensor):
        return tensor
    found: dict[SymbolicTensor, None] = {}
    seen: set[Node] = set()
    stack = [tensor]
    while stack:
        one = stack.pop()
        if not one.node.inputs:
            found.update(dict.fromkeys(one.node.output_list))
        elif one.node not in seen:
            seen.add(one.node)
            stack.extend(reversed(one.node.inputs))
    return list(found)


def _by_key(structure: Any) -> list[SymbolicTensor]:
    """The symbolic tensors in a structure; dictionaries by sorted key, as Keras walks them."""
    return [leaf for leaf in tree.flatten(structure) if isinstance(leaf, SymbolicTensor)]


def _has_form(structure: Any, values: Any) -> bool:
    """Whether values have the containers of a structure."""
    if isinstance(structure, SymbolicTensor):
        return not isinstance(values, dict) and values is not None
    if isinstance(structure, dict):
        keys = isinstance(values, dict) and structure.keys() <= values.keys()
        return keys and all(_has_form(child, values[key]) for key, child in structure.items())
    long = isinstance(values, list | tuple) and len(values) == len(structure)
    return long and all(map(_has_form, structure, values))


def _results(node: Node, result: Any) -> list:
    """The arrays of a result; a model with one output may return it in a list."""
    listed = isinstance(node.outputs, SymbolicTensor) and type(result) in (list, tuple)
    return _leaves_like(node.outputs, result[0] if listed and len(result) == 1 else result)


def _leaves_like(structure: Any, values: Any) -> list:
    """The leaves of `values` where `structure` has symbolic tensors, in insertion order."""
    if isinstance(structure, SymbolicTensor):
        return [values]
    if isinstance(structure, dict):
        return [leaf for k, child in structure.items() for leaf in _leaves_like(child, values[k])]
    if isinstance(structure, list | tuple):
        pairs = zip(structure, values, strict=True)
        return [leaf for child, value in pairs for leaf in _leaves_like(child, value)]
    return []


__all__ = ["Function", "Graph", "Node", "SymbolicTensor", "record", "tree"]
