"""Products and matrices."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import linalg as solvers

from hornbook.compat.theano.dtypes import (
    dtype_of_array,
    of_any,
    of_floats,
    typed,
    upgrade_to_float,
)
from hornbook.compat.theano.shaping import sizes
from hornbook.compat.theano.types import TensorType


@of_any
def dot(a, b):
    """The product over the last axis of `a` and the last but one of `b`."""
    return jnp.dot(a, b)


def tensordot(a, b, axes=2):
    """The product over several axes: how many, or which of each."""
    if isinstance(axes, int | np.integer) or np.ndim(axes) == 0:
        axes = int(axes)
    else:
        axes = tuple(sizes(one) for one in axes)
    return of_any(lambda x, y: jnp.tensordot(x, y, axes))(a, b)


def batched_dot(a, b):
    """The product of each element of `a` along its first axis with that of `b`."""
    return of_any(_batched)(a, b)


def _batched(a, b):
    if a.ndim == 1 or b.ndim == 1:
        return a.reshape(a.shape + (1,) * (b.ndim - a.ndim)) * b.reshape(
            b.shape + (1,) * (a.ndim - b.ndim)
        )
    return jax.vmap(jnp.dot)(a, b)


def batched_tensordot(x, y, axes=2):
    """As `tensordot` of each element along the first axis; axes count that axis too."""
    if np.ndim(axes) == 0:
        inner = int(axes)
    else:
        inner = tuple(tuple(one - 1 for one in sizes(side)) for side in axes)
    return of_any(jax.vmap(lambda a, b: jnp.tensordot(a, b, inner)))(x, y)


@of_any
def outer(x, y):
    """The product of each element of one vector with each of another."""
    return jnp.outer(x, y)


def matrix_dot(*args):
    """The product of several matrices."""
    return functools.reduce(dot, args)


def trace(X):
    """The sum of the diagonal."""
    return jnp.trace(X)


@of_floats
def matrix_inverse(a):
    """The inverse of a matrix."""
    return jnp.linalg.inv(a)


@of_floats
def pinv(a):
    """The pseudoinverse of a matrix."""
    return jnp.linalg.pinv(a)


@of_floats
def det(a):
    """The determinant."""
    return jnp.linalg.det(a)


def eig(a):
    """Eigenvalues and the matrix of eigenvectors."""
    return tuple(jnp.linalg.eig(_floats(a)))


def eigh(a, UPLO="L"):
    """Eigenvalues, in order, and eigenvectors of a symmetric matrix, of which one half is read."""
    a = _floats(a)
    return tuple(jnp.linalg.eigh(_mirrored(a, UPLO == "L"), symmetrize_input=False))


def _mirrored(a, lower):
    """A symmetric matrix from one half of it."""
    half = jnp.tril(a) if lower else jnp.triu(a).conj().T
    return half + jnp.tril(half, -1).conj().T


def eigvalsh(a, b, lower=True):
    """The eigenvalues of a symmetric matrix, or, with `b`, of a pair."""
    a = _floats(a)
    whole = _mirrored(a, lower)
    if b is None:
        return jnp.linalg.eigvalsh(whole, symmetrize_input=False)
    factor = jnp.linalg.cholesky(_floats(b))
    left = solvers.solve_triangular(factor, whole, lower=True)
    return jnp.linalg.eigvalsh(solvers.solve_triangular(factor, left.T, lower=True))


def qr(a, mode="reduced"):
    """The factors Q and R; with mode `"r"` R alone."""
    made = jnp.linalg.qr(_floats(a), mode)
    return made if mode == "r" else tuple(made)


def svd(a, full_matrices=1, compute_uv=1):
    """The factors U, s and V of a matrix, or s alone."""
    made = jnp.linalg.svd(_floats(a), bool(full_matrices), bool(compute_uv))
    return tuple(made) if compute_uv else made


def matrix_power(M, n):
    """The product of a matrix with itself, `n` times."""
    return jnp.linalg.matrix_power(M, sizes(n)[0])


@typed(lambda a, ind=2: TensorType(a.dtype, (False,) * a.ndim))
def tensorinv(a, ind=2):
    """The inverse with regard to `tensordot` over `ind` axes."""
    return jnp.linalg.tensorinv(_floats(a), ind)


def tensorsolve(a, b, axes=None):
    """`x` such that `tensordot(a, x, x.ndim)` is `b`."""
    return jnp.linalg.tensorsolve(_floats(a), _floats(b), axes)


@of_floats
def cholesky(a):
    """The lower triangular factor of a positive matrix, whose lower half is read."""
    return jnp.linalg.cholesky(_mirrored(a, True), symmetrize_input=False)


@of_floats
def solve(a, b):
    """`x` such that `a x` is `b`."""
    return _solved(a, b, jnp.linalg.solve)


@of_floats
def solve_symmetric(a, b):
    """`x` such that `a x` is `b`, for a symmetric `a`."""
    return _solved(a, b, jnp.linalg.solve)


@of_floats
def solve_lower_triangular(a, b):
    """`x` such that `a x` is `b`; of `a` the lower half is read."""
    return solvers.solve_triangular(a, b, lower=True)


@of_floats
def solve_upper_triangular(a, b):
    """`x` such that `a x` is `b`; of `a` the upper half is read."""
    return solvers.solve_triangular(a, b, lower=False)


def _solved(a, b, solver):
    return solver(a, b[:, None])[:, 0] if b.ndim == 1 else solver(a, b)


@of_any
def kron(a, b):
    """The Kronecker product."""
    return jnp.kron(a, b)


@of_floats
def expm(a):
    """The exponential of a matrix."""
    return solvers.expm(a)


def rfft(inp, norm=None):
    """The transform of real signals, one along all axes but the first; the last axis is two.

    Args:
        inp: `(batch, *signal)`.
        norm: `None`, `"ortho"` or `"no_norm"`.

    Returns:
        `(batch, *signal, 2)`: real and imaginary parts; of the last signal axis the first half.
    """
    x = _floats(inp)
    made = jnp.fft.rfftn(x, axes=range(1, x.ndim), norm="ortho" if norm == "ortho" else None)
    return jnp.stack([made.real, made.imag], -1)


def irfft(inp, norm=None, is_odd=False):
    """The real signals of transforms as `rfft` gives them.

    Args:
        inp: `(batch, *transform, 2)`.
        norm: `None`, `"ortho"` or `"no_norm"`.
        is_odd: whether the size of the last signal axis is odd.
    """
    x = _floats(inp)
    made = jax.lax.complex(x[..., 0], x[..., 1])
    last = (made.shape[-1] - 1) * 2 + bool(is_odd)
    shape = (*made.shape[1:-1], last)
    scale = {None: "backward", "ortho": "ortho", "no_norm": "forward"}[norm]
    return jnp.fft.irfftn(made, shape, axes=range(1, made.ndim), norm=scale)


def _floats(x):
    return jnp.asarray(x, upgrade_to_float(dtype_of_array(x)))
