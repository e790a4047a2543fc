"""Theano (0.6 to 1.0): its names, and the functions of arrays that implement them.

Most rows name a function of arrays. `RULES` says how a family's functions are applied to variables:
elementwise with a dtype rule (`floats`, `numbers`, `tests`, `choices`), or to whole `arrays`. The
other families hold functions that take variables themselves.
"""

from hornbook.dialects.row import Row, row

TITLE = "Theano"
VERSION = "1.0.5"
ELEMENTWISE, REDUCE = "compat.theano.elementwise", "compat.theano.reductions"
SHAPING, LINALG = "compat.theano.shaping", "compat.theano.linalg"
NNET, CONV, POOLING = "compat.theano.nnet", "compat.theano.conv", "compat.theano.pool"
SELECTING, ENVIRONMENT = "compat.theano.selecting", "compat.theano.environment"
LOGS = "compat.theano.logs"
NUMPY, SPECIAL = "jax.numpy", "jax.scipy.special"


def _rows(place: str, rows: dict[str, str]) -> dict[str, Row]:
    """Make rows from a map of names to arguments; `old=new` renames."""
    found = {}
    for names, arguments in rows.items():
        for name in names.split():
            old, _, new = name.partition("=")
            found[old] = row(f"{place}.{new or old}", arguments)
    return found


# ---- elementwise

FLOATS: dict[str, Row] = {
    **_rows(LOGS, {"exp log log1p": "a"}),
    **_rows(
        NUMPY,
        {
            "exp2 expm1 log2 log10 sqrt sin cos tan sinh cosh tanh arcsin arccos "
            "arctan arcsinh arccosh arctanh deg2rad rad2deg": "a",
            "arctan2": "a b",
        },
    ),
    **_rows(
        SPECIAL,
        {"erf erfc erfinv gamma gammaln psi=digamma i0 i1": "a", "gammainc gammaincc": "k x"},
    ),
    **_rows(
        ELEMENTWISE,
        {
            "inv erfcx erfcinv tri_gamma": "a",
            "gammal gammau": "k x",
            "chi2sf": "x k",
        },
    ),
}
SIGMOIDS: dict[str, Row] = _rows(
    ELEMENTWISE,
    {"softplus softsign ultra_fast_sigmoid hard_sigmoid": "x"},
) | _rows(LOGS, {"sigmoid scalar_sigmoid=sigmoid sigmoid_inplace=sigmoid": "x"})
XLOGX: dict[str, Row] = _rows(ELEMENTWISE, {"xlogx": "x", "xlogy0": "x y"})
NUMBERS: dict[str, Row] = {
    **_rows(NUMPY, {"ceil floor trunc round_half_to_even=round": "a"}),
    **_rows(
        ELEMENTWISE,
        {
            "largest smallest": "",
            "sgn sqr square=sqr round_half_away_from_zero=half_away_from_zero": "a",
            "ceil_intdiv": "a b",
            "maximum minimum": "x y",
            "clip": "x min max",
        },
    ),
}
RECTIFIERS: dict[str, Row] = _rows(ELEMENTWISE, {"relu elu": "x alpha", "selu": "x"})
TESTS: dict[str, Row] = _rows(NUMPY, {"isnan isinf": "a"})
CHOICES: dict[str, Row] = _rows(ELEMENTWISE, {"switch where=switch": "cond ift iff"})

# ---- arrays

