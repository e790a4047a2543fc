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
    """Contract the last axis of `a` with the second-to-last of `b`."""
    return jnp.dot(a, b)


def tensordot(a, b, axes=2):
    """Contract several axes: a number of them, or the axes of each array."""
    if isinstance(axes, int | np.integer) or np.ndim(axes) == 0:
        axes = int(axes)
    else:
        axes = tuple(sizes(one) for one in axes)
    return of_any(lambda x, y: jnp.tensordot(x, y, axes))(a, b)


def batched_dot(a, b):
    """`dot` for each element along the first axis of `a` and `b`."""
    return of_any(_batched)(a, b)


def _batched(a, b):
    if a.ndim == 1 or b.ndim == 1:
        return a.reshape(a.shape + (1,) * (b.ndim - a.ndim)) * b.reshape(
            b.shape + (1,) * (a.ndim - b.ndim)
        )
    return jax.vmap(jnp.dot)(a, b)


def batched_tensordot(x, y, axes=2):
    """`tensordot` for each element along the first axis; axis numbers include that axis."""
    if np.ndim(axes) == 0:
        inner = int(axes)
    else:
        inner = tuple(tuple(one - 1 for one in sizes(side)) for side in axes)
    return of_any(jax.vmap(lambda a, b: jnp.tensordot(a, b, inner)))(x, y)


@of_any
def outer(x, y):
    """The outer product of two vectors."""
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
    """Sorted eigenvalues, and eigenvectors, of a symmetric matrix; reads one triangle."""
    a = _floats(a)
    return tuple(jnp.linalg.eigh(_mirrored(a, UPLO == "L"), symmetrize_input=False))


def _mirrored(a, lower):
    """A symmetric matrix from one of its triangles."""
    half = jnp.tril(a) if lower else jnp.triu(a).conj().T
    return half + jnp.tril(half, -1).conj().T


def eigvalsh(a, b, lower=True):
    """The eigenvalues of a symmetric matrix; generalized ones with `b`."""
    a = _floats(a)
    whole = _mirrored(a, lower)
    if b is None:
        return jnp.linalg.eigvalsh(whole, symmetrize_input=False)
    factor = jnp.linalg.cholesky(_floats(b))
    left = solvers.solve_triangular(factor, whole, lower=True)
    return jnp.linalg.eigvalsh(solvers.solve_triangular(factor, left.T, lower=True))


def qr(a, mode="reduced"):
    """The QR decomposition; with mode `"r"` only R."""
    made = jnp.linalg.qr(_floats(a), mode)
    return made if mode == "r" else tuple(made)


def svd(a, full_matrices=1, compute_uv=1):
    """The singular value decomposition U, s, V, or only s."""
    made = jnp.linalg.svd(_floats(a), bool(full_matrices), bool(compute_uv))
    return tuple(made) if compute_uv else made


def matrix_power(M, n):
    """A matrix to the power `n`."""
    return jnp.linalg.matrix_power(M, sizes(n)[0])


@typed(lambda a, ind=2: TensorType(a.dtype, (False,) * a.ndim))
def tensorinv(a, ind=2):
    """The inverse with respect to `tensordot` over `ind` axes."""
    return jnp.linalg.tensorinv(_floats(a), ind)


def tensorsolve(a, b, axes=None):
    """Solve `tensordot(a, x, x.ndim) = b`."""
    return jnp.linalg.tensorsolve(_floats(a), _floats(b), axes)


@of_floats
def cholesky(a):
    """The lower Cholesky factor of a positive definite matrix; reads its lower triangle."""
    return jnp.linalg.cholesky(_mirrored(a, True), symmetrize_input=False)


@of_floats
def solve(a, b):
    """Solve `a x = b`."""
    return _solved(a, b, jnp.linalg.solve)


@of_floats
def solve_symmetric(a, b):
    """Solve `a x = b` for a symmetric `a`."""
    return _solved(a, b, jnp.linalg.solve)


@of_floats
def solve_lower_triangular(a, b):
    """Solve `a x = b`, reading the lower triangle of `a`."""
    return solvers.solve_triangular(a, b, lower=True)


@of_floats
def solve_upper_triangular(a, b):
    """Solve `a x = b`, reading the upper triangle of `a`."""
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
    """The Fourier transform of real signals over all axes but the first.

    Args:
        inp: `(batch, *signal)`.
        norm: `None`, `"ortho"` or `"no_norm"`.

    Returns:
        `(batch, *signal, 2)`: real and imaginary parts; the last signal axis is halved.
    """
    x = _floats(inp)
    made = jnp.fft.rfftn(x, axes=range(1, x.ndim), norm="ortho" if norm == "ortho" else None)
    return jnp.stack([made.real, made.imag], -1)


def irfft(inp, norm=None, is_odd=False):
    """The inverse of `rfft`.

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
