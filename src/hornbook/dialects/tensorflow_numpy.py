"""`tf.experimental.numpy`: functions of numpy, which are ops of today, with the dtypes of today."""

from hornbook.dialects.row import Row, row
from hornbook.dialects.tensorflow_math import DTYPES, OURS, same

NUMPY: dict[str, Row] = {
    **{name: one for name, one in DTYPES.items() if name[-1].isdigit()},
    **same(
        "abs absolute add all allclose amax amin angle any append arange arccos arccosh arcsin "
        "arcsinh arctan arctan2 arctanh argmax argmin argsort array average bitwise_and "
        "bitwise_not bitwise_or bitwise_xor broadcast_to cbrt ceil clip concatenate conj "
        "conjugate copy cos cosh count_nonzero cross cumprod cumsum deg2rad diag diagflat "
        "diagonal diff divide dot dsplit dstack einsum empty empty_like equal exp exp2 "
        "expand_dims expm1 eye fabs flip fliplr flipud floor floor_divide full full_like gcd "
        "geomspace greater greater_equal heaviside hsplit hstack hypot identity imag inner "
        "isclose isfinite isinf isnan isneginf isposinf isreal kron lcm less less_equal linspace "
        "log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor "
        "logspace matmul max maximum mean meshgrid min minimum mod moveaxis multiply nanmean "
        "nanprod nansum ndim negative nextafter nonzero not_equal ones ones_like outer pad power "
        "prod ptp rad2deg ravel real reciprocal repeat reshape roll rot90 round select shape sign "
        "signbit sin sinc sinh size sort split sqrt square squeeze stack std subtract sum "
        "swapaxes take take_along_axis tan tanh tensordot tile trace transpose tri tril triu "
        "true_divide vander var vdot vsplit vstack where zeros zeros_like",
        "ops",
    ),
    **{name: row("ops.array") for name in "asanyarray asarray ascontiguousarray".split()},
    "around": row("ops.round"),
    "newaxis": row(f"{OURS}.values.newaxis"),
    "experimental_enable_numpy_behavior": row(f"{OURS}.devices.nothing"),
}