ARRAYS: dict[str, Row] = {
    **_rows(NUMPY, {"real imag angle conj": "z"}),
    **_rows(
        ELEMENTWISE,
        {
            "complex": "real imag",
            "complex_from_polar": "abs angle",
            "round iround": "a mode",
            "isclose allclose": "a b rtol atol equal_nan",
            "second fill": "a b",
            "divmod": "x y",
        },
    ),
    **_rows(
        REDUCE,
        {
            "sum": "input axis dtype keepdims acc_dtype",
            "prod": "input axis dtype keepdims acc_dtype no_zeros_in_input",
            "mean": "input axis dtype op keepdims acc_dtype",
            "var std": "input axis ddof keepdims corrected",
            "max min argmax argmin any all": "x axis keepdims",
            "max_and_argmax": "a axis keepdims",
            "ptp": "a axis",
            "cov": "m y rowvar bias ddof fweights aweights",
        },
    ),
    **_rows(
        SHAPING,
        {
            "zeros ones": "shape dtype",
            "zeros_like ones_like": "model dtype opt",
            "identity_like": "x",
            "eye": "n m k dtype",
            "tri": "N M k dtype",
            "tril triu": "m k",
            "alloc": "value * shape",
            "arange": "start stop step dtype",
            "diag": "v k",
            "diagonal": "a offset axis1 axis2",
            "concatenate": "tensor_list axis",
            "join": "axis",
            "stack horizontal_stack vertical_stack": "",
            "stacklists": "arg",
            "split": "x splits_size n_splits axis",
            "reshape": "x newshape ndim",
            "flatten": "x ndim outdim",
            "swapaxes": "y axis1 axis2",
            "shape_padleft shape_padright": "t n_ones",
            "shape_padaxis": "t axis",
            "tile": "x reps ndim",
            "roll": "x shift axis",
            "take": "a indices axis mode",
            "choose": "a choices out mode",
            "permute_row_elements": "x y inverse",
            "inverse_permutation": "perm",
        },
    ),
    **_rows(
        LINALG,
        {
            "dot": "a b",
            "tensordot": "a b axes",
            "batched_dot": "a b",
            "batched_tensordot": "x y axes",
            "outer": "x y",
        },
    ),
}
SORT: dict[str, Row] = _rows(
    REDUCE,
    {
        "sort argsort": "a axis kind order",
        "topk argtopk topk_and_argtopk": "x kth axis sorted idx_dtype",
    },
)
EXTRA_OPS: dict[str, Row] = {
    **_rows(REDUCE, {"cumsum cumprod": "x axis"}),
    **_rows(
        SHAPING,
        {
            "bartlett": "M",
            "repeat": "x repeats axis",
            "diff": "x n axis",
            "searchsorted": "x v side sorter",
            "to_one_hot": "y nb_class dtype",
            "fill_diagonal": "a val",
            "fill_diagonal_offset": "a val offset",
            "unravel_index": "indices dims order ndim",
            "ravel_multi_index": "multi_index dims mode order",
        },
    ),
}
NLINALG: dict[str, Row] = {
    **_rows(
        LINALG,
        {
            "matrix_inverse pinv det eig": "a",
            "matrix_dot": "",
            "trace": "X",
            "eigh": "a UPLO",
            "qr": "a mode",
            "svd": "a full_matrices compute_uv",
            "matrix_power": "M n",
            "tensorinv": "a ind",
            "tensorsolve": "a b axes",
        },
    ),
    **_rows(REDUCE, {"norm": "x ord"}),
    **_rows(SHAPING, {"diag alloc_diag=diag extract_diag=diag": "v k"}),
}
SLINALG: dict[str, Row] = _rows(
    LINALG,
    {
        "cholesky expm": "a",
        "solve solve_symmetric solve_lower_triangular solve_upper_triangular": "a b",
        "eigvalsh": "a b lower",
        "kron": "a b",
    },
)
TOP_ARRAYS: dict[str, Row] = _rows(LINALG, {"dot": "a b"})
FFT: dict[str, Row] = _rows(LINALG, {"rfft": "inp norm", "irfft": "inp norm is_odd"})
NNET_ARRAYS: dict[str, Row] = _rows(
    NNET,
    {
        "softmax softmax_graph softmax_op=softmax logsoftmax": "c",
        "softmax_with_bias": "x b",
        "binary_crossentropy sigmoid_binary_crossentropy": "output target",
        "categorical_crossentropy crossentropy_categorical_1hot": "coding_dist true_dist",
        "crossentropy_softmax_1hot crossentropy_softmax_max_and_argmax_1hot": "x y_idx",
        "crossentropy_softmax_1hot_with_bias crossentropy_softmax_argmax_1hot_with_bias "
        "crossentropy_softmax_max_and_argmax_1hot_with_bias": "x b y_idx",
        "prepend_scalar_to_each_row": "val mat",
        "prepend_0_to_each_row prepend_1_to_each_row": "mat",
        "h_softmax": "x batch_size n_outputs n_classes n_outputs_per_class W1 b1 W2 b2 target",
    },
)
NORMALIZATION: dict[str, Row] = _rows(
    NNET,
    {
        "batch_normalization": "inputs gamma beta mean std mode",
        "batch_normalization_train": "inputs gamma beta axes epsilon running_average_factor "
        "running_mean running_var",
        "batch_normalization_test": "inputs gamma beta mean var axes epsilon",
    },
)
GEOMETRY = "border_mode subsample filter_flip filter_dilation num_groups unshared"
CONV2D: dict[str, Row] = _rows(
    CONV,
    {
        "conv2d": "input filters input_shape filter_shape border_mode subsample filter_flip "
        "image_shape filter_dilation num_groups unshared",
        "conv2d_transpose": "input filters output_shape filter_shape border_mode input_dilation "
        "filter_flip filter_dilation num_groups unshared",
    },
)
ABSTRACT_CONV: dict[str, Row] = _rows(
    CONV,
    {
        "conv3d": "input filters input_shape filter_shape border_mode subsample filter_flip "
        "filter_dilation num_groups",
        "conv2d_grad_wrt_inputs=grad_wrt_inputs conv3d_grad_wrt_inputs=grad_wrt_inputs": (
            f"output_grad filters input_shape filter_shape {GEOMETRY}"
        ),
        "conv2d_grad_wrt_weights=grad_wrt_weights conv3d_grad_wrt_weights=grad_wrt_weights": (
            f"input output_grad filter_shape input_shape {GEOMETRY}"
        ),
        "separable_conv2d": "input depthwise_filters pointwise_filters num_channels input_shape "
        "depthwise_filter_shape pointwise_filter_shape border_mode subsample filter_flip "
        "filter_dilation",
        "causal_conv1d": "input filters filter_shape input_shape subsample filter_flip "
        "filter_dilation num_groups unshared",
        "bilinear_upsampling": "input ratio frac_ratio batch_size num_input_channels use_1D_kernel",
        "bilinear_kernel_1D bilinear_kernel_2D": "ratio normalize",
    },
)
NNET_CONV: dict[str, Row] = _rows(
    CONV, {"conv2d=conv2d_old": "input filters image_shape filter_shape border_mode subsample"}
)
CONV3D2D: dict[str, Row] = _rows(
    CONV, {"conv3d=conv3d2d": "signals filters signals_shape filters_shape border_mode"}
)
SIGNAL_CONV: dict[str, Row] = _rows(
    CONV,
    {"conv2d=signal_conv2d": "input filters image_shape filter_shape border_mode subsample"},
)
POOL: dict[str, Row] = _rows(
    POOLING,
    {
        "pool_2d pool_3d": "input ws ignore_border stride pad mode ds st padding",
        "max_pool_2d": "input ds ignore_border st padding mode",
        "max_pool_2d_same_size": "input patch_size",
    },
)
DNN: dict[str, Row] = {
    **_rows(CONV, {"dnn_conv": "img kerns border_mode subsample conv_mode direction_hint"}),
    **_rows(POOLING, {"dnn_pool": "img ws stride mode pad"}),
}
NEIGHBOURS: dict[str, Row] = _rows(
    POOLING,
    {
        "images2neibs": "ten4 neib_shape neib_step mode",
        "neibs2images": "neibs neib_shape original_shape mode",
    },
)

