"""Every op against Keras's: values, gradients, dtypes; and shapes of symbolic tensors."""

import collections
import itertools

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from hornbook import ops
from hornbook.core.symbolic import SymbolicTensor
from tests.parity.helper import floats, ints, same, same_each

X, Y = floats(2, 3), floats(2, 3, seed=1)
POSITIVE = floats(2, 3, low=0.1, high=3.0)
UNIT = floats(2, 3, low=-0.9, high=0.9)
ABOVE_ONE = floats(2, 3, low=1.1, high=3.0)
DEEP = floats(2, 3, 4)
SQUARE = floats(3, 3) + 3 * np.eye(3, dtype="float32")
SYMMETRIC = SQUARE @ SQUARE.T
NANS = np.where(X > 1, np.nan, X).astype("float32")
BOOLS = X > 0
WHOLE = ints(2, 3, low=-4, high=9)
COUNTS = ints(2, 3, high=6)
IMAGES = floats(2, 6, 5, 3, low=0.0, high=1.0)
SIGNAL = floats(2, 40)

UNARY = {
    "abs absolute negative square sign exp exp2 expm1 sin cos sinh cosh tanh arctan arcsinh": X,
    "relu relu6 sigmoid log_sigmoid softplus softsign silu swish selu hard_sigmoid hard_silu": X,
    "hard_swish hard_tanh sparse_plus sparse_sigmoid tanh_shrink leaky_relu elu celu gelu": X,
    "squareplus soft_shrink hard_shrink softmax log_softmax erf erfc fabs tan": X,
    "sinc i0 deg2rad rad2deg nan_to_num copy ravel transpose flip fliplr flipud normalize": X,
    "sum mean var std prod max min amax amin logsumexp ptp median cumsum cumprod norm": X,
    "sort diff trapezoid diag diagflat tril triu trace stop_gradient rms_normalization": X,
    "layer_normalization conj conjugate real squeeze rot90": X,
    "sqrt cbrt log log2 log10 log1p rsqrt reciprocal": POSITIVE,
    "arcsin arccos arctanh erfinv": UNIT,
    "arccosh": ABOVE_ONE,
    "det inv slogdet logdet pinv": SQUARE,
    "cholesky cholesky_inverse": SYMMETRIC,
    "nansum nanmean nanprod nanmax nanmin nancumsum nancumprod": NANS,
}
NO_GRADIENT = {
    "ceil floor trunc round signbit isfinite isinf isnan isneginf isposinf isreal logical_not": X,
    "argmax argmin argsort all any count_nonzero zeros_like ones_like empty_like imag angle": X,
    "shape ndim size": X,
    "nanmedian nanstd nanvar nanargmax nanargmin": NANS,
    "bitwise_invert bitwise_not": WHOLE,
    "matrix_rank eigh": SYMMETRIC,
    "bartlett blackman hamming hanning": 7,
}
BINARY = (
    "add subtract multiply divide true_divide maximum minimum fmax fmin hypot arctan2 logaddexp "
    "logaddexp2 divide_no_nan mod fmod inner outer vdot kron"
).split()
BINARY_NO_GRADIENT = (
    "equal not_equal greater greater_equal less less_equal logical_and logical_or logical_xor "
    "floor_divide heaviside nextafter isclose allclose isin"
).split()
BITS = (
    "bitwise_and bitwise_or bitwise_xor bitwise_left_shift left_shift bitwise_right_shift "
    "right_shift gcd lcm"
).split()


def spread(table):
    return [(name, value) for names, value in table.items() for name in names.split()]


def both(names, *arrays):
    """Our op, Keras's and the arrays, by name."""
    return {name: (getattr(ops, name), getattr(keras.ops, name), arrays) for name in names}


@pytest.mark.parametrize("names", UNARY)
def test_ops_of_one_array_agree(names):
    same_each(both(names.split(), UNARY[names]))


@pytest.mark.parametrize("name, x", spread(NO_GRADIENT))
def test_an_op_of_one_array_without_gradient_agrees(name, x):
    same(getattr(ops, name), getattr(keras.ops, name), x, gradient=False)


def test_ops_of_two_arrays_agree():
    same_each(both(BINARY, X, Y))


@pytest.mark.parametrize("name", BINARY_NO_GRADIENT)
def test_an_op_of_two_arrays_without_gradient_agrees(name):
    same(getattr(ops, name), getattr(keras.ops, name), np.round(X), np.round(Y), gradient=False)


