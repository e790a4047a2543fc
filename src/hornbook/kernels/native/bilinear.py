"""Bilinear operations of two arrays as jax primitives.

A `jax.custom_vjp` function has no forward-mode derivative, and a `jax.custom_jvp` function cannot
have its own transpose rule. A dense layer needs both, which takes a primitive, defined through
`jax.interpreters`. That module may change, so only this file uses it; if it has changed, there is
no primitive and XLA does all the work.
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
    """A function `(a, b, **params)` for jit, grad, jvp and vmap; `None` if jax has changed.

    Args:
        name: the primitive's name in traces.
        compute: `(a, b, **params) -> out`, written in jax.
        shape: `(a, b, **params) -> tuple`, the shape of `out`, which has the dtype of `a`.
        transpose_a: `(d, a, b, **params) -> d_a`; must not use `a`.
        transpose_b: the same for `b`.
        batched: `(a, b, **params) -> out`, for arrays with a leading batch axis.
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
