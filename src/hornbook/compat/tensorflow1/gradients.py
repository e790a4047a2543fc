"""`tf.gradients`."""

from typing import Any

import jax
import jax.numpy as jnp

from hornbook.compat.tensorflow1.applying import apply, convert, lift, like
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.running import Gradient, between, symbol_of
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import Variable


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: Any = None,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = "none",
) -> list:
    """`tf.gradients`: the gradient of the sum of `ys` with respect to each of `xs`.

    Args:
        ys: tensors.
        xs: tensors and variables.
        grad_ys: gradients of `ys`, or `None` for ones.
        name: of the operation.
        colocate_gradients_with_ops, gate_gradients, aggregation_method: ignored.
        stop_gradients: tensors treated as constants.
        unconnected_gradients: `"none"`, or `"zero"` for zeros where nothing depends on `x`.

    Returns:
        A list of tensors; `None` where `ys` do not depend on `x`.
    """
    ends = [convert(y) for y in _listed(ys)]
    starts = [symbol_of(x) for x in _listed(xs)]
    stop = [symbol_of(x) for x in _listed(stop_gradients or [])]
    floats = [y for y in ends if str(y.dtype)[0] in "fbc" and y.dtype != "bool"]
    if len(floats) < len(ends):
        raise TypeError(f"tf.gradients differentiates tensors of floats, not {ends}")
    given = _listed(grad_ys) if grad_ys is not None else [None] * len(ends)
    used = _used(ends, starts, stop)
    chosen = [x for x in dict.fromkeys(starts) if x in used]
    made: dict = {}
    if chosen:
        graph = get_default_graph()
        grads = [None if g is None else convert(g) for g in given]
        op = Gradient(ends, chosen, grads, stop)
        with graph.control_dependencies(None):
            listed = apply(op, (ends, chosen, grads), name=name, specs=[like(x) for x in chosen])
        made = dict(zip(chosen, listed, strict=True))
    zero = str(getattr(unconnected_gradients, "value", unconnected_gradients)) == "zero"
    return [made.get(x, zeros_like(x) if zero else None) for x in starts]


def _listed(value: Any) -> list:
    if isinstance(value, SymbolicTensor | Variable) or not hasattr(value, "__iter__"):
        return [value]
    return list(value)


def _used(ends: list, starts: list, stop: list) -> set:
    """The tensors of `starts` that `ends` depend on by functions that have gradients."""
    found = set()
    for x in starts:
        nodes, inside = between(ends, [x], {*stop})
        if any(y in inside for y in ends) and str(x.dtype) != "string":
            found.add(x)
        del nodes
    return found


def _stop(x: Any) -> Any:
    return jax.lax.stop_gradient(jnp.asarray(x))


stop_gradient = lift(_stop, "StopGradient")


def _zeros(x: Any) -> Any:
    return jnp.zeros_like(x)


zeros_like = lift(_zeros, "ZerosLike")


def hessians(ys: Any, xs: Any, name: str = "hessians", **ignored: Any) -> list:
    """`tf.hessians`: second derivatives by vectors."""
    found = []
    for y, x in zip(_listed(ys), _listed(xs), strict=False):
        (first,) = gradients(y, x)
        size = tuple(x.shape)[0]
        rows = [gradients(first[k], x)[0] for k in range(size)]
        found.append(convert(rows))
    return found