# ---- variables

VARIABLES: dict[str, Row] = {
    **_rows(
        "compat.theano.basic",
        {
            "add mul": "x y",
            "sub true_div div_proxy=true_div int_div floor_div=int_div mod mod_check=mod pow "
            "power=pow lt le gt ge eq neq and_ bitwise_and=and_ or_ bitwise_or=or_ xor "
            "bitwise_xor=xor": "x y",
            "invert bitwise_not=invert neg abs_ shape": "x",
            "cast": "x dtype",
            "transpose": "x axes",
            "addbroadcast unbroadcast": "x",
            "patternbroadcast": "x broadcastable",
        },
    ),
    **_rows(
        "compat.theano.composed",
        {
            "ravel": "x",
            "specify_shape": "x shape",
            "get_scalar_constant_value extract_constant=get_scalar_constant_value "
            "get_vector_length": "v",
            "default": "x default",
            "mgrid ogrid NotScalarConstantError": "",
            "tensor_copy=copy": "x",
        },
    ),
    **_rows(
        "compat.theano.variable",
        {
            "as_tensor_variable as_tensor=as_tensor_variable": "x name ndim",
            "constant": "x name ndim dtype",
            "TensorVariable Variable=TensorVariable TensorConstant": "",
        },
    ),
    **_rows("compat.theano.shared", {"_shared=shared": "value name"}),
    **_rows(
        SELECTING,
        {
            "nonzero": "a return_matrix",
            "flatnonzero nonzero_values": "a",
            "set_subtensor": "x y inplace tolerate_inplace_aliasing",
            "inc_subtensor": "x y inplace set_instead_of_inc tolerate_inplace_aliasing",
        },
    ),
}
COUNTED: dict[str, Row] = _rows(
    SELECTING,
    {
        "compress": "condition x axis",
        "bincount": "x weights minlength assert_nonneg",
        "unique": "x return_index return_inverse return_counts",
    },
)
CONFUSION: dict[str, Row] = _rows(SELECTING, {"confusion_matrix": "actual pred"})
SQUEEZE: dict[str, Row] = _rows("compat.theano.composed", {"squeeze": "x axis"})
KINDS = "scalar vector row col matrix tensor3 tensor4 tensor5 tensor6 tensor7".split()
PLURALS = [{"matrix": "matrices"}.get(kind, f"{kind}s") for kind in KINDS]
TYPES: dict[str, Row] = {
    **_rows("compat.theano.types", {"TensorType Tensor=TensorType": "dtype broadcastable name"}),
    **_rows(
        "compat.theano.kinds",
        {
            " ".join(KINDS): "name dtype",
            " ".join(f"{prefix}{kind}" for prefix in "bwilfdcz" for kind in KINDS): "name",
            " ".join(f"{prefix}{kind}" for prefix in ["", *"bwilfdcz"] for kind in PLURALS): "",
            "tensor": "dtype broadcastable name",
        },
    ),
}
GRADIENT: dict[str, Row] = {
    **_rows(
        "compat.theano.gradient",
        {
            "grad": "cost wrt consider_constant disconnected_inputs add_names known_grads "
            "return_disconnected null_gradients",
            "jacobian": "expression wrt consider_constant disconnected_inputs",
            "hessian": "cost wrt consider_constant disconnected_inputs",
            "Lop": "f wrt eval_points consider_constant disconnected_inputs",
            "Rop": "f wrt eval_points",
            "disconnected_grad zero_grad=disconnected_grad": "x",
            "consider_constant=disconnected_grad": "x",
            "grad_clip": "x lower_bound upper_bound",
            "grad_scale": "x multiplier",
            "DisconnectedInputError": "",
        },
    ),
    **_rows(
        "compat.theano.checking",
        {"verify_grad": "fun pt n_tests rng eps out_type abs_tol rel_tol mode"},
    ),
}
FUNCTION: dict[str, Row] = {
    **_rows(
        "compat.theano.function",
        {
            "function": "inputs outputs mode updates givens no_default_updates accept_inplace "
            "name rebuild_strict allow_input_downcast profile on_unused_input",
            "In": "variable name value update mutable strict allow_downcast autoname implicit "
            "borrow shared",
            "Out": "variable borrow",
            "Function": "",
            "UnusedInputError": "",
        },
    ),
    "Param": row(
        "compat.theano.function.In",
        "variable default:value name mutable strict allow_downcast implicit borrow",
    ),
    **_rows(
        "compat.theano.shared",
        {
            "shared": "value name strict allow_downcast",
            "SharedVariable TensorSharedVariable=SharedVariable": "",
        },
    ),
    **_rows(ENVIRONMENT, {"Mode": "linker optimizer", "get_default_mode get_mode": ""}),
    **_rows(ENVIRONMENT, {"DebugMode ProfileMode MonitorMode NanGuardMode": ""}),
}
SCAN: dict[str, Row] = {
    **_rows(
        "compat.theano.scan",
        {
            "scan": "fn sequences outputs_info non_sequences n_steps truncate_gradient "
            "go_backwards mode name profile allow_gc strict return_list",
            "map": "fn sequences non_sequences truncate_gradient go_backwards mode name",
            "reduce": "fn sequences outputs_info non_sequences go_backwards mode name",
            "foldl foldr": "fn sequences outputs_info non_sequences mode name",
            "until=Until": "condition",
            "OrderedUpdates": "",
        },
    ),
    **_rows("compat.theano.graph", {"clone": "output replace strict share_inputs"}),
}
TOP_NAMES: dict[str, Row] = {
    **_rows(ENVIRONMENT, {"_asarray=asarray": "a dtype order"}),
    **_rows("compat.theano.config", {"config": ""}),
    **_rows("compat.theano.variable", {"Variable=TensorVariable Apply": ""}),
    **_rows("compat.theano.printing", {"pp=pprint pprint": "obj"}),
}
PRINTING: dict[str, Row] = _rows(
    "compat.theano.printing",
    {
        "debugprint": "obj depth print_type file ids stop_on_name done print_storage "
        "print_clients used_ids",
        "pprint pp=pprint": "obj",
        "pydotprint": "fct outfile compact format",
        "Print": "message attrs global_fn",
        "min_informative_str": "obj",
    },
)
DEVICES: dict[str, Row] = _rows(
    ENVIRONMENT,
    {
        "use": "device",
        "dnn_available cuda_available cuda_enabled": "",
        "gpu_from_host host_from_gpu": "x",
    },
)
SCALAR: dict[str, Row] = _rows("compat.theano.types", {"upcast": ""})
COLLECTIONS: dict[str, Row] = _rows(ENVIRONMENT, {"OrderedDict defaultdict": ""})
VERSIONS: dict[str, Row] = _rows(ENVIRONMENT, {"version full_version=version": ""})
SAFE_ASARRAY: dict[str, Row] = _rows(ENVIRONMENT, {"_asarray=asarray": "a dtype order"})
CONFIG: dict[str, Row] = _rows("compat.theano.config", {"config": ""})
IFELSE: dict[str, Row] = _rows(
    "compat.theano.composed", {"ifelse": "condition then_branch else_branch name"}
)
ASSERT: dict[str, Row] = _rows("compat.theano.composed", {"Assert assert_op=Assert": "msg"})
RANDOM_STREAMS: dict[str, Row] = _rows("compat.theano.random", {"RandomStreams": "seed"})
MRG: dict[str, Row] = _rows("compat.theano.random", {"MRG_RandomStreams": "seed use_cuda"})


