"""Derivatives of linear functions, which need no value at some of their starts.

In Theano `Lop(dot(x, W), W, v)` is an expression of `x` and `v` alone, so a function needs no value
for `W`. Here a derivative runs the function, which needs a shape for `W`: the one shape that fits.
"""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano import integers
from hornbook.compat.theano.config import wide
from hornbook.compat.theano.gradient import Derivative
from hornbook.compat.theano.graph import again, needed, rebuilt, sources
from hornbook.compat.theano.shared import SharedVariable
from hornbook.compat.theano.variable import is_constant
from hornbook.core.symbolic import Node

MOST = 256  # shapes to try


def without_values(ends: list, given: set) -> list:
    """Variables whose derivatives no longer depend on missing values that they do not need.

    Args:
        ends: the variables.
        given: the variables with values.
    """
    missing = {
        v
        for v in sources(ends, given)
        if not (is_constant(v) or isinstance(v, SharedVariable) or v in given)
    }
    replace: dict = {}
    for node in needed(ends, given) if missing else ():
        if isinstance(node.op, Derivative) and missing.intersection(node.args[0]):
            starts, outside, vectors = node.args
            left = [None if v in missing and _is_same(node, i) else v for i, v in enumerate(starts)]
            if left != starts:
                op = Unneeded(node.op)
                results = again(node, op, (left, outside, vectors))
                replace.update(zip(node.output_list, results, strict=True))
    return rebuilt(ends, replace) if replace else ends


def _is_same(node: Node, index: int) -> bool:
    """Whether a derivative is independent of the value of one of its starts."""
    with wide(), integers.guessing():
        args = jax.tree.map(_stand_in, node.args)
        traced = jax.make_jaxpr(node.op.fn)(*args).jaxpr
    reached = {id(traced.invars[index])}
    for step in traced.eqns:
        if any(id(v) in reached for v in step.invars):
            reached.update(map(id, step.outvars))
    return not any(id(v) in reached for v in traced.outvars)


def _stand_in(variable: Any) -> jax.ShapeDtypeStruct:
    shape = [1 if b else integers.TRIED for b in variable.broadcastable]
    return jax.ShapeDtypeStruct(shape, variable.dtype)


class Unneeded(Derivative):
    """A derivative without values for some of its starts.

    Args:
        op: the derivative.
    """

    def __init__(self, op: Derivative):
        vars(self).update(vars(op))
        self.fn = self._filled

    def _filled(self, starts: list, outside: list, vectors: list) -> list:
        """Run the derivative with zeros for missing starts, in the one shape that fits."""
        if None not in starts:
            return self._run(starts, outside, vectors)
        known = [a for a in (*starts, *outside, *vectors) if a is not None]
        sizes = sorted({n for array in known for n in np.shape(array)})
        sizes.append(max(sizes, default=0) + 1)  # if this fits, so does any
        types = [v.type for v, s in zip(self.part.starts, starts, strict=True) if s is None]
        tried = itertools.product(sizes, repeat=sum(t.ndim for t in types))
        found = []
        for numbers in itertools.islice(tried, MOST):
            rest = iter(numbers)
            zeros = iter([jnp.zeros([next(rest) for _ in range(t.ndim)], t.dtype) for t in types])
            filled = [next(zeros) if s is None else s for s in starts]
            if self._fits(filled, outside, vectors):
                found.append(filled)
        if len(found) != 1:
            names = [v for v, s in zip(self.part.starts, starts, strict=True) if s is None]
            raise ValueError(
                f"{self.name}: the shapes of {names} cannot be inferred from the others"
            )
        return self._run(found[0], outside, vectors)

    def _fits(self, starts: list, outside: list, vectors: list) -> bool:
        try:
            ends = jax.eval_shape(lambda: self.graph.run([*starts, *outside]))
        except (TypeError, ValueError):
            return False
        pairs = zip(ends, vectors, strict=False)
        return all(v is None or np.shape(v) == end.shape for end, v in pairs)
