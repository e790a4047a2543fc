"""Graphs of TensorFlow 1: operations with names, tensors, scopes, collections and control inputs.

A tensor is a symbolic tensor of the core and an operation is a node, so that the core's walks, and
Keras's layers, take them. Operations are recorded by `apply`, as in `compat/theano`, and run by
`running.py`.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.graph_def import GraphDef, NodeDef
from hornbook.compat.tensorflow1.shapes import TensorShape, UnknownShape
from hornbook.compat.theano.variable import users_line
from hornbook.core import interop
from hornbook.core.symbolic import HOLD_SYMBOLS, Node, SymbolicTensor, op

NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
NO_BOOL = """Using a tf.Tensor as a Python bool is not allowed: {} has no value before a session \
runs it. Use tf.cond, or `if t is not None:`"""
NO_ITERATION = "Tensor objects are only iterable if their first size is known; {} is not. Use \
tf.unstack or tf.map_fn"
TAKEN = "this graph already has other operations with the names {}: import into an empty graph"
NOT_FOUND = "The name {!r} refers to a {} which does not exist in the graph"


class Graph:
    """Operations, their names, and collections of them.

    Attributes:
        collections: lists of tensors, variables and others, by name.
        operations: in order of creation.
        seed: of `tf.set_random_seed`.
        store: variables of `tf.get_variable`, by name.
        served: values of variables, of the sessions of servers.
    """

    def __init__(self) -> None:
        self.collections: dict[Any, list] = {}
        self.operations: list[Operation] = []
        self.seed: Any = None
        self.store: dict[str, Any] = {}
        self.served: dict[Any, Any] = {}
        self.counts: dict[str, int] = {}  # of scopes of layers
        self.controls: tuple = ()
        self.scope = ""
        self.finalized = False
        self.device = ""
        self._by_name: dict[str, Any] = {}
        self._names: dict[str, int] = {}

    # ---- names

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """A name in the current scope, with a number if it is taken."""
        full = self.scope + name
        key, count = full.lower(), self._names.get(full.lower(), 0)
        if mark_as_used:
            self._names[key] = count + 1
        if not count:
            return full
        while f"{key}_{count}" in self._names:
            count += 1
        if mark_as_used:
            self._names[f"{key}_{count}"] = 1
        return f"{full}_{count}"

    @contextmanager
    def name_scope(self, name: Any) -> Iterator[str]:
        """A context in which names begin with another; one that ends in `/` is used as it is."""
        before = self.scope
        if not name:
            self.scope = ""
        elif name.endswith("/"):
            self.scope = name
        else:
            self.scope = self.unique_name(name) + "/"
        try:
            yield self.scope
        finally:
            self.scope = before

    def get_name_scope(self) -> str:
        """The current scope, without the last `/`."""
        return self.scope.removesuffix("/")

    def add(self, operation: "Operation", name: str) -> None:
        """Take in an operation, under a name that is free.

        Raises:
            RuntimeError: if the graph is finalized.
        """
        if self.finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        operation.name = name[:-1] if name.endswith("/") else self.unique_name(name)
        operation.number = len(self.operations)
        self.operations.append(operation)
        self._by_name[operation.name] = operation

    def take_over(self, other: "Graph") -> None:
        """Take in the operations and collections of another graph, which shares them.

        Raises:
            ValueError: if a name is taken.
        """
        taken = {name for name in other._by_name if name in self._by_name}
        if taken:
            raise ValueError(TAKEN.format(sorted(taken)[:5]))
        for operation in other.operations:
            operation.graph = self
            operation.number = len(self.operations)
            self.operations.append(operation)
        self._by_name |= other._by_name
        for name, count in other._names.items():
            self._names[name] = max(count, self._names.get(name, 0))
        for name, values in other.collections.items():
            self.get_collection_ref(name).extend(values)

    def has(self, operation: Any) -> bool:
        """Whether an operation belongs to this graph, which may share it with others."""
        return operation.graph is self or self._by_name.get(operation.name) is operation

    # ---- looking up

    def get_operations(self) -> list:
        """The operations in order of creation."""
        return list(self.operations)

    def get_operation_by_name(self, name: str) -> Any:
        """The operation with a name.

        Raises:
            KeyError: if there is none.
        """
        if name not in self._by_name:
            raise KeyError(NOT_FOUND.format(name, "Operation"))
        return self._by_name[name]

    def get_tensor_by_name(self, name: str) -> Any:
        """The tensor `operation:number`.

        Raises:
            KeyError: if there is none.
            ValueError: if the name has no number.
        """
        place, colon, number = name.rpartition(":")
        if not colon or not number.isdigit():
            raise ValueError(
                f"The name {name!r} looks like an (invalid) Operation name, not a Tensor. Tensor "
                'names must be of the form "<op_name>:<output_index>".'
            )
        found = self._by_name.get(place)
        outputs = found.output_list if found is not None else []
        if int(number) >= len(outputs):
            raise KeyError(NOT_FOUND.format(name, "Tensor"))
        return outputs[int(number)]

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True):
        """The tensor or operation with a name; others as they are."""
        if not isinstance(obj, str):
            return obj
        if ":" in obj and allow_tensor:
            return self.get_tensor_by_name(obj)
        return self.get_operation_by_name(obj)

    # ---- collections

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Append to a collection."""
        self.collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Append to several collections, once to each."""
        for name in dict.fromkeys((names,) if isinstance(names, str) else names or ()):
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list:
        """A copy of a collection; with a scope, those whose names match its pattern."""
        found = self.collections.get(name, [])
        if not scope:
            return list(found)
        pattern = re.compile(scope)
        return [one for one in found if pattern.match(getattr(one, "name", None) or "")]

    def get_collection_ref(self, name: Any) -> list:
        """A collection itself."""
        return self.collections.setdefault(name, [])

    def clear_collection(self, name: Any) -> None:
        """Empty a collection."""
        self.collections.pop(name, None)

    def get_all_collection_keys(self) -> list:
        """The names of collections."""
        return [name for name in self.collections if isinstance(name, str)]

    # ---- contexts

    @contextmanager
    def as_default(self) -> Iterator["Graph"]:
        """A context in which operations go into this graph."""
        with pushed(here.graphs, self):
            yield self

    @contextmanager
    def control_dependencies(self, control_inputs: Any) -> Iterator[None]:
        """A context in which new operations run after others."""
        before = self.controls
        if control_inputs is None:
            self.controls = ()
        else:
            given = (
                [control_inputs] if isinstance(control_inputs, SymbolicTensor) else control_inputs
            )
            nodes = (node_of(one) for one in given if one is not None)
            self.controls = tuple(dict.fromkeys([*before, *(n for n in nodes if n is not None)]))
        try:
            yield
        finally:
            self.controls = before

    @contextmanager
    def device_scope(self, name: Any) -> Iterator[None]:
        """A context without effect but on `Operation.device`: the engine places operations."""
        before, self.device = self.device, name if isinstance(name, str) else ""
        try:
            yield
        finally:
            self.device = before

    def finalize(self) -> None:
        """Refuse further operations."""
        self.finalized = True

    def as_graph_def(self, *ignored: Any, **options: Any) -> GraphDef:
        """The names and types of operations."""
        return GraphDef([op.node_def for op in self.operations])

    graph_def = property(as_graph_def)

    def is_feedable(self, tensor: Any) -> bool:
        """Whether a tensor can be fed: every one."""
        return True


class _Here(threading.local):
    def __init__(self) -> None:
        self.graphs: list[Graph] = [Graph()]
        self.sessions: list[Any] = []


here = _Here()
saved: dict[str, Graph] = {}  # by the path of the file in which a saver wrote its names


@contextmanager
def pushed(stack: list, value: Any) -> Iterator[Any]:
    """A context in which a stack has one value more, which may not be the last at its end."""
    stack.append(value)
    try:
        yield value
    finally:
        for place in reversed(range(len(stack))):
            if stack[place] is value:
                del stack[place]
                break


def begin_again() -> None:
    """Forget graphs and sessions, as for another program."""
    here.graphs[:], here.sessions[:] = [Graph()], []
    saved.clear()


def get_default_graph() -> Graph:
    """`tf.get_default_graph`."""
    return here.graphs[-1]


def reset_default_graph() -> None:
    """`tf.reset_default_graph`: begin a new graph.

    Raises:
        AssertionError: inside `with graph.as_default()`.
    """
    if len(here.graphs) > 1:
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared "
            "graph, exit the nesting and create a new graph."
        )
    here.graphs[:] = [Graph()]


class Operation(Node):
    """A node with a name, control inputs, and variables that it assigns.

    Args:
        fn: a function of arrays; `None` for what has a value already.
        args, kwargs: its arguments.
        name: in the graph.
        kind: TensorFlow's type, such as `"MatMul"`.
        assigns: the variables whose new values are its results.
        on_host: whether it runs outside the compiled program, as strings and Python functions do.
    """

    number: int

    def __init__(
        self,
        fn: Callable | None,
        args: tuple = (),
        kwargs: dict | None = None,
        name: str | None = None,
        kind: str = "",
        assigns: tuple = (),
        on_host: bool = False,
    ):
        super().__init__(fn, args, kwargs)
        self.graph = get_default_graph()
        given = (t.op for t in self.inputs if isinstance(t, Tensor) and t.graph is not None)
        first = next(given, None)
        if first is not None and not self.graph.has(first):
            self.graph = first.graph
        self.type = kind or _kind(fn)
        self.controls = self.graph.controls
        self.assigns, self.on_host = assigns, on_host
        self.device = self.graph.device
        self.made = users_line()
        self.graph.add(self, name or self.type)

    @property
    def control_inputs(self) -> list:
        """Operations that run before."""
        return list(self.controls)

    @property
    def node_def(self) -> NodeDef:
        """Its name, type and inputs."""
        return NodeDef(self)

    @property
    def values(self) -> Callable:
        """A function that returns its tensors."""
        return lambda: tuple(self.output_list)

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Run it in a session, by default the current one."""
        (session or session_here()).run(self, feed_dict)

    def get_attr(self, name: str) -> Any:
        """`T` or `dtype`: the dtype of its result."""
        return self.output_list[0].dtype

    def __repr__(self) -> str:
        return f"<tf.Operation {self.name!r} type={self.type}>"


