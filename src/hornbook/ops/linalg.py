"""Linear algebra over the last two axes; leading axes are batch axes."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core.symbolic import Tensor, op
from hornbook.ops import rows


def _matrices(x: Any) -> Array:
    x = rows.floating(x)
    if x.ndim < 2:
        raise ValueError(f"expected matrices, (..., rows, columns); got shape {x.shape}")
    return x


def _square(x: Any) -> Array:
    x = _matrices(x)
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f"expected square matrices, (..., n, n); got shape {x.shape}")
    return x


def _of_square(fn: Callable, doc: str) -> rows.Op:
    return rows.row(lambda x: fn(_square(x)), doc)


det = _of_square(jnp.linalg.det, "The determinant.")
inv = _of_square(jnp.linalg.inv, "The inverse matrix.")
eig = _of_square(
    lambda x: tuple(jnp.linalg.eig(x)), "The eigenvalues and eigenvectors (columns), complex."
)
eigh = _of_square(
    lambda x: tuple(jnp.linalg.eigh(x)),
    "The eigenvalues in ascending order, and eigenvectors (columns), of a symmetric matrix.",
)
lu_factor = rows.row(
    lambda x: tuple(jax.scipy.linalg.lu_factor(_matrices(x))),
    "The LU decomposition with partial pivoting: L and U in one matrix, and the permutation.",
)
solve = rows.row(
    lambda a, b: _columns(jnp.linalg.solve, _square(a), rows.floating(b)),
    "Solve `a @ x = b` for `x`, with columns `(..., n, k)` or vectors `(..., n)`.",
)
solve_triangular = rows.row(
    lambda a, b, lower=False: _solve_triangular(_square(a), rows.floating(b), lower),
    "Solve `a @ x = b` for an upper (or lower) triangular `a`.",
)
pinv = rows.row(
    lambda x, rcond=None: jnp.linalg.pinv(rows.floating(x), rcond),
    "The pseudo-inverse; singular values below `rcond` times the largest count as 0.",
)
matrix_rank = rows.row(
    lambda x, tol=None: jnp.linalg.matrix_rank(_matrices(x), tol).astype("int32"),
    "The rank: the number of singular values above `tol` (relative to the largest).",
)
lstsq = rows.row(
    lambda a, b, rcond=None: jnp.linalg.lstsq(rows.floating(a), rows.floating(b), rcond)[0],
    "The least-squares solution `x`, which minimizes `|a @ x - b|`.",
)


def _columns(solve: Callable, a: Array, b: Array) -> Array:
    """Solve for the columns of `b`, or for vectors if `b` has one vector for each matrix."""
    return solve(a, b[..., None])[..., 0] if b.ndim == a.ndim - 1 else solve(a, b)


def _solve_triangular(a: Array, b: Array, lower: bool) -> Array:
    def solve(a, b):
        return jax.lax.linalg.triangular_solve(a, b, left_side=True, lower=lower)

    return _columns(solve, a, b)


@op
def cholesky(x: Tensor, upper: bool = False) -> Array:
    """The Cholesky factor L with `L @ L.T = x` (or U with `U.T @ U = x`).

    Args:
        x: symmetric positive definite.
        upper: return U instead of L.

    Raises:
        ValueError: if `x` is not square, or not positive definite (checked on concrete values).

    Example:
        >>> hornbook.ops.cholesky(np.array([[4.0]])).tolist()
        [[2.0]]
    """
    factor = jnp.linalg.cholesky(_square(x), upper=upper)
    if not isinstance(factor, jax.core.Tracer) and bool(jnp.isnan(factor).any()):
        raise ValueError("cholesky needs a positive definite matrix")
    return factor


@op
def cholesky_inverse(x: Tensor, upper: bool = False) -> Array:
    """The inverse of the matrix whose Cholesky factor is `x`."""
    x = _square(x)
    unit = jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape)
    inverse = _solve_triangular(x, unit, not upper)
    return inverse @ inverse.mT if upper else inverse.mT @ inverse


@op
def qr(x: Tensor, mode: str = "reduced") -> tuple[Array, Array]:
    """Q with orthonormal columns and upper triangular R, whose product is `x`.

    Args:
        x: `(..., m, n)`.
        mode: `"reduced"` (Q has min(m, n) columns) or `"complete"` (m).

    Raises:
        ValueError: for any other mode.
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"mode of qr must be 'reduced' or 'complete', not {mode!r}")
    return tuple(jnp.linalg.qr(_matrices(x), mode))


@op
def svd(x: Tensor, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The singular value decomposition `x = U @ diag(s) @ Vh`: (U, s, Vh), or s alone."""
    result = jnp.linalg.svd(_matrices(x), full_matrices, compute_uv)
    return tuple(result) if compute_uv else result


@op
def norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """The norm of vectors or matrices.

    Args:
        x: array.
        ord: which norm, as in `numpy.linalg.norm`; default Euclidean.
        axis: one axis for vectors, two for matrices; `None` for all.
        keepdims: keep reduced axes with size 1.

    Example:
        >>> float(hornbook.ops.norm(np.array([3.0, 4.0])))
        5.0
    """
    return jnp.linalg.norm(rows.floating(x), ord, rows.axes(axis), keepdims)


def jvp(fun: Callable, primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """A function's value and its directional derivative.

    Args:
        fun: a function of arrays.
        primals: the list of its arguments.
        tangents: the direction, a list of the same structure.
        has_aux: whether `fun` returns `(value, anything else)`.

    Example:
        >>> value, slope = hornbook.ops.jvp(jnp.square, (3.0,), (1.0,))
        >>> float(value), float(slope)
        (9.0, 6.0)
    """
    return jax.jvp(fun, tuple(primals), tuple(tangents), has_aux=has_aux)


rows.publish(globals())
