"""TensorFlow's functions of arrays: `tf`, `tf.math`, `tf.nn`, `tf.linalg`, `tf.random`."""

from hornbook.dialects.row import Row, row

OURS = "compat.tensorflow"


def same(names: str, place: str, arguments: str = "") -> dict[str, Row]:
    """Names that are the same in a module of today.

    Example:
        >>> same("exp log", "ops", "x name:")["log"].new
        'ops.log'
    """
    return {name: row(f"{place}.{name}", arguments) for name in names.split()}


DTYPES = same(
    "bool bfloat16 float16 float32 float64 half double int8 int16 int32 int64 uint8 uint16 uint32 "
    "uint64 complex64 complex128 string as_dtype DType saturate_cast complex",
    f"{OURS}.dtypes",
)
REDUCED = "input_tensor:x axis keepdims name:"
REDUCTIONS = {
    **{
        f"reduce_{name}": row(f"ops.{name}", REDUCED)
        for name in "all any max mean min prod std sum".split()
    },
    "reduce_variance": row("ops.var", REDUCED),
    "reduce_logsumexp": row("ops.logsumexp", REDUCED),
    "reduce_euclidean_norm": row(f"{OURS}.math.reduce_euclidean_norm"),
}
RENAMED_UNARY = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atanh": "arctanh",
    "is_finite": "isfinite",
    "is_inf": "isinf",
    "is_nan": "isnan",
    "rint": "round",
}
UNARY = {
    **same(
        "abs ceil cos cosh exp floor negative round sigmoid sign sin sinh sqrt square tan tanh "
        "erf erfc expm1 log log1p reciprocal rsqrt softplus real imag conj angle log_sigmoid",
        "ops",
        "x name:",
    ),
    **{old: row(f"ops.{new}", "x name:") for old, new in RENAMED_UNARY.items()},
    "erfinv": row("ops.erfinv", "x name:"),
    "lgamma": row(f"{OURS}.math.lgamma"),
    "digamma": row(f"{OURS}.math.digamma"),
    "ndtri": row(f"{OURS}.math.ndtri"),
    "softsign": row("ops.softsign", "features:x name:"),
    "logical_not": row("ops.logical_not", "x name:"),
}
RENAMED_BINARY = {
    "atan2": "arctan2",
    "div_no_nan": "divide_no_nan",
    "divide_no_nan": "divide_no_nan",
    "floordiv": "floor_divide",
    "floormod": "mod",
    "mod": "mod",
    "pow": "power",
    "truediv": "true_divide",
}
BINARY = {
    name: row(f"ops.{new}", "x:x1 y:x2 name:")
    for name, new in {
        **{
            name: name
            for name in (
                "add divide greater greater_equal less less_equal logical_and logical_or "
                "logical_xor maximum minimum multiply nextafter subtract"
            ).split()
        },
        **RENAMED_BINARY,
    }.items()
}
BINARY["atan2"] = row("ops.arctan2", "y:x1 x:x2 name:")
ARG = {
    name: row(f"ops.{name}", "input:x axis output_type: name:", {"axis": 0})
    for name in ("argmax", "argmin")
}
SEGMENTS = same(
    "segment_max segment_mean segment_min segment_prod segment_sum unsorted_segment_max "
    "unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n "
    "unsorted_segment_sum",
    f"{OURS}.math",
)
MATH: dict[str, Row] = {
    **REDUCTIONS,
    **UNARY,
    **BINARY,
    **ARG,
    **SEGMENTS,
    **same(
        "add_n bincount confusion_matrix count_nonzero cumprod cumsum cumulative_logsumexp equal "
        "in_top_k invert_permutation l2_normalize multiply_no_nan not_equal polyval "
        "squared_difference zero_fraction",
        f"{OURS}.math",
    ),
    "accumulate_n": row(f"{OURS}.math.add_n", "inputs shape: tensor_dtype: name:"),
    "softmax": row("ops.softmax", "logits:x axis name:"),
    "log_softmax": row("ops.log_softmax", "logits:x axis name:"),
    "top_k": row(f"{OURS}.selecting.top_k"),
    "xdivy": row(f"{OURS}.selecting.xdivy"),
    **same("betainc igamma igammac xlogy", f"{OURS}.math"),
}
# Names of `tf.math` that `tf` has too.
OF_BOTH = (
    "reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod "
    "reduce_sum abs acos acosh add add_n argmax argmin asin asinh atan atan2 atanh cos cosh cumsum "
    "divide equal exp floor greater greater_equal less less_equal logical_and logical_not "
    "logical_or maximum minimum multiply negative not_equal pow round sigmoid sign sin sinh sqrt "
    "square subtract tan tanh truediv"
).split()
LINALG: dict[str, Row] = {
    **same("adjoint band_part eye matmul matvec lstsq norm qr svd inv", f"{OURS}.math"),
    "band_part": row(f"{OURS}.selecting.band_part"),
    "cholesky": row("ops.cholesky", "input:x name:"),
    "cholesky_solve": row(f"{OURS}.math.cholesky_solve"),
    "cross": row("ops.cross", "a:x1 b:x2 name:"),
    "det": row("ops.det", "input:x name:"),
    "diag": row(f"{OURS}.selecting.diag"),
    "diag_part": row(f"{OURS}.selecting.diag_part"),
    "eig": row("ops.eig", "tensor:x name:"),
    "eigh": row("ops.eigh", "tensor:x name:"),
    "eigvalsh": row(f"{OURS}.math.eigvalsh"),
    "einsum": row("ops.einsum"),
    "expm": row(f"{OURS}.math.expm"),
    "global_norm": row(f"{OURS}.math.global_norm"),
    "inv": row(f"{OURS}.math.inv"),
    "l2_normalize": MATH["l2_normalize"],
    "logdet": row("ops.logdet", "matrix:x name:"),
    "matrix_rank": row("ops.matrix_rank", "a:x tol name:"),
    "matrix_transpose": row(f"{OURS}.selecting.matrix_transpose"),
    "normalize": row(f"{OURS}.selecting.normalize"),
    "pinv": row("ops.pinv", "a:x rcond name:"),
    "set_diag": row(f"{OURS}.selecting.set_diag"),
    "slogdet": row("ops.slogdet", "input:x name:"),
    "solve": row(f"{OURS}.math.solve"),
    "tensor_diag": row("ops.diagflat", "diagonal:x name:"),
    "tensor_diag_part": row("ops.diagonal", "input:x name:"),
    "tensordot": row("ops.tensordot", "a:x1 b:x2 axes name:"),
    "trace": row("ops.trace", "x name:", {"axis1": -2, "axis2": -1}),
    "triangular_solve": row(f"{OURS}.math.triangular_solve"),
}
RANDOM: dict[str, Row] = {
    "set_seed": row("utils.set_random_seed", "seed"),
    **same(
        "Generator categorical fold_in gamma get_global_generator normal poisson shuffle split "
        "stateless_categorical stateless_normal stateless_truncated_normal stateless_uniform "
        "truncated_normal uniform",
        f"{OURS}.randoms",
    ),
}
NN: dict[str, Row] = {
    **same("elu gelu relu relu6 selu silu softsign", "ops", "features:x name:"),
    "gelu": row("ops.gelu", "features:x approximate name:", {"approximate": False}),
    "swish": row("ops.silu", "features:x beta: name:"),
    "softplus": row("ops.softplus", "features:x name:"),
    "tanh": row("ops.tanh", "x name:"),
    "sigmoid": row("ops.sigmoid", "x name:"),
    "leaky_relu": row("ops.leaky_relu", "features:x alpha:negative_slope name:"),
    **same(
        "avg_pool avg_pool1d avg_pool2d avg_pool3d batch_normalization bias_add "
        "compute_average_loss conv1d scale_regularization_loss "
        "conv1d_transpose conv2d conv2d_transpose conv3d conv3d_transpose convolution crelu "
        "ctc_loss depth_to_space depthwise_conv2d dropout embedding_lookup l2_loss "
        "local_response_normalization log_poisson_loss max_pool max_pool1d max_pool2d max_pool3d "
        "moments separable_conv2d sigmoid_cross_entropy_with_logits "
        "softmax_cross_entropy_with_logits space_to_depth "
        "sparse_softmax_cross_entropy_with_logits weighted_cross_entropy_with_logits",
        f"{OURS}.nn",
    ),
    "lrn": row(f"{OURS}.nn.local_response_normalization"),
    **{name: MATH[name] for name in "in_top_k l2_normalize log_softmax softmax top_k".split()},
    "log_sigmoid": MATH["log_sigmoid"],
    "zero_fraction": MATH["zero_fraction"],
}
# Functions of `tf` itself that move, select and make elements, or call functions.
ARRAYS: dict[str, Row] = {
    **{name: MATH[name] for name in OF_BOTH},
    "cast": row(f"{OURS}.values.cast"),
    "bitcast": row(f"{OURS}.selecting.bitcast"),
    "clip_by_value": row("ops.clip", "t:x clip_value_min:x_min clip_value_max:x_max name:"),
    "einsum": row("ops.einsum"),
    "eye": row(f"{OURS}.math.eye"),
    "fill": row(f"{OURS}.values.fill"),
    "linspace": row("ops.linspace", "start stop num name: axis"),
    "one_hot": row(f"{OURS}.values.one_hot"),
    "ones": row(f"{OURS}.values.ones"),
    "ones_like": row("ops.ones_like", "input:x dtype name:"),
    "realdiv": MATH["truediv"],
    "roll": row("ops.roll", "input:x shift axis name:"),
    "transpose": row("ops.transpose", "a:x perm:axes conjugate: name:"),
    "unstack": row("ops.unstack", "value:x num axis name:"),
    "zeros": row(f"{OURS}.values.zeros"),
    "zeros_like": row("ops.zeros_like", "input:x dtype name:"),
    "unravel_index": row(f"{OURS}.selecting.unravel_index"),
    "range": row(f"{OURS}.values.arange"),
    "tensordot": LINALG["tensordot"],
    "norm": LINALG["norm"],
    "matmul": LINALG["matmul"],
    "squeeze": row(f"{OURS}.arrays.squeeze"),
    "histogram_fixed_width": row(f"{OURS}.math.histogram_fixed_width"),
    **same("clip_by_global_norm clip_by_norm searchsorted", f"{OURS}.math"),
    **same(
        "boolean_mask broadcast_static_shape broadcast_to concat ensure_shape expand_dims gather "
        "gather_nd is_tensor meshgrid pad rank repeat reshape scatter_nd shape shape_n size slice "
        "split stack strided_slice tensor_scatter_nd_add tensor_scatter_nd_max "
        "tensor_scatter_nd_min tensor_scatter_nd_sub tensor_scatter_nd_update tile where nest",
        f"{OURS}.arrays",
    ),
    **same(
        "argsort dynamic_partition dynamic_stitch reverse reverse_sequence sequence_mask sort "
        "unique unique_with_counts",
        f"{OURS}.selecting",
    ),
    **same(
        "TensorArray case cond device foldl foldr group identity identity_n map_fn name_scope "
        "no_op scan switch_case vectorized_map while_loop",
        f"{OURS}.control",
    ),
    "print": row(f"{OURS}.control.print_"),
    "tuple": row(f"{OURS}.control.tuple_"),
    "init_scope": row(f"{OURS}.control.nothing"),
    "control_dependencies": row(f"{OURS}.control.nothing"),
}
LINALG["eye"] = ARRAYS["eye"]
