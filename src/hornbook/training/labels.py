"""Checks labels and ids on the host, before they are sent to the device.

On the device an invalid one gives NaN: a label that is no class, an id without a row. Here the
error can name the value and its row. A valid array is checked once, in one pass.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from hornbook.core.graph import Graph
from hornbook.core.symbolic import SymbolicTensor
from hornbook.layers.embedding import Embedding
from hornbook.losses.classification import YES_OR_NO
from hornbook.metrics.resolve import TARGETS, describe_loss
from hornbook.training.overrides import has_own_steps
from hornbook.training.protocol import Trainable

BINARY = (
    "{loss} takes labels from 0 to 1. Use 'sparse_categorical_crossentropy' for class numbers, "
    "'hinge' for labels -1 and 1; divide images of 0 to 255 by 255"
)
SIGN = "{loss} takes labels -1 and 1, or 0 and 1"
SPARSE = (
    "{loss} of {classes} predictions per sample takes integer labels from 0 to {last}. The last "
    "layer needs one unit per class, and classes start at 0; to leave labels out, give them a "
    "sample_weight of 0, or pass ignore_class to the loss"
)
EMBEDDED = (
    "layer {layer!r} has {rows} rows, ids 0 to {last}; its input_dim must be the largest id plus 1"
)
COMPLEX = (
    "{what} is complex, and the input {name!r} is {dtype}: the imaginary parts would be "
    "lost. Pass x.real and x.imag, or np.abs(x), or make the input with dtype='complex64'"
)
READ_LATER = 64 * 2**20  # bytes: larger arrays in files are checked as they are read


class Range(NamedTuple):
    """The valid range of an input or output, ends included, and the advice for other values."""

    least: float
    most: float
    besides: int | None
    advice: str
    whole: bool = False


Ids = list[tuple[SymbolicTensor, Range | None]]  # for each input, in order


def check_numbers(model: Any, data: tuple, rows: Any = None) -> None:
    """Raise if values of a batch, or of whole arrays, are out of range.

    Args:
        model: compiled, its objective built.
        data: `(x, y, sample_weight)`, as the model takes them.
        rows: its row indices, if it is a piece of a larger array.

    Raises:
        ValueError: with the input or output, the row, the value and the range.
    """
    settled = model._training_state
    if settled.ranges is None:
        own = has_own_steps(model)
        settled.ranges = ids_of(model), {} if own else _of_outputs(model, model._known_graph())
    inputs, outputs = settled.ranges
    x, y, weight = data[:3]
    check_ids(model, inputs, x, rows)
    if outputs and y is not None:
        objective = settled.objective
        targets = objective.split(y, objective.losses)
        for name, allowed in outputs.items():
            array = targets.get(name)
            if array is not None and not _inside(array, allowed):
                one = objective.sample_weights(weight).get(name)
                what = "y" if len(objective.names) == 1 else f"y of the output {name!r}"
                _complain(what, "label", array, allowed, one, rows)


def ids_of(model: Any) -> Ids:
    """The inputs of a model with their valid ranges; empty if the graph is unknown."""
    graph = model._known_graph()
    symbols = graph.input_list if graph else []
    return [(symbol, _of_ids(graph, symbol)) for symbol in symbols]


def check_ids(model: Any, inputs: Ids, x: Any, rows: Any = None) -> None:
    """Raise if inputs are out of range; see `check_numbers`."""
    if not inputs:
        return
    for array, (symbol, allowed) in zip(model._inputs_in_order(x), inputs, strict=False):
        if getattr(getattr(array, "dtype", None), "kind", "") == "c" != _kind(symbol):
            said = {"what": "x", "name": symbol.name, "dtype": symbol.dtype}
            raise ValueError(COMPLEX.format(**said))
        if allowed and not _inside(array, allowed):
            _complain(f"the input {symbol.name!r}", "id", array, allowed, None, rows)


def _kind(symbol: SymbolicTensor) -> str:
    return np.dtype(symbol.dtype).kind if "complex" in str(symbol.dtype) else ""


def _inside(array: Any, allowed: Range) -> bool:
    """Whether all values are in a range; takes one pass for integers with a lower bound of 0."""
    if not isinstance(array, np.ndarray) or not array.size or array.dtype.kind not in "iuf":
        return True
    if isinstance(array, np.memmap) and array.nbytes > READ_LATER:
        return True
    if array.dtype.kind in "iu" and allowed.least == 0:
        unsigned = array.view(f"u{array.itemsize}") if array.flags.c_contiguous else array
        if unsigned.dtype.kind == "u":
            return bool(unsigned.max() <= allowed.most)  # negative values wrap to large ones
    if not (array.min() >= allowed.least and array.max() <= allowed.most):
        return False
    return not allowed.whole or array.dtype.kind != "f" or bool((array == np.floor(array)).all())


def _complain(
    what: str, kind: str, array: np.ndarray, allowed: Range, weight: Any, rows: Any
) -> None:
    """Raise for the first value out of range, except those that are ignored."""
    wrong = ~((array >= allowed.least) & (array <= allowed.most))  # true for NaN
    if allowed.whole and array.dtype.kind == "f":
        wrong |= array != np.floor(array)
    if allowed.besides is not None:
        wrong &= array != allowed.besides
    if weight is not None:
        counts = np.asarray(weight) != 0
        if counts.ndim <= wrong.ndim:
            wrong &= counts.reshape(counts.shape + (1,) * (wrong.ndim - counts.ndim))
    if not wrong.any():
        return
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    within = f" (at {place})" if len(place) > 1 and array.shape[1:] != (1,) else ""
    row = place[0] if rows is None else rows[place[0]]
    raise ValueError(
        f"{what} has the {kind} {array[place]} in row {row}{within}; {allowed.advice}."
    )


# ---- the ranges


def _of_ids(graph: Graph, symbol: SymbolicTensor) -> Range | None:
    """The valid ids of an input that is read only by embeddings; else `None`."""
    readers = list(_readers(graph, symbol))
    if not readers or not all(_takes_ids(reader) for reader in readers):
        return None
    rows, layer = min((reader.input_dim, reader.name) for reader in readers)
    return Range(0, rows - 1, None, EMBEDDED.format(layer=layer, rows=rows, last=rows - 1), True)


def _takes_ids(reader: Any) -> bool:
    """Whether an op is an embedding; a subclass with its own `call` may take other inputs too."""
    return isinstance(reader, Embedding) and type(reader).call is Embedding.call


def _readers(graph: Graph, symbol: SymbolicTensor) -> Iterator[Any]:
    """The ops that read an input, including those inside nested single-input models."""
    for node in graph.nodes:
        if any(symbol is one for one in node.inputs):  # `in` would compare elements
            inner = node.op._known_graph() if isinstance(node.op, Trainable) else None
            if inner and len(inner.input_list) == 1 and len(node.inputs) == 1:
                yield from _readers(inner, inner.input_list[0])
            else:
                yield node.op


def _of_outputs(model: Any, graph: Graph | None) -> dict[str, Range]:
    """The valid labels for each output's losses; outputs with a mask are not checked."""
    objective = model._training_state.objective
    tensors = objective.split(graph.outputs) if graph else {}
    found = {}
    for name, terms in objective.losses.items():
        masked = getattr(tensors.get(name), "mask", None) is not None
        ranges = [_of_loss(term.loss, objective.classes.get(name)) for term in terms]
        if not masked and ranges[0] is not None:
            found[name] = ranges[0]
    return found


def _of_loss(loss: Any, shape: tuple | None) -> Range | None:
    name, _ = describe_loss(loss)
    wanted = TARGETS.get(name)
    settings = getattr(loss, "fn_kwargs", {})
    if wanted == "binary":
        least, most = np.nextafter(YES_OR_NO, 0.5)
        return Range(least, most, None, BINARY.format(loss=name))
    if wanted == "sign":
        return Range(-1, 1, None, SIGN.format(loss=name))
    if wanted == "sparse" and shape and shape[settings.get("axis", -1)]:
        classes = shape[settings.get("axis", -1)]
        said = {"loss": name, "classes": classes, "last": classes - 1}
        return Range(0, classes - 1, settings.get("ignore_class"), SPARSE.format(**said), True)
    return None
