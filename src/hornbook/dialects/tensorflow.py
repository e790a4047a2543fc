"""TensorFlow 2 around tf.keras: its names, and what they are today. `tf.keras` is hornbook itself.

Tensors are JAX's arrays; elements of data sets are numpy arrays with the methods of tensors.
"""

from hornbook.dialects.row import Row, row

TITLE = "tf.keras"
VERSION = "2.16.1"
OURS = "compat.tensorflow"


def _same(names: str, place: str, arguments: str = "") -> dict[str, Row]:
    """Names that are the same in a module of today."""
    return {name: row(f"{place}.{name}", arguments) for name in names.split()}


DTYPES = _same(
    "bool bfloat16 float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 "
    "complex64 complex128 string",
    f"{OURS}.dtypes",
)
REDUCED = "input_tensor:x axis keepdims name:"
REDUCTIONS = {
    f"reduce_{name}": row(f"ops.{name}", REDUCED)
    for name in "all any max mean min prod std sum".split()
} | {"reduce_variance": row("ops.var", REDUCED), "reduce_logsumexp": row("ops.logsumexp", REDUCED)}
UNARY = _same(
    "abs ceil cos exp floor negative round sign sin sqrt square tan tanh", "ops", "x name:"
)
UNARY["sigmoid"] = row("ops.sigmoid", "x name:")
BINARY = {
    name: row(f"ops.{name}", "x:x1 y:x2 name:")
    for name in (
        "add divide equal greater greater_equal less less_equal logical_and logical_or maximum "
        "minimum multiply not_equal subtract"
    ).split()
} | {"pow": row("ops.power", "x:x1 y:x2 name:")}
MATH = {
    **REDUCTIONS,
    **UNARY,
    **BINARY,
    **_same("erf expm1 log log1p reciprocal rsqrt softplus", "ops", "x name:"),
    "argmax": row("ops.argmax", "input:x axis name:", {"axis": 0}),
    "argmin": row("ops.argmin", "input:x axis name:", {"axis": 0}),
    "cumsum": row("ops.cumsum", "x axis", {"axis": 0}),
    "logical_not": row("ops.logical_not", "x name:"),
    "top_k": row("ops.top_k", "input:x k sorted name:"),
}
TF: dict[str, Row] = {
    **DTYPES,
    **{name: row(name) for name in "initializers losses metrics optimizers".split()},
    **{name: one for name, one in MATH.items() if name not in ("top_k", "log", "log1p", "erf")},
    "Tensor": row("KerasTensor"),
    "TensorShape": row("compat.attributes.Shape"),
    "TensorSpec": row("data.TensorSpec"),
    "Variable": row("Variable"),
    **_same(
        "constant convert_to_tensor executing_eagerly function newaxis numpy_function py_function "
        "shape",
        f"{OURS}.values",
    ),
    **_same("GradientTape UnconnectedGradients custom_gradient stop_gradient", f"{OURS}.tape"),
    "cast": row("ops.cast", "x dtype name:"),
    "clip_by_value": row("ops.clip", "t:x clip_value_min:x_min clip_value_max:x_max name:"),
    "concat": row("ops.concatenate", "values:xs axis name:"),
    "expand_dims": row(f"{OURS}.values.expand_dims"),
    "eye": row("ops.eye", "num_rows:N num_columns:M batch_shape: dtype name:"),
    "fill": row("ops.full", "dims:shape value:fill_value name:"),
    "gather": row("ops.take", "params:x indices:indices validate_indices: axis", {"axis": 0}),
    "linspace": row("ops.linspace", "start stop num name: axis"),
    "matmul": row("ops.matmul", "a:x1 b:x2"),
    "one_hot": row("ops.one_hot", "indices:x depth:num_classes * axis dtype", {"dtype": "float32"}),
    "ones": row("ops.ones", "shape dtype name:"),
    "ones_like": row("ops.ones_like", "input:x dtype name:"),
    "range": row(f"{OURS}.values.arange"),
    "reshape": row(f"{OURS}.values.reshape"),
    "squeeze": row(f"{OURS}.values.squeeze"),
    "stack": row("ops.stack", "values:x axis name:"),
    "tile": row("ops.tile", "input:x multiples:repeats name:"),
    "transpose": row("ops.transpose", "a:x perm:axes conjugate: name:"),
    "unstack": row("ops.unstack", "value:x num axis name:"),
    "where": row("ops.where", "condition x:x1 y:x2 name:"),
    "zeros": row("ops.zeros", "shape dtype name:"),
    "zeros_like": row("ops.zeros_like", "input:x dtype name:"),
}
NN: dict[str, Row] = {
    **_same("elu gelu relu relu6 selu silu softplus softsign tanh", "ops", "features:x name:"),
    "sigmoid": row("ops.sigmoid", "x name:"),
    "softmax": row("ops.softmax", "logits:x axis name:"),
    "log_softmax": row("ops.log_softmax", "logits:x axis name:"),
    "leaky_relu": row("ops.leaky_relu", "features:x alpha:negative_slope name:"),
}
IMAGE: dict[str, Row] = {
    **_same(
        "convert_image_dtype decode_image flip_left_right flip_up_down random_brightness "
        "random_flip_left_right resize resize_with_crop_or_pad rot90",
        f"{OURS}.images",
    ),
    **{f"decode_{kind}": row(f"{OURS}.images.decode_image") for kind in "bmp gif jpeg png".split()},
    "grayscale_to_rgb": row(f"{OURS}.images.grayscale_to_rgb", "images name:"),
    "rgb_to_grayscale": row("ops.image.rgb_to_grayscale", "images name:"),
}
STRINGS = _same("join length lower regex_replace split strip substr upper", f"{OURS}.strings")
DATA: dict[str, Row] = {
    "AUTOTUNE": row("data.AUTOTUNE"),
    "Dataset": row(f"{OURS}.datasets.Dataset"),
    "INFINITE_CARDINALITY": row("data.INFINITE_CARDINALITY"),
    "TextLineDataset": row(f"{OURS}.datasets.TextLineDataset"),
    "UNKNOWN_CARDINALITY": row("data.UNKNOWN_CARDINALITY"),
}
IO: dict[str, Row] = {
    "read_file": row(f"{OURS}.images.read_file"),
    "decode_csv": row(f"{OURS}.strings.decode_csv"),
    **{name: one for name, one in IMAGE.items() if name.startswith("decode_")},
}
FAMILIES: dict[str, dict[str, Row]] = {
    "tf": TF,
    "math": MATH,
    "nn": NN,
    "image": IMAGE,
    "strings": STRINGS,
    "io": IO,
    "data": DATA,
    "data.experimental": {"AUTOTUNE": DATA["AUTOTUNE"]} | _same("cardinality", f"{OURS}.datasets"),
    "random": {
        "normal": row("random.normal", "shape mean stddev dtype seed name:"),
        "set_seed": row("utils.set_random_seed", "seed"),
        "shuffle": row("random.shuffle", "value:x seed name:"),
        "truncated_normal": row("random.truncated_normal", "shape mean stddev dtype seed name:"),
        "uniform": row(f"{OURS}.values.uniform"),
    },
    "linalg": {"matmul": TF["matmul"], "norm": row("ops.norm", "tensor:x ord axis keepdims name:")},
    "config": _same("list_physical_devices", f"{OURS}.values"),
    "config.experimental": _same("list_physical_devices set_memory_growth", f"{OURS}.values"),
    "test": _same("is_gpu_available", f"{OURS}.values"),
    "debugging": {},
    "saved_model": _same("load save", f"{OURS}.saved"),
}
VALUES: dict[str, dict] = {}
MODULES = {
    "tensorflow": "tf",
    **{f"tensorflow.{family}": family for family in FAMILIES if family != "tf"},
    "tensorflow.keras": "",
}
TOP: dict[str, str] = {}
LEAKS = ""
METHODS: dict[str, Row] = {}