# family: its rows, and the rule by which they apply to variables
_FAMILIES: dict[str, tuple[dict[str, Row], str]] = {
    "floats": (FLOATS, "floats"),
    "sigmoids": (SIGMOIDS, "floats"),
    "xlogx": (XLOGX, "floats"),
    "numbers": (NUMBERS, "numbers"),
    "rectifiers": (RECTIFIERS, "numbers"),
    "tests": (TESTS, "tests"),
    "choices": (CHOICES, "choices"),
    "arrays": (ARRAYS, "arrays"),
    "top_arrays": (TOP_ARRAYS, "arrays"),
    "sort": (SORT, "arrays"),
    "extra_ops": (EXTRA_OPS, "arrays"),
    "nlinalg": (NLINALG, "arrays"),
    "slinalg": (SLINALG, "arrays"),
    "fft": (FFT, "arrays"),
    "nnet_arrays": (NNET_ARRAYS, "arrays"),
    "normalization": (NORMALIZATION, "arrays"),
    "conv2d": (CONV2D, "arrays"),
    "abstract_conv": (ABSTRACT_CONV, "arrays"),
    "nnet_conv": (NNET_CONV, "arrays"),
    "conv3d2d": (CONV3D2D, "arrays"),
    "signal_conv": (SIGNAL_CONV, "arrays"),
    "pool": (POOL, "arrays"),
    "dnn": (DNN, "arrays"),
    "neighbours": (NEIGHBOURS, "arrays"),
    "variables": (VARIABLES, "variables"),
    "counted": (COUNTED, "variables"),
    "confusion": (CONFUSION, "variables"),
    "squeeze": (SQUEEZE, "variables"),
    "types": (TYPES, "variables"),
    "gradient": (GRADIENT, "variables"),
    "function": (FUNCTION, "variables"),
    "scan": (SCAN, "variables"),
    "top_names": (TOP_NAMES, "variables"),
    "printing": (PRINTING, "variables"),
    "devices": (DEVICES, "variables"),
    "scalar": (SCALAR, "variables"),
    "collections": (COLLECTIONS, "variables"),
    "versions": (VERSIONS, "variables"),
    "safe_asarray": (SAFE_ASARRAY, "variables"),
    "config": (CONFIG, "variables"),
    "ifelse": (IFELSE, "variables"),
    "assert": (ASSERT, "variables"),
    "random_streams": (RANDOM_STREAMS, "variables"),
    "mrg": (MRG, "variables"),
}
FAMILIES: dict[str, dict[str, Row]] = {name: rows for name, (rows, _) in _FAMILIES.items()}
RULES: dict[str, str] = {name: rule for name, (_, rule) in _FAMILIES.items()}
METHODS: dict[str, Row] = {}

