"""Matches the arguments of a functional model to its inputs: by position, by name, or nested."""

import warnings
from typing import Any

from hornbook.core import tree
from hornbook.core.dtype import is_float
from hornbook.core.graph import Graph
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.symbolic import SymbolicTensor
from hornbook.layers.embedding import Embedding
from hornbook.layers.host import HostLayer, is_text
from hornbook.models.host import check_dtype

LOOK_UP = (Embedding, HostLayer)
ONE_SAMPLE = ". x[None] makes a batch of one sample"


def in_order(model: Any, given: Any) -> list:
    """One value for each input of the graph, in order; `None` for omitted ones.

    Args:
        model: a functional model.
        given: values in the structure of its inputs, a flat list in their order, or a dict by name.
            A list for a dict of inputs is refused, since its order is ambiguous.

    Raises:
        ValueError: if some are missing, or there are too many.
    """
    graph = model._recorded
    found = _matched(model, graph.inputs, given)
    if len(found) != len(graph.input_list):
        inputs = ", ".join(f"{t.name}: {t.shape}" for t in graph.input_list)
        raise ValueError(
            f"model {model.name!r} takes {len(graph.input_list)} inputs ({inputs}); "
            f"it got {len(found)}"
        )
    return found


def _matched(model: Any, form: Any, given: Any) -> list:
    if isinstance(form, SymbolicTensor):
        if isinstance(given, dict) and (len(given) > 1 or form.name in given):
            _check_keys(model, {form.name: form}, given)
            return [given[form.name]]
        return tree.flatten(given) if tree.is_nested(given) else [given]
    if isinstance(given, dict):
        if isinstance(form, dict) and set(form) & set(given):
            _check_keys(model, form, given)
            return [v for k in sorted(form) for v in _matched(model, form[k], given.get(k))]
        symbols = {t.name: t for t in tree.flatten(form)}
        _check_keys(model, symbols, given)
        return [given.get(name) for name in symbols]
    if given is None:
        return [None] * len(list(tree.walk(form)))
    if isinstance(form, dict):
        if len(form) > 1:
            _refuse_list(model, form, given)
        given = dict(zip(sorted(form), tree.flatten(given), strict=False))
        return _matched(model, form, given)
    if isinstance(given, list | tuple) and len(given) == len(form):
        pairs = zip(form, given, strict=True)
        return [value for one, value in pairs for value in _matched(model, one, value)]
    return tree.flatten(given) if tree.is_nested(given) else [given]


def _refuse_list(model: Any, form: dict, given: Any) -> None:
    """Refuse a list for a dict of inputs; if the inputs' names differ from the keys, only warn.

    As in Keras, such a list is taken in the order of the sorted keys.
    """
    message = (
        f"model {model.name!r} takes its inputs by name, as a dict with the keys {list(form)}; "
        f"it got a {type(given).__name__}"
    )
    partial = any(value is None for value in tree.flatten(given))
    if not partial and all(getattr(one, "name", key) == key for key, one in form.items()):
        raise ValueError(message)
    warnings.warn(f"{message}, which is taken in the order of the sorted keys", stacklevel=3)


def _check_keys(model: Any, wanted: dict, given: dict) -> None:
    extra = [key for key in given if key not in wanted]
    missing = [key for key in wanted if key not in given and not _may_lack(wanted[key])]
    if missing:
        raise ValueError(
            f"model {model.name!r} has the inputs {list(wanted)}; {missing[0]!r} is missing"
            + (f", and {extra[0]!r} is not one of them" if extra else "")
        )
    if extra:
        warnings.warn(
            f"model {model.name!r} has the inputs {list(wanted)}; {extra[0]!r} is not used",
            stacklevel=3,
        )


def _may_lack(form: Any) -> bool:
    return all(is_optional(symbol) for symbol in tree.walk(form))


def is_optional(symbol: SymbolicTensor) -> bool:
    """Whether an input may be `None`."""
    return getattr(symbol.node.op, "optional", False) is True


def fitted(model: Any, value: Any, symbol: SymbolicTensor) -> Any:
    """A value cast to its input's dtype and rank; a last axis of size 1 is added or removed.

    Args:
        model: says whether the rank, and all sizes but the batch size, must match.
        value: an array, a symbolic tensor or `None`.
        symbol: the input.

    Raises:
        ValueError: for another shape, or `None` for an input that is not optional.
    """
    _check_given(model, value, symbol)
    if value is None:
        return None
    check_dtype(model, value, symbol)
    given = shape = tuple(value.shape)
    want = symbol.shape
    if len(shape) == len(want) - 1 and want[-1] == 1:
        value = value[..., None]
    elif len(shape) == len(want) + 1 and shape[-1] == 1:
        value = value[..., 0]
    shape = tuple(value.shape)
    wrong = model._strict_shapes and not all(map(fits, shape[1:], want[1:]))
    if wrong or len(shape) != len(want) and model._strict_ranks:
        raise ValueError(
            f"model {model.name!r}: input {symbol.name!r} has shape {want}; it got {given}"
            f"{ONE_SAMPLE if len(given) == len(want) - 1 else ''}"
        )
    ids = symbol in model._only_looked_up and not is_float(value.dtype)
    if value.dtype != symbol.dtype and not ids and not is_text(symbol):
        mask = get_mask(value)
        value = value.astype(symbol.dtype)
        set_mask(value, mask)
    return value


def _check_given(model: Any, value: Any, symbol: SymbolicTensor) -> None:
    if value is None and not is_optional(symbol):
        raise ValueError(
            f"model {model.name!r}: input {symbol.name!r} of shape {symbol.shape} is None. Pass "
            "data, or create it with Input(..., optional=True)"
        )


def fits(size: Any, want: Any) -> bool:
    """Whether a size matches, or may match, the expected one."""
    return size is None or want is None or size == want


def only_looked_up(graph: Graph) -> set[SymbolicTensor]:
    """The inputs read only by embeddings or host layers; their integers are not cast to float."""
    readers: dict[SymbolicTensor, list] = {symbol: [] for symbol in graph.input_list}
    for node in graph.nodes:
        for symbol in node.inputs:
            if symbol in readers:
                readers[symbol].append(node.op)
    looked_up = {s for s, ops in readers.items() if all(isinstance(op, LOOK_UP) for op in ops)}
    return looked_up - set(graph.output_list)


def without_more(model: Any, x: dict) -> dict:
    """Data by name or key, without entries that the model does not take."""
    form = model._recorded.inputs
    if isinstance(form, SymbolicTensor):
        names = {form.name} if form.name in x else set(x)
    elif isinstance(form, dict) and set(form) & set(x):
        names = set(form)
    else:
        names = {symbol.name for symbol in tree.walk(form)}
    in_order(model, x)
    return {name: value for name, value in x.items() if name in names}


def without_none(model: Any, x: Any) -> Any:
    """Data without the optional inputs that are `None`."""
    if tree.is_nested(x) and any(leaf is None for leaf in tree.walk(x)):
        values = list(zip(model._recorded.input_list, in_order(model, x), strict=True))
        for symbol, value in values:
            _check_given(model, value, symbol)
        return {symbol.name: value for symbol, value in values if value is not None}
    return x