@pytest.mark.parametrize("name", BITS)
def test_an_op_of_integers_agrees(name):
    same(getattr(ops, name), getattr(keras.ops, name), COUNTS, COUNTS[::-1].copy())


# name, arguments, keywords
CASES = [
    ("power", (POSITIVE, Y), {}),
    ("power", (X, 2), {}),
    ("ldexp", (X, COUNTS), {}),
    ("clip", (X, -0.5, 0.5), {}),
    ("round", (WHOLE,), {"decimals": -1}),
    ("sum", (DEEP,), {"axis": (0, 2), "keepdims": True}),
    ("mean", (DEEP,), {"axis": -1}),
    ("mean", (WHOLE,), {}),
    ("max", (X,), {"axis": 1, "initial": 0.0}),
    ("min", (X,), {"axis": 0}),
    ("argmax", (X,), {"axis": 1, "keepdims": True}),
    ("all", (BOOLS,), {"axis": 0}),
    ("prod", (WHOLE,), {"axis": 1, "dtype": "float32"}),
    ("average", (X,), {"axis": 1, "weights": Y[0] + 3}),
    ("quantile", (X, 0.3), {"axis": 1}),
    ("percentile", (X, [20, 50]), {"axis": 0, "method": "nearest"}),
    ("nanquantile", (NANS, 0.3), {}),
    ("nanpercentile", (NANS, 30), {"keepdims": True}),
    ("corrcoef", (X,), {}),
    ("correlate", (X[0], Y[0]), {"mode": "full"}),
    ("cumsum", (DEEP,), {"axis": 1}),
    ("diff", (X,), {"n": 2, "axis": 1}),
    ("trapezoid", (X,), {"dx": 0.5, "axis": 0}),
    ("searchsorted", (np.sort(X[0]), Y), {"side": "right"}),
    ("digitize", (X, np.array([-1.0, 0.0, 1.0])), {}),
    ("argpartition", (X, 1), {}),
    ("bincount", (COUNTS[0],), {"minlength": 8}),
    ("bincount", (COUNTS,), {"weights": POSITIVE, "minlength": 6}),
    ("histogram", (X[0],), {"bins": 4}),
    ("unique", (COUNTS,), {"return_inverse": True, "return_counts": True}),
    ("nonzero", (COUNTS,), {}),
    ("zeros", ((2, 3),), {}),
    ("ones", ((2,),), {"dtype": "int32"}),
    ("full", ((2, 2), 7), {}),
    ("full_like", (X, 2), {}),
    ("zeros_like", (X,), {"dtype": "int8"}),
    ("eye", (3,), {"k": 1}),
    ("identity", (3,), {}),
    ("tri", (3, 4), {"k": -1}),
    ("arange", (5,), {}),
    ("arange", (1.0, 3.0, 0.5), {}),
    ("arange", (1, 9, 2), {"dtype": "float16"}),
    ("linspace", (0, 1, 5), {"endpoint": False}),
    ("logspace", (0, 2, 4), {}),
    ("geomspace", (1, 100, 4), {}),
    ("meshgrid", (X[0], Y[1]), {"indexing": "ij"}),
    ("vander", (X[0],), {"N": 2}),
    ("reshape", (X, (3, -1)), {}),
    ("expand_dims", (X, (0, 2)), {}),
    ("moveaxis", (DEEP, 0, -1), {}),
    ("swapaxes", (DEEP, 0, 2), {}),
    ("transpose", (DEEP, (1, 0, 2)), {}),
    ("broadcast_to", (X, (4, 2, 3)), {}),
    ("flip", (DEEP,), {"axis": 1}),
    ("roll", (X, 2), {"axis": 1}),
    ("repeat", (X, 2), {"axis": 1}),
    ("tile", (X, (2, 1)), {}),
    ("pad", (X, ((1, 0), (0, 2))), {"constant_values": 3}),
    ("pad", (X, 1), {"mode": "reflect"}),
    ("view", (X,), {"dtype": "int32"}),
    ("concatenate", ([X, Y],), {"axis": 1}),
    ("stack", ([X, Y],), {"axis": 1}),
    ("hstack", ([X, Y],), {}),
    ("vstack", ([X, Y],), {}),
    ("dstack", ([X, Y],), {}),
    ("append", (X, Y), {"axis": 0}),
    ("split", (DEEP, 2), {"axis": 2}),
    ("split", (DEEP, [1, 3]), {"axis": 2}),
    ("array_split", (DEEP, 3), {"axis": 2}),
    ("hsplit", (DEEP, 3), {}),
    ("vsplit", (DEEP, 2), {}),
    ("dsplit", (DEEP, 2), {}),
    ("unstack", (DEEP,), {"axis": 1}),
    ("take", (X, np.array([1, 0])), {"axis": 1}),
    ("take_along_axis", (X, COUNTS % 2), {"axis": 0}),
    ("where", (BOOLS, X, Y), {}),
    ("where", (BOOLS, X, 0), {}),
    ("select", ([BOOLS, X < -1], [X, Y]), {"default": 5.0}),
    ("get_item", (X, (slice(None), 1)), {}),
    ("unravel_index", (COUNTS, (2, 3)), {}),
    ("diagonal", (DEEP,), {"offset": 1, "axis1": 1, "axis2": 2}),
    ("trace", (DEEP,), {"axis1": 1, "axis2": 2}),
    ("dot", (X, SQUARE), {}),
    ("matmul", (DEEP, floats(4, 5)), {}),
    ("matmul", (ints(2, 3).astype("int8"), ints(3, 2).astype("int8")), {}),
    ("tensordot", (DEEP, floats(3, 4, 5)), {}),
    ("einsum", ("bij,jk->bik", DEEP, floats(4, 2)), {}),
    ("cross", (X, Y), {}),
    ("cast", (X, "int32"), {}),
    ("cast", (X, "bfloat16"), {}),
    ("saturate_cast", (300 * X, "uint8"), {}),
    ("convert_to_tensor", ([1, 2],), {}),
    ("convert_to_tensor", (2.5,), {}),
    ("slice", (DEEP, (0, 1, 1), (2, 2, -1)), {}),
    ("slice_update", (X, (0, 1), Y[:, :2].copy()), {}),
    ("scatter", (np.array([[0, 1], [1, 2], [0, 1]]), X[0], (2, 3)), {}),
    *[
        ("scatter_update", (X, np.array([[0, 1], [1, 2]]), Y[0, :2].copy()), {"reduction": how})
        for how in (None, "add", "max", "min", "mul")
    ],
    *[
        (f"segment_{how}", (X.T.copy(), np.array([0, 1, 0])), {"num_segments": 3})
        for how in ("sum", "prod", "max", "min")
    ],
    ("top_k", (X, 2), {}),
    ("in_top_k", (np.array([0, 2]), X, 2), {}),
    ("cdist", (X, floats(4, 3, seed=2)), {}),
    ("logsumexp", (X,), {"axis": 1, "keepdims": True}),
    ("fft", ((X, Y),), {}),
    ("fft2", ((X, Y),), {}),
    ("ifft2", ((X, Y),), {}),
    ("rfft", (X,), {"fft_length": 4}),
    ("irfft", ((X, Y),), {}),
    ("view_as_complex", (floats(3, 2),), {}),
    ("extract_sequences", (SIGNAL, 6, 4), {}),
    ("stft", (SIGNAL, 6, 4, 8), {}),
    ("stft", (SIGNAL, 8, 4, 8), {"window": "hamming", "center": False}),
    ("stft", (SIGNAL, 8, 4, 8), {"window": None}),
    ("istft", ((floats(2, 9, 5), floats(2, 9, 5, seed=1)), 8, 2, 8), {}),
    ("istft", ((floats(2, 9, 5), floats(2, 9, 5, seed=1)), 6, 2, 8), {"length": 12}),
    ("rearrange", (DEEP, "a b (c d) -> (b a) d c"), {"c": 2}),
    ("solve", (SQUARE, X.T.copy()), {}),
    ("solve_triangular", (SQUARE, X.T.copy()), {"lower": True}),
    ("lstsq", (SQUARE, X.T.copy()), {}),
    ("qr", (SQUARE,), {}),
    ("svd", (SQUARE,), {"compute_uv": False}),
    ("lu_factor", (SQUARE,), {}),
    ("cholesky", (SYMMETRIC,), {"upper": True}),
    ("norm", (DEEP,), {"ord": 1, "axis": 1}),
    ("norm", (DEEP,), {"ord": "fro", "axis": (1, 2)}),
    ("glu", (DEEP,), {"axis": 2}),
    ("gelu", (X,), {"approximate": False}),
    ("elu", (X,), {"alpha": 0.5}),
    ("celu", (X,), {"alpha": 0.5}),
    ("leaky_relu", (X,), {"negative_slope": 0.3}),
    ("threshold", (X, 0.5, -1.0), {}),
    ("softmax", (DEEP,), {"axis": 1}),
    ("kaiser", (7, 4.0), {}),
    ("normalize", (X,), {"order": 1, "axis": 0}),
    ("normalize", (X,), {"order": 3}),
    ("moments", (DEEP,), {"axes": (0, 2), "keepdims": True}),
    ("moments", (DEEP.astype("float16"),), {"axes": 1}),
    ("batch_normalization", (DEEP, Y[0], POSITIVE[0], 1), {}),
    ("batch_normalization", (DEEP, Y[0], POSITIVE[0], 1, X[0], Y[1]), {}),
    ("layer_normalization", (DEEP, floats(3, 4), floats(3, 4, seed=1)), {"axis": (1, 2)}),
    ("layer_normalization", (DEEP, floats(3), floats(3, seed=1)), {"axis": 1, "epsilon": 0.1}),
    ("layer_normalization", (DEEP.astype("bfloat16"),), {"epsilon": 1e-3}),
    ("rms_normalization", (DEEP, floats(4)), {"epsilon": 1e-3}),
    ("one_hot", (COUNTS, 5), {}),
    ("one_hot", (COUNTS, 6), {"axis": 0, "dtype": "int32"}),
    ("multi_hot", (COUNTS, 6), {}),
    ("polar", (X, Y), {}),
    ("psnr", (X, Y, 2.0), {}),
    ("binary_crossentropy", (np.abs(UNIT), np.abs(UNIT[::-1])), {}),
    ("binary_crossentropy", (np.abs(UNIT), X), {"from_logits": True}),
    ("binary_crossentropy", (np.float32([0, 1]), np.float32([0, 1])), {}),
    ("categorical_crossentropy", (np.abs(UNIT), POSITIVE), {}),
    ("categorical_crossentropy", (np.abs(UNIT), X), {"from_logits": True, "axis": 0}),
    ("sparse_categorical_crossentropy", (np.array([0, 2]), POSITIVE), {}),
    ("sparse_categorical_crossentropy", (np.array([[0], [2]]), X), {"from_logits": True}),
    ("depth_to_space", (floats(1, 2, 3, 8), 2), {}),
    ("depth_to_space", (floats(1, 8, 2, 3), 2), {"data_format": "channels_first"}),
    ("space_to_depth", (floats(1, 4, 6, 2), 2), {}),
    ("space_to_depth", (floats(1, 2, 4, 6), 2), {"data_format": "channels_first"}),
    ("unfold", (floats(1, 2, 5, 6), (2, 3)), {"dilation": 2, "padding": (1, 2), "stride": (1, 2)}),
    (
        "fold",
        (floats(1, 12, 15), (5, 6), (2, 3)),
        {"dilation": (2, 2), "padding": (1, 2), "stride": (1, 2)},
    ),
]
# No gradient in JAX; and Keras's rearrange cannot be traced.
WITHOUT_GRADIENT = {"lu_factor", "lstsq", "segment_prod", "scatter_update", "rearrange"}