# Functions that are also methods of variables, by family; `method=function` if they differ.
OF_VARIABLES = {
    "floats": "arccos arccosh arcsin arcsinh arctan arctanh cos cosh deg2rad exp exp2 expm1 log "
    "log10 log1p log2 rad2deg sin sinh sqrt tan tanh",
    "numbers": "ceil floor trunc clip",
    "arrays": "all any argmax argmin choose conj diagonal dot fill flatten max mean min ones_like "
    "prod ptp reshape round std sum swapaxes take var zeros_like",
    "sort": "sort argsort",
    "extra_ops": "cumprod cumsum repeat searchsorted",
    "nlinalg": "trace",
    "counted": "compress",
    "squeeze": "squeeze",
    "variables": "copy=tensor_copy get_scalar_constant_value nonzero nonzero_values ravel",
}
PROPERTIES = {"arrays": "real imag"}

ELEMENTS = "floats numbers choices tests variables types"
TENSOR = f"{ELEMENTS} arrays gradient sort extra_ops counted squeeze"
NNET_NAMES = "nnet_arrays confusion sigmoids rectifiers conv2d abstract_conv"
SCANS = "scan function"

# Import paths, and the families of names in each.
MODULES: dict[str, str] = {
    "theano": "function scan gradient top_names top_arrays printing variables",
    "theano.compat": "collections",
    "theano.compat.python2x": "collections",
    "theano.compile": "function",
    "theano.compile.debugmode": "function",
    "theano.compile.function": "function",
    "theano.compile.io": "function",
    "theano.compile.mode": "function",
    "theano.compile.monitormode": "function",
    "theano.compile.nanguardmode": "function",
    "theano.compile.pfunc": "function",
    "theano.compile.profilemode": "function",
    "theano.compile.sharedvalue": "function",
    "theano.configdefaults": "config",
    "theano.configparser": "config",
    "theano.gof": "top_names",
    "theano.gof.graph": "top_names",
    "theano.gpuarray": "devices",
    "theano.gpuarray.basic_ops": "devices",
    "theano.gpuarray.dnn": "dnn devices",
    "theano.gradient": "gradient",
    "theano.ifelse": "ifelse",
    "theano.misc": "",
    "theano.misc.safe_asarray": "safe_asarray",
    "theano.printing": "printing",
    "theano.raise_op": "assert",
    "theano.sandbox": "",
    "theano.sandbox.cuda": "devices",
    "theano.sandbox.cuda.basic_ops": "devices",
    "theano.sandbox.cuda.dnn": "dnn devices",
    "theano.sandbox.cuda.rng_curand": "random_streams",
    "theano.sandbox.cuda.var": "function",
    "theano.sandbox.gpuarray": "devices",
    "theano.sandbox.linalg": "nlinalg slinalg",
    "theano.sandbox.linalg.ops": "nlinalg slinalg",
    "theano.sandbox.neighbours": "neighbours",
    "theano.sandbox.rng_mrg": "mrg",
    "theano.sandbox.softsign": "sigmoids",
    "theano.scalar": "scalar",
    "theano.scalar.basic": "scalar",
    "theano.scan_module": SCANS,
    "theano.scan_module.scan": SCANS,
    "theano.scan_module.scan_utils": SCANS,
    "theano.scan_module.scan_views": SCANS,
    "theano.tensor": TENSOR,
    "theano.tensor.basic": TENSOR,
    "theano.tensor.elemwise": ELEMENTS,
    "theano.tensor.extra_ops": "extra_ops counted squeeze",
    "theano.tensor.fft": "fft",
    "theano.tensor.nlinalg": "nlinalg",
    "theano.tensor.nnet": f"{NNET_NAMES} normalization",
    "theano.tensor.nnet.abstract_conv": "abstract_conv conv2d",
    "theano.tensor.nnet.bn": "normalization",
    "theano.tensor.nnet.conv": "nnet_conv",
    "theano.tensor.nnet.conv3d2d": "conv3d2d",
    "theano.tensor.nnet.Conv3D": "abstract_conv",
    "theano.tensor.nnet.neighbours": "neighbours",
    "theano.tensor.nnet.nnet": NNET_NAMES,
    "theano.tensor.nnet.sigm": "sigmoids",
    "theano.tensor.opt": "assert",
    "theano.tensor.raw_random": "random_streams",
    "theano.tensor.shared_randomstreams": "random_streams",
    "theano.tensor.sharedvar": "function",
    "theano.tensor.signal": "",
    "theano.tensor.signal.conv": "signal_conv",
    "theano.tensor.signal.downsample": "pool",
    "theano.tensor.signal.pool": "pool",
    "theano.tensor.slinalg": "slinalg",
    "theano.tensor.sort": "sort",
    "theano.tensor.subtensor": "variables",
    "theano.tensor.type": "types",
    "theano.tensor.var": "variables",
    "theano.tensor.xlogx": "xlogx",
    "theano.updates": "scan",
    "theano.version": "versions",
}
