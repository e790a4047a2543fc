"""Elementwise functions that jax.numpy lacks; `dialects/theano.py` lists them all."""

import math
from functools import reduce

import jax
import jax.numpy as jnp
from jax.scipy import special

from hornbook.compat.theano.basic import absolute
from hornbook.compat.theano.dtypes import dtype_of_array, upcast

FAR = {"float32": 9.0, "float64": 26.0}  # beyond which erfcx uses its asymptotic series


# ---- arithmetic; the table's family gives the dtype rule


def ceil_intdiv(a, b):
    """Integer division, rounded up."""
    return -jnp.floor_divide(-a, b)


def divmod(x, y):
    """The floored quotient and the remainder."""
    return jnp.floor_divide(x, y), jnp.mod(x, y)


def sqr(a):
    """The square."""
    return a * a


def inv(a):
    """The reciprocal."""
    return 1 / a


def sgn(a):
    """-1, 0 or 1."""
    return jnp.sign(a)


def half_away_from_zero(a):
    """Round to the nearest integer; halves away from zero."""
    return jnp.trunc(a + jnp.copysign(0.5, a).astype(a.dtype))


def round(a, mode=None):
    """Round to the nearest integer.

    Args:
        a: an array.
        mode: `"half_to_even"`, the default, or `"half_away_from_zero"`.

    Raises:
        ValueError: for any other mode.
    """
    rounding = {"half_to_even": jnp.round, "half_away_from_zero": half_away_from_zero}
    if (mode or "half_to_even") not in rounding:
        raise ValueError(f"round: mode is one of {list(rounding)}, not {mode!r}")
    return rounding[mode or "half_to_even"](a)


def iround(a, mode=None):
    """Round to the nearest integer, as int64."""
    return round(a, mode).astype("int64")


# ---- conditionals and comparison


def switch(cond, ift, iff):
    """`ift` where the condition is nonzero, else `iff`."""
    dtype = upcast(dtype_of_array(ift), dtype_of_array(iff))
    return jnp.where(jnp.asarray(cond) != 0, jnp.asarray(ift, dtype), jnp.asarray(iff, dtype))


def clip(x, min, max):
    """Clip to two bounds; the gradient passes between them, bounds included."""
    dtype = upcast(*map(dtype_of_array, (x, min, max)))
    x, low, high = (jnp.asarray(one, dtype) for one in (x, min, max))
    return jnp.where(x < low, low, jnp.where(x > high, high, x))


def maximum(x, y):
    """The elementwise maximum; at ties the gradient goes to the first, as in Theano."""
    return jnp.where((x >= y) | jnp.isnan(x), x, y) if _floating(x) else jnp.maximum(x, y)


def minimum(x, y):
    """The elementwise minimum; at ties the gradient goes to the first, as in Theano."""
    return jnp.where((x <= y) | jnp.isnan(x), x, y) if _floating(x) else jnp.minimum(x, y)


def _floating(x):
    return jnp.issubdtype(x.dtype, jnp.floating)


def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Elementwise equality within a tolerance."""
    return jnp.isclose(a, b, rtol, atol, equal_nan)


def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether two arrays are equal within a tolerance."""
    return jnp.allclose(a, b, rtol, atol, equal_nan)


def smallest(*args):
    """The elementwise minimum of the arguments."""
    return reduce(jnp.minimum, args)


def largest(*args):
    """The elementwise maximum of the arguments."""
    return reduce(jnp.maximum, args)


def second(a, b):
    """The second argument, broadcast to the shape of both."""
    return jnp.broadcast_to(b, jnp.broadcast_shapes(jnp.shape(a), jnp.shape(b)))


def fill(a, b):
    """An array of the shape and dtype of `a`, filled with `b`."""
    return jnp.broadcast_to(jnp.asarray(b, dtype_of_array(a)), jnp.shape(a))


# ---- special functions