def case_id(case):
    name, _, kwargs = case
    return "-".join([name, *map(str, kwargs)])


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_an_op_agrees(case):
    name, args, kwargs = case
    ours, theirs = getattr(ops, name), getattr(keras.ops, name)
    try:
        out = jax.tree.leaves(jax.eval_shape(lambda: theirs(*args, **kwargs)))
    except (TypeError, IndexError):  # it cannot be traced
        out = jax.tree.leaves(theirs(*args, **kwargs))
    floating = all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in out)
    low = any(leaf.dtype in ("float16", "bfloat16") for leaf in out)
    gradient = (
        floating and not low and (name not in WITHOUT_GRADIENT or kwargs.get("reduction") == "add")
    )
    tolerance = {"rtol": 1e-2, "atol": 1e-2} if low else {"rtol": 1e-4, "atol": 1e-5}
    same(ours, theirs, *args, gradient=gradient, **tolerance, **kwargs)


# ---- convolutions and pooling

X1, X2, X3 = floats(2, 9, 4), floats(2, 7, 6, 4), floats(1, 5, 4, 6, 2)
CONVOLUTIONS = [
    ("conv", X1, [floats(3, 4, 5)], {"padding": "same", "strides": 2}),
    ("conv", X1, [floats(3, 2, 6)], {"dilation_rate": 2}),
    ("conv", X2, [floats(3, 2, 4, 5)], {"strides": (2, 1)}),
    ("conv", X2, [floats(3, 2, 4, 5)], {"padding": "same", "dilation_rate": (1, 2)}),
    ("conv", X2, [floats(3, 3, 1, 8)], {"padding": "same"}),
    ("conv", X3, [floats(2, 2, 3, 2, 3)], {"strides": 2, "padding": "same"}),
    ("depthwise_conv", X1, [floats(3, 4, 2)], {}),
    ("depthwise_conv", X2, [floats(3, 3, 4, 2)], {"strides": 2, "padding": "same"}),
    ("separable_conv", X2, [floats(3, 3, 4, 2), floats(1, 1, 8, 5)], {"padding": "same"}),
    ("conv_transpose", X1, [floats(3, 5, 4)], {"strides": 2, "padding": "same"}),
    ("conv_transpose", X1, [floats(2, 5, 4)], {"strides": 3}),
    ("conv_transpose", X2, [floats(3, 3, 5, 4)], {"strides": 2, "output_padding": 1}),
    ("conv_transpose", X2, [floats(3, 2, 5, 4)], {"padding": "same", "dilation_rate": 2}),
    (
        "conv_transpose",
        X2,
        [floats(3, 3, 5, 4)],
        {"strides": 2, "output_padding": 1, "padding": "same"},
    ),
    ("conv_transpose", X3, [floats(2, 3, 2, 3, 2)], {"strides": (1, 2, 1)}),
    ("max_pool", X1, [2, 2], {}),
    ("max_pool", X2, [(2, 3)], {"strides": (1, 2), "padding": "same"}),
    ("max_pool", X3, [2], {"strides": 1}),
    ("average_pool", X1, [3, 1], {"padding": "same"}),
    ("average_pool", X2, [2, 2], {}),
    ("average_pool", X2, [(2, 3)], {"strides": 2, "padding": "same"}),
    ("average_pool", X3, [2, 2], {"padding": "same"}),
    ("adaptive_max_pool", X1, [4], {}),
    ("adaptive_max_pool", X2, [(3, 4)], {}),
    ("adaptive_average_pool", X1, [4], {}),
    ("adaptive_average_pool", X2, [(3, 4)], {}),
    ("adaptive_average_pool", X3, [(2, 3, 4)], {}),
]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda case: f"{case[0]}-{case[1].ndim - 2}D")
def test_convolution_and_pooling_agree(case, data_format):
    name, x, rest, kwargs = case
    x = x if data_format == "channels_last" else np.moveaxis(x, -1, 1).copy()
    kwargs = {**kwargs, "data_format": data_format}
    ours, theirs = getattr(ops, name), getattr(keras.ops, name)
    same(ours, theirs, x, *rest, rtol=1e-4, atol=1e-4, **kwargs)


