"""numpy's elementwise functions: arithmetic, comparison, logic, bits, rounding, trigonometry.

Two arrays broadcast against each other. A Python number takes the dtype of the other operand.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core import settings
from hornbook.core.symbolic import Tensor, op
from hornbook.ops import rows
from hornbook.ops.rows import binary, unary, unary_floating

# ---- arithmetic

add = binary(jnp.add, "The sum, element by element.")
subtract = binary(jnp.subtract, "The difference `x1 - x2`, element by element.")
multiply = binary(jnp.multiply, "The product, element by element.")
divide = true_divide = binary(
    jnp.true_divide, "The quotient `x1 / x2`, floating-point also for integers."
)
floor_divide = binary(jnp.floor_divide, "The quotient rounded down: `floor(x1 / x2)`.")
mod = binary(jnp.mod, "The remainder of `x1 / x2`, with the sign of `x2`.")
fmod = binary(jnp.fmod, "The remainder of `x1 / x2`, with the sign of `x1`.")
power = binary(jnp.power, "`x1` to the power of `x2`.")
hypot = binary(jnp.hypot, "The hypotenuse: `sqrt(x1**2 + x2**2)`.")
ldexp = binary(jnp.ldexp, "`x1 * 2**x2`.")
gcd = binary(jnp.gcd, "The greatest common divisor of integers.")
lcm = binary(jnp.lcm, "The least common multiple of integers.")
nextafter = binary(jnp.nextafter, "The next floating-point number after `x1` towards `x2`.")
logaddexp = binary(jnp.logaddexp, "`log(exp(x1) + exp(x2))`, without overflow.")
logaddexp2 = binary(jnp.logaddexp2, "`log2(2**x1 + 2**x2)`, without overflow.")
arctan2 = binary(jnp.arctan2, "The angle of the point `(x2, x1)`, from -pi to pi.")
heaviside = binary(jnp.heaviside, "0 where `x1 < 0`, `x2` where it is 0, else 1.")
maximum = binary(jnp.maximum, "The larger of two, NaN if either is.")
minimum = binary(jnp.minimum, "The smaller of two, NaN if either is.")
fmax = binary(jnp.fmax, "The larger of two, ignoring NaN.")
fmin = binary(jnp.fmin, "The smaller of two, ignoring NaN.")

absolute = abs = unary(jnp.absolute, "The absolute value.")
fabs = unary_floating(jnp.fabs, "The absolute value, floating-point.")
negative = unary(jnp.negative, "The negated value: `-x`.")
sign = unary(jnp.sign, "The sign: -1, 0 or 1.")
signbit = unary(jnp.signbit, "Whether the sign bit is set (also for -0.0).")
square = unary(lambda x: jnp.square(rows.number(x)), "The square: `x**2`.")
reciprocal = unary_floating(jnp.reciprocal, "`1 / x`.")

# ---- powers and logarithms

sqrt = unary_floating(jnp.sqrt, "The square root.")
cbrt = unary_floating(jnp.cbrt, "The cube root.")
exp = unary_floating(jnp.exp, "The exponential function: `e**x`.")
exp2 = unary_floating(jnp.exp2, "`2**x`.")
expm1 = unary_floating(jnp.expm1, "`exp(x) - 1`, accurate for small `x`.")
log = unary_floating(jnp.log, "The natural logarithm.")
log2 = unary_floating(jnp.log2, "The logarithm to base 2.")
log10 = unary_floating(jnp.log10, "The logarithm to base 10.")
log1p = unary_floating(jnp.log1p, "`log(1 + x)`, accurate for small `x`.")

# ---- trigonometry

sin = unary_floating(jnp.sin, "The sine of an angle in radians.")
cos = unary_floating(jnp.cos, "The cosine of an angle in radians.")
tan = unary_floating(jnp.tan, "The tangent of an angle in radians.")
sinh = unary_floating(jnp.sinh, "The hyperbolic sine.")
cosh = unary_floating(jnp.cosh, "The hyperbolic cosine.")
tanh = unary_floating(jnp.tanh, "The hyperbolic tangent, between -1 and 1.")
arcsin = unary_floating(jnp.arcsin, "The angle whose sine is `x`, in radians.")
arccos = unary_floating(jnp.arccos, "The angle whose cosine is `x`, in radians.")
arctan = unary_floating(jnp.arctan, "The angle whose tangent is `x`, in radians.")
arcsinh = unary_floating(jnp.arcsinh, "The inverse of the hyperbolic sine.")
arccosh = unary_floating(jnp.arccosh, "The inverse of the hyperbolic cosine.")
arctanh = unary_floating(jnp.arctanh, "The inverse of the hyperbolic tangent.")
sinc = unary_floating(jnp.sinc, "`sin(pi x) / (pi x)`, 1 at 0.")
i0 = unary_floating(jnp.i0, "The modified Bessel function of the first kind, order 0.")
deg2rad = unary_floating(jnp.deg2rad, "Convert degrees to radians.")
rad2deg = unary_floating(jnp.rad2deg, "Convert radians to degrees.")

# ---- rounding

ceil = unary_floating(jnp.ceil, "Round up to an integer, floating-point.")
floor = unary_floating(jnp.floor, "Round down to an integer, floating-point.")
trunc = unary(jnp.trunc, "Round towards 0 to an integer.")


@op
def round(x: Tensor, decimals: int = 0) -> Array:
    """Round to a number of decimals, halves to even."""
    x = rows.array(x)
    if decimals < 0 and jnp.issubdtype(x.dtype, jnp.integer):
        return jnp.round(rows.floating(x), decimals).astype(x.dtype)
    return jnp.round(x, decimals)


@op
def clip(x: Tensor, x_min: Tensor | float, x_max: Tensor | float) -> Array:
    """Clip values to the interval between two bounds.

    Example:
        >>> hornbook.ops.clip(np.array([-3.0, 0.5, 7.0]), 0, 1).tolist()
        [0.0, 0.5, 1.0]
    """
    return jnp.clip(rows.number(x), rows.operand(x_min), rows.operand(x_max))


@op
def nan_to_num(
    x: Tensor,
    nan: float = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Array:
    """Replace NaN by `nan` and infinities by `posinf` and `neginf` (default: the extremes)."""
    return jnp.nan_to_num(rows.array(x), nan=nan, posinf=posinf, neginf=neginf)


@op
def divide_no_nan(x1: Tensor, x2: Tensor) -> Array:
    """The quotient, or 0 where `x2` is 0, with zero gradients there.

    Example:
        >>> hornbook.ops.divide_no_nan(np.array([1.0, 2.0]), np.array([0.0, 4.0])).tolist()
        [0.0, 0.5]
    """
    x1, x2 = rows.pair(x1, x2)
    zero = x2 == 0
    return jnp.where(zero, 0, jnp.true_divide(x1, jnp.where(zero, 1, x2)))


# ---- comparison and logic

equal = binary(jnp.equal, "Whether the elements are equal.")
not_equal = binary(jnp.not_equal, "Whether the elements differ.")
greater = binary(jnp.greater, "Whether `x1 > x2`.")
greater_equal = binary(jnp.greater_equal, "Whether `x1 >= x2`.")
less = binary(jnp.less, "Whether `x1 < x2`.")
less_equal = binary(jnp.less_equal, "Whether `x1 <= x2`.")
logical_and = binary(jnp.logical_and, "Whether both elements are true (nonzero).")
logical_or = binary(jnp.logical_or, "Whether at least one element is true (nonzero).")
logical_xor = binary(jnp.logical_xor, "Whether exactly one element is true (nonzero).")
logical_not = unary(jnp.logical_not, "Whether an element is false (0).")
isfinite = unary(jnp.isfinite, "Whether an element is neither NaN nor infinite.")
isinf = unary(jnp.isinf, "Whether an element is infinite.")
isnan = unary(jnp.isnan, "Whether an element is NaN.")
isneginf = unary(jnp.isneginf, "Whether an element is minus infinity.")
isposinf = unary(jnp.isposinf, "Whether an element is plus infinity.")
isreal = unary(jnp.isreal, "Whether the imaginary part is 0.")


@op
def isclose(
    x1: Tensor, x2: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Whether `|x1 - x2| <= atol + rtol * |x2|`, element by element."""
    return jnp.isclose(rows.operand(x1), rows.operand(x2), rtol, atol, equal_nan)


