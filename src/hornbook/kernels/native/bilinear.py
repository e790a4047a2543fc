"""An operation of two arrays that is linear in each, made known to jax.

What `jax.custom_vjp` makes cannot be differentiated forwards; what `jax.custom_jvp` makes cannot
be transposed by a rule of ours; a dense layer should be able to be both. jax's way to say so is an
operation of one's own, which takes `jax.interpreters`. That module is not promised to stay as it
is, so it is used here alone; where it has changed there is no such operation, and XLA does all.
"""

from collections.abc import Callable
from typing import Any


def bilinear(
    name: str,
    compute: Callable,
    shape: Callable,
    transpose_a: Callable,
    transpose_b: Callable,
    batched: Callable,
) -> Callable | None:
    """A function `(a, b, **params)` that jit, grad, jvp and vmap know; None where jax has changed.

    Args:
        name: what it is called in traces.
        compute: `(a, b, **params) -> out`, of jax functions.
        shape: `(a, b, **params) -> tuple`, the shape of `out`, which has the dtype of `a`.
        transpose_a: `(d, a, b, **params) -> d_a`, where `a` is not to be used.
        transpose_b: the same for `b`.
        batched: `(a, b, **params) -> out`, of arrays with one more axis in front.
    """
    try:
        import jax.numpy as jnp
        from jax.extend.core import Primitive
        from jax.interpreters import ad, batching, mlir

        primitive = Primitive(name)
        primitive.def_impl(compute)
        primitive.def_abstract_eval(lambda a, b, **params: a.update(shape=shape(a, b, **params)))
        ad.defbilinear(primitive, transpose_a, transpose_b)
        mlir.register_lowering(primitive, mlir.lower_fun(compute, multiple_results=False))
        batchers: Any = batching.primitive_batchers
    except (ImportError, AttributeError, TypeError):
        return None

    def batch(arrays: Any, axes: Any, **params: Any) -> tuple:
        pairs = list(zip(arrays, axes, strict=True))
        size = next(x.shape[axis] for x, axis in pairs if axis is not None)
        stacks = (
            jnp.broadcast_to(x, (size, *x.shape)) if axis is None else jnp.moveaxis(x, axis, 0)
            for x, axis in pairs
        )
        return batched(*stacks, **params), 0

    batchers[primitive] = batch
    return primitive.bind
