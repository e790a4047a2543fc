"""Splits a model into a host part, in numpy, and a device part.

The graph is cut once, where its host layers end. The host part runs before a batch is sent to the
device; the device part starts from the tensors at the cut, the *edges*.
"""

from typing import Any, NamedTuple

import numpy as np

from hornbook.core import tree
from hornbook.core.dtype import STRING
from hornbook.core.graph import Graph
from hornbook.core.symbolic import Node, SymbolicTensor
from hornbook.layers.base import Layer
from hornbook.layers.calling import arguments_of
from hornbook.layers.host import HostLayer, host_arrays, is_text

WHOLE_BYTES = 256 * 2**20  # up to this size all samples are processed at once, and kept

AFTER_DEVICE = """layer {!r} ({}) computes on the host and cannot follow {!r} ({}), which has \
weights or changes with training, and so computes on the device.
Wrong:  outputs = {}(...)({}(...)(x))
Right:  a model without {!r}; call that layer on the output of predict"""
TEXT_OUT = (
    "model {!r} has strings among its outputs ({!r}), which only a call returns: use model(x) "
    "rather than predict(x) or fit"
)
WRONG_DTYPE = "model {!r}: input {!r} takes {}; it got {}"


class Prepared(NamedTuple):
    """A batch after the host part: an array for each edge."""

    values: tuple


class HostStage:
    """The two parts of a graph with host layers.

    Args:
        graph: its operations must not include models with host layers.
        edges: the tensors at the cut.

    Attributes:
        before: the graph of the host, from the inputs to the edges.
        after: the graph of the device, from the edges to the outputs.
    """

    def __init__(self, graph: Graph, edges: list[SymbolicTensor]):
        self.graph = graph
        self.before = Graph(graph.inputs, edges)
        self.after = Graph(edges, graph.outputs)

    def prepare(self, values: list) -> Prepared:
        """The values at the edges for these inputs, as numpy arrays."""
        made = self.before.run(values, _call)
        return Prepared(tuple(map(_as, made, self.before.output_list)))

    def finish(self, prepared: Prepared) -> Any:
        """The outputs for these edge values."""
        return self.after.run(list(prepared.values))

    def fits(self, rows: int, sample: Prepared) -> bool:
        """Whether all rows may be processed at once, and kept.

        They may if the result is not too large, and its shape does not depend on which rows are
        processed together.

        Args:
            rows: number of rows.
            sample: the edge values of some of them.
        """
        arrays = [np.asarray(value) for value in sample.values]
        size = sum(array.nbytes / max(len(array), 1) for array in arrays) * rows
        fixed = all(None not in edge.shape[1:] for edge in self.after.input_list)
        return fixed and size <= WHOLE_BYTES


def split(graph: Graph) -> HostStage | None:
    """The parts of a graph; `None` if it has no host layers.

    Raises:
        ValueError: if a host layer needs what only the device can compute.
    """
    if all(getattr(node.op, "_host", None) is None for node in graph.nodes):
        return None
    graph = _flat(graph)
    needed: dict[SymbolicTensor, Any] = {}  # the host layer that needs each
    early: set[Node] = set()
    for node in reversed(graph.nodes):
        reader = next((needed[t] for t in node.output_list if t in needed), None)
        on_host = isinstance(node.op, HostLayer)
        if reader is not None and not on_host:
            _check(node.op, reader)
        if reader is not None or on_host:
            early.add(node)
            for tensor in node.inputs:
                needed.setdefault(tensor, node.op if on_host else reader)
    late = [tensor for node in graph.nodes if node not in early for tensor in node.inputs]
    made = {t for node in graph.nodes if node not in early for t in node.output_list}
    edges = dict.fromkeys(t for t in [*late, *graph.output_list] if t not in made)
    return HostStage(graph, list(edges))


def _check(op: Any, reader: HostLayer) -> None:
    """Raise unless an operation can run on the host: no weights, and not dependent on training."""
    if isinstance(op, Layer) and (
        "training" in arguments_of(type(op).call) or any(v.kind == "weight" for v in op.weights)
    ):
        here, there = type(reader).__name__, type(op).__name__
        names = reader.name, here, op.name, there, here, there, reader.name
        raise ValueError(AFTER_DEVICE.format(*names))


def _flat(graph: Graph) -> Graph:
    """A graph in which nested models with host layers are inlined."""
    if not any(_inner(node.op) for node in graph.nodes):
        return graph
    fresh = {t: SymbolicTensor(t.shape, t.dtype, name=t.name) for t in graph.input_list}

    def call(op: Any, args: tuple, kwargs: dict) -> Any:
        inner = _inner(op)
        if inner is not None:
            return inner.graph.run(op._match(*args), call)
        return op._spec(args, kwargs, ()) if isinstance(op, Layer) else op(*args, **kwargs)

    outputs = graph.run(list(fresh.values()), call)
    form = tree.map_structure(fresh.__getitem__, graph.inputs)
    return Graph(form, outputs)


def _inner(op: Any) -> HostStage | None:
    found = getattr(op, "_host", None)
    return found if isinstance(found, HostStage) else None


def _call(op: Any, args: tuple, kwargs: dict) -> Any:
    return op.on_host(*args, **kwargs) if isinstance(op, HostLayer) else op(*args, **kwargs)


def _as(value: Any, edge: SymbolicTensor) -> Any:
    """A value at the cut, cast to the dtype of its tensor."""
    return value if is_text(edge) else np.asarray(value).astype(edge.dtype, copy=False)


# ---- what models call


def given(model: Any, value: Any) -> Any:
    """The inputs of a model with host layers, as numpy arrays."""
    return value if isinstance(value, Prepared) else host_arrays(value, f"model {model.name!r}")


def prepared(model: Any, x: Any) -> Prepared:
    """A batch after the host part, as the device takes it.

    Raises:
        ValueError: if the model outputs strings, which no device holds.
    """
    if isinstance(x, Prepared):
        return x
    stage: HostStage = model._host
    for edge in stage.after.input_list:
        if is_text(edge):
            raise ValueError(TEXT_OUT.format(model.name, edge.name))
    return stage.prepare(model._match(given(model, x)))


def check_dtype(model: Any, value: Any, symbol: SymbolicTensor) -> None:
    """Raise if an input gets strings instead of numbers, or the reverse."""
    if is_text(value) != is_text(symbol):
        wanted = "strings" if symbol.dtype == STRING else f"numbers ({symbol.dtype})"
        had = "strings" if is_text(value) else f"numbers ({value.dtype})"
        raise TypeError(WRONG_DTYPE.format(model.name, symbol.name, wanted, had))