@op
def allclose(
    x1: Tensor, x2: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Whether `|x1 - x2| <= atol + rtol * |x2|` for all elements."""
    return jnp.allclose(rows.operand(x1), rows.operand(x2), rtol, atol, equal_nan)


@op
def isin(x1: Tensor, x2: Tensor, assume_unique: bool = False, invert: bool = False) -> Array:
    """Whether each element of `x1` occurs in `x2` (`invert`: does not occur)."""
    return jnp.isin(rows.array(x1), rows.array(x2), assume_unique=assume_unique, invert=invert)


# ---- bits


def _bits(fn, doc):
    return rows.row(lambda x, y: fn(rows.operand(x), rows.operand(y)), doc)


bitwise_and = _bits(jnp.bitwise_and, "The bitwise AND of two integers.")
bitwise_or = _bits(jnp.bitwise_or, "The bitwise OR of two integers.")
bitwise_xor = _bits(jnp.bitwise_xor, "The bitwise XOR of two integers.")
bitwise_left_shift = left_shift = _bits(jnp.left_shift, "The bits shifted left by `y`.")
bitwise_right_shift = right_shift = _bits(jnp.right_shift, "The bits shifted right by `y`.")
bitwise_invert = bitwise_not = unary(jnp.invert, "The bitwise NOT of an integer.")

# ---- complex numbers

real = unary(jnp.real, "The real part.")
imag = unary(jnp.imag, "The imaginary part.")
conj = conjugate = unary(jnp.conjugate, "The complex conjugate.")
angle = unary_floating(jnp.angle, "The angle of a complex number, in radians.")

# ---- windows: functions of a length


def _window(fn, doc):
    return rows.row(lambda x: jnp.asarray(fn(_length(x)), settings.floatx()), doc)


def _length(x):
    return int(np.asarray(x))


bartlett = _window(np.bartlett, "The triangular window of `x` points.")
blackman = _window(np.blackman, "The Blackman window of `x` points.")
hamming = _window(np.hamming, "The Hamming window of `x` points.")
hanning = _window(np.hanning, "The Hann window of `x` points.")
kaiser = rows.row(
    lambda x, beta: jnp.asarray(np.kaiser(_length(x), float(beta)), settings.floatx()),
    "The Kaiser window of `x` points and shape `beta`.",
)

rows.publish(globals())