KINDS = {
    "matmul": "MatMul",
    "reduce_mean": "Mean",
    "reduce_sum": "Sum",
    "reduce_max": "Max",
    "reduce_min": "Min",
    "multiply": "Mul",
    "subtract": "Sub",
    "argmax": "ArgMax",
    "argmin": "ArgMin",
}


def _kind(fn: Any) -> str:
    name = getattr(fn, "__name__", None) or type(fn).__name__
    words = name.strip("_").split("_")
    return KINDS.get(name) or "".join(word[:1].upper() + word[1:] for word in words) or "Op"


class Tensor(SymbolicTensor):
    """A tensor of a graph, whose value a session computes.

    Args:
        shape: its static shape.
        dtype: its dtype.
        node: the operation that computes it.
        index: its number among the results.
    """

    dtype: Any

    def __init__(self, shape: Any, dtype: Any, node: Operation, index: int = 0):
        interop.install(op, HOLD_SYMBOLS)
        self.static = shape if isinstance(shape, TensorShape) else TensorShape(shape)
        self.dtype = as_dtype(dtype)
        self.node, self.index = node, index
        self.sparse = self.ragged = False
        self.record_history, self.mask = True, None

    @property
    def shape(self) -> Any:
        """The static shape; sizes that a loop over it gives are numbers or `None`."""
        return self.static

    @shape.setter
    def shape(self, shape: Any) -> None:
        self.static = TensorShape(shape)

    @property
    def ndim(self) -> Any:
        """The number of axes."""
        return self.static.ndims

    @property
    def name(self) -> str:
        """`operation:number`."""
        return f"{self.node.name}:{self.index}"

    @name.setter
    def name(self, name: str) -> None:
        """Nothing: the operation has the name."""

    @property
    def op(self) -> Any:
        """The operation that computes it."""
        return self.node

    graph = property(lambda self: self.node.graph)
    device = property(lambda self: self.node.device)
    value_index = property(lambda self: self.index)

    def get_shape(self) -> TensorShape:
        """The static shape."""
        return self.static

    def set_shape(self, shape: Any) -> None:
        """Add to what is known of the shape.

        Raises:
            ValueError: if it contradicts what is known.
        """
        self.static = self.static.merge_with(shape)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Its value in a session, by default the current one."""
        return (session or session_here()).run(self, feed_dict)

    def consumers(self) -> list:
        """The operations that take it."""
        return [one for one in self.graph.operations if any(t is self for t in one.inputs)]

    def __len__(self) -> int:
        raise TypeError(f"object of type 'Tensor' has no len(); use {self.name}.shape[0]")

    def __iter__(self) -> Iterator:
        if self.static.ndims is None or not self.static or tuple(self.static)[0] is None:
            raise TypeError(NO_ITERATION.format(self.name))
        return (self[k] for k in range(tuple(self.static)[0]))

    def __bool__(self) -> bool:
        raise TypeError(NO_BOOL.format(self))

    def __eq__(self, other: object) -> Any:
        return self is other

    def __ne__(self, other: object) -> Any:
        return self is not other

    __hash__ = object.__hash__
    __array_ufunc__ = None  # type: ignore[assignment]
    __array_priority__ = 2000

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise NotImplementedError(
            f"Cannot convert a symbolic tf.Tensor ({self.name}) to a numpy array. Its value is "
            "sess.run(tensor)"
        )

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={self.static} dtype={self.dtype.name}>"

    def __str__(self) -> str:
        unknown = isinstance(self.static, UnknownShape)
        shape = "" if unknown else f", shape={self.static}"
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name})'


def reads_of(node: Node) -> list:
    """The tensors whose values a node needs: its inputs, but for a variable that it overwrites."""
    return vars(node).get("reads", node.inputs)


def node_of(value: Any) -> Any:
    """The node of a tensor, or an operation itself; `None` for what has run already."""
    if isinstance(value, Node):
        return value
    if isinstance(value, SymbolicTensor):
        return value.node
    return None


def session_here() -> Any:
    """The current session.

    Raises:
        ValueError: if there is none.
    """
    if not here.sessions:
        raise ValueError(
            "Cannot evaluate tensor using `eval()`: No default session is registered. Use `with "
            "sess.as_default()` or pass an explicit session to `eval(session=sess)`"
        )
    return here.sessions[-1]