def erfcx(a):
    """`exp(a**2) * erfc(a)`, without overflow."""
    far = FAR[str(a.dtype)]
    near = jnp.minimum(a, far)
    big = jnp.maximum(a, far)
    s = 1 / (2 * big * big)
    series = 1 - s * (1 - 3 * s * (1 - 5 * s * (1 - 7 * s * (1 - 9 * s))))
    return jnp.where(
        a < far, jnp.exp(near * near) * special.erfc(near), series / (big * math.sqrt(math.pi))
    )


def erfcinv(a):
    """The inverse of `erfc`."""
    return special.erfinv(1 - a)


def tri_gamma(a):
    """The trigamma function: the second derivative of `log(gamma(a))`."""
    return special.polygamma(1, a)


def chi2sf(x, k):
    """The survival function of the chi-squared distribution with `k` degrees of freedom."""
    return special.gammaincc(k / 2, x / 2)


def gammal(k, x):
    """The lower incomplete gamma function, not divided by `gamma(k)`."""
    return special.gammainc(k, x) * special.gamma(k)


def gammau(k, x):
    """The upper incomplete gamma function, not divided by `gamma(k)`."""
    return special.gammaincc(k, x) * special.gamma(k)


def complex(real, imag):
    """Complex numbers from real and imaginary parts."""
    return jax.lax.complex(*jnp.broadcast_arrays(real, imag))


def complex_from_polar(abs, angle):
    """Complex numbers from radius and angle."""
    return complex(abs * jnp.cos(angle), abs * jnp.sin(angle))


def xlogx(x):
    """`x * log(x)`, 0 for 0."""
    safe = jnp.where(x == 0, 1, x)
    return jnp.where(x == 0, 0, x * jnp.log(safe))


def xlogy0(x, y):
    """`x * log(y)`, 0 where `x` is 0."""
    safe = jnp.where(x == 0, 1, y)
    return jnp.where(x == 0, 0, x * jnp.log(safe))


# ---- activations


def ultra_fast_sigmoid(x):
    """Theano's rational approximation of the sigmoid."""
    half = jnp.abs(x) / 2
    middle = 0.935409070603099 + 0.0458812946797165 * (half - 1.7)
    z = jnp.where(
        half < 1.7, 1.5 * half / (1 + half), jnp.where(half < 3, middle, 0.99505475368673)
    )
    return 0.5 * (jnp.sign(x) * z + 1)


def hard_sigmoid(x):
    """`0.2 * x + 0.5`, clipped to `[0, 1]`."""
    return clip(0.2 * x + 0.5, 0.0, 1.0).astype(x.dtype)


def softplus(x):
    """`log(1 + exp(x))`."""
    return jax.nn.softplus(x)


def softsign(x):
    """`x / (1 + |x|)`."""
    return x / (1 + jnp.abs(x))


def relu(x, alpha=0):
    """`x` if positive, else `alpha * x`; the gradient at 0 is the mean of both slopes.

    Args:
        x: an array.
        alpha: the slope for negative `x`; an array for learned slopes.
    """
    x = jnp.asarray(x)
    if not hasattr(alpha, "dtype") and alpha == 0:
        return _half(x + absolute(x))
    dtype = upcast(dtype_of_array(x), dtype_of_array(alpha))
    x, alpha = jnp.asarray(x, dtype), jnp.asarray(alpha, dtype)
    return _half(1 + alpha) * x + _half(1 - alpha) * absolute(x)


def _half(x):
    return x * jnp.asarray(0.5, "float32" if not _floating(x) else x.dtype)


def elu(x, alpha=1):
    """`x` if positive, else `alpha * (exp(x) - 1)`."""
    x = jnp.asarray(x)
    return jnp.where(x > 0, x, jnp.asarray(alpha, x.dtype) * jnp.expm1(jnp.minimum(x, 0)))


def selu(x):
    """`elu` with the alpha and scale that preserve mean 0 and variance 1."""
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)