# ---- attention and CTC

QUERY, KEY, VALUE = floats(2, 5, 4, 6), floats(2, 3, 4, 6, seed=1), floats(2, 3, 4, 6, seed=2)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"scale": 0.3, "bias": floats(1, 4, 5, 3)},
        {"mask": np.array([True, False, True])[None, None, None].repeat(5, 2)},
        {"is_causal": True},
    ],
    ids=str,
)
def test_attention_agrees(kwargs):
    kwargs = jax.tree.map(lambda v: jnp.asarray(v) if isinstance(v, np.ndarray) else v, kwargs)
    theirs = keras.ops.dot_product_attention
    same(ops.dot_product_attention, theirs, QUERY, KEY, VALUE, rtol=1e-4, **kwargs)


TARGET = np.array([[1, 2, 2, 0], [3, 3, 1, 2], [1, 0, 0, 0]], "int32")


@pytest.mark.parametrize("mask_index", [0, 4])
def test_ctc_loss_agrees(mask_index):
    target = TARGET if mask_index == 0 else TARGET % 4
    lengths = np.array([3, 2, 1], "int32"), np.array([9, 8, 4], "int32")

    def loss(fn):
        return lambda output: fn(target, output, *lengths, mask_index=mask_index)

    same(loss(ops.ctc_loss), loss(keras.ops.ctc_loss), floats(3, 9, 5), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("merge_repeated", [True, False])
def test_greedy_ctc_decoding_agrees(merge_repeated):
    same(
        ops.ctc_decode,
        keras.ops.ctc_decode,
        floats(3, 9, 4),
        np.array([9, 6, 3], "int32"),
        gradient=False,
        merge_repeated=merge_repeated,
    )


def test_ctc_beam_search_finds_the_likeliest_labels():
    """The oracle adds up every alignment."""
    logits, lengths = floats(2, 4, 3, low=-1.0, high=1.0), [4, 3]
    paths, scores = ops.ctc_decode(
        logits, np.array(lengths), strategy="beam_search", beam_width=30, top_paths=3
    )
    for batch, length in enumerate(lengths):
        chance = collections.Counter()
        log_p = np.asarray(jax.nn.log_softmax(logits[batch]))
        for alignment in itertools.product(range(3), repeat=length):
            label = tuple(c for c, _ in itertools.groupby(alignment) if c != 0)
            chance[label] += float(np.exp(sum(log_p[t, c] for t, c in enumerate(alignment))))
        for path, score, (label, p) in zip(paths[:, batch], scores[batch], chance.most_common(3)):
            assert tuple(c for c in path.tolist() if c >= 0) == label
            np.testing.assert_allclose(score, np.log(p), rtol=1e-4)


# ---- dtypes

DTYPES = ["bool", "int8", "uint8", "int32", "float16", "bfloat16", "float32"]
FLOATING_HERE = {"rms_normalization", "layer_normalization"}  # Keras rounds to integers again


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_of_results_agree(dtype):
    """One abstract run an op and dtype: nothing is computed."""
    x = jax.ShapeDtypeStruct((3, 3), dtype)
    names = [
        *(name for name, value in spread(UNARY) if value is not NANS),
        *(name for name, value in spread(NO_GRADIENT) if isinstance(value, np.ndarray)),
    ]
    wrong = []
    for name in dict.fromkeys([*names, *BINARY, *BINARY_NO_GRADIENT]):
        if name in FLOATING_HERE and not jnp.issubdtype(dtype, jnp.floating):
            continue
        args = (x, x) if name in BINARY + BINARY_NO_GRADIENT else (x,)
        try:
            wanted = jax.eval_shape(getattr(keras.ops, name), *args)
        except Exception:  # Keras has no such op of this dtype
            continue
        found = jax.eval_shape(getattr(ops, name), *args)
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
            if hasattr(b, "dtype") and a.dtype != b.dtype:
                wrong.append(f"{name}: {a.dtype}, Keras {b.dtype}")
    assert not wrong


@pytest.mark.parametrize("number", [2, 2.5, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_python_number_takes_the_dtype_it_takes_in_keras(dtype, number):
    x = jnp.ones((2,), dtype)
    for name in ("add", "multiply", "divide", "maximum", "power", "equal", "subtract"):
        try:
            wanted = getattr(keras.ops, name)(x, number).dtype
        except TypeError:
            continue
        assert getattr(ops, name)(x, number).dtype == wanted, name


# ---- symbolic tensors

DATA_DEPENDENT = {"nonzero", "unique", "bincount", "histogram", "shape", "ndim", "size", "slice"}


def is_floating(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


SYMBOLIC = [
    *[(name, (x,), {}) for name, x in spread(UNARY)],
    *[(name, (X, Y), {}) for name in BINARY],
    *[case for case in CASES if case[0] not in DATA_DEPENDENT and any(map(is_floating, case[1]))],
]


@pytest.mark.parametrize("case", SYMBOLIC, ids=case_id)
def test_symbolic_shapes_and_dtypes_are_those_of_the_result(case):
    name, args, kwargs = case
    fn = getattr(ops, name)
    symbols = [SymbolicTensor(a.shape, a.dtype.name) if is_floating(a) else a for a in args]
    wanted = jax.tree.leaves(jax.eval_shape(lambda: fn(*args, **kwargs)))
    found = jax.tree.leaves(fn(*symbols, **kwargs))
    assert [(a.shape, a.dtype) for a in found] == [(b.shape, b.dtype) for b in wanted]
