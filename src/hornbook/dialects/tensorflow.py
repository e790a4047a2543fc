"""TensorFlow 2 around tf.keras: its names, and what they are today. `tf.keras` is hornbook itself.

Tensors are JAX's arrays; elements of data sets are numpy arrays with the methods of tensors. The
rows of functions of arrays are in `tensorflow_math.py`, those of files and data in
`tensorflow_files.py`.
"""

from hornbook.dialects.row import Row, row
from hornbook.dialects.tensorflow_files import (
    DATA,
    DATA_EXPERIMENTAL,
    IMAGE,
    IO,
    LOOKUP,
    RAGGED,
    SPARSE,
    STRINGS,
    SUMMARY,
    TRAIN,
)
from hornbook.dialects.tensorflow_math import (
    ARRAYS,
    DTYPES,
    LINALG,
    MATH,
    NN,
    OURS,
    RANDOM,
    same,
)
from hornbook.dialects.tensorflow_numpy import NUMPY

TITLE = "tf.keras"
VERSION = "2.16.1"

DEBUGGING = same(
    "assert_all_finite assert_equal assert_greater assert_greater_equal assert_less "
    "assert_less_equal assert_near assert_negative assert_non_negative assert_non_positive "
    "assert_none_equal assert_positive assert_rank assert_rank_at_least assert_shapes assert_type "
    "check_numerics disable_check_numerics enable_check_numerics set_log_device_placement",
    f"{OURS}.debugging",
) | {"Assert": row(f"{OURS}.debugging.assert_true")}
TF: dict[str, Row] = {
    **DTYPES,
    **ARRAYS,
    **{name: row(name) for name in "initializers losses metrics optimizers".split()},
    **{
        f"{name}_initializer": row(f"initializers.{kind}")
        for name, kind in {
            "constant": "Constant",
            "ones": "Ones",
            "random_normal": "RandomNormal",
            "random_uniform": "RandomUniform",
            "zeros": "Zeros",
        }.items()
    },
    **{
        name: DEBUGGING[name]
        for name in "Assert assert_equal assert_greater assert_less assert_rank".split()
    },
    "Tensor": row(f"{OURS}.tensors.AnyTensor"),
    "TensorShape": row("compat.attributes.Shape"),
    "TensorSpec": row("data.TensorSpec"),
    **same("IndexedSlices Module Variable", f"{OURS}.variables"),
    **same(
        "constant convert_to_tensor executing_eagerly newaxis numpy_function py_function",
        f"{OURS}.values",
    ),
    "function": row(f"{OURS}.function.function"),
    **same("GradientTape UnconnectedGradients custom_gradient stop_gradient", f"{OURS}.tape"),
    "as_string": STRINGS["as_string"],
    "RaggedTensor": RAGGED["RaggedTensor"],
    **same("RaggedTensorSpec SparseTensorSpec", f"{OURS}.specs"),
    "SparseTensor": SPARSE["SparseTensor"],
}
GPUS = ("cuda", "gpu_support", "rocm")
DEVICES = same(
    "LogicalDeviceConfiguration list_logical_devices list_physical_devices", f"{OURS}.devices"
) | {
    name: row(f"{OURS}.devices.nothing")
    for name in (
        "enable_op_determinism set_logical_device_configuration set_memory_growth "
        "set_soft_device_placement set_virtual_device_configuration set_visible_devices"
    ).split()
}
FAMILIES: dict[str, dict[str, Row]] = {
    "tf": TF,
    "dtypes": DTYPES | {"cast": TF["cast"]},
    "math": MATH,
    "nn": NN,
    "image": IMAGE,
    "strings": STRINGS,
    "io": IO,
    "data": DATA,
    "data.experimental": DATA_EXPERIMENTAL,
    "random": RANDOM,
    "random.experimental": {"Generator": RANDOM["Generator"]},
    "linalg": LINALG,
    "config": DEVICES | same("run_functions_eagerly", f"{OURS}.function"),
    "config.experimental": DEVICES,
    "config.threading": {
        f"set_{kind}_op_parallelism_threads": row(f"{OURS}.devices.nothing")
        for kind in ("inter", "intra")
    },
    "test": same("gpu_device_name is_gpu_available", f"{OURS}.devices")
    | {f"is_built_with_{kind}": row(f"{OURS}.devices.is_gpu_available") for kind in GPUS},
    "debugging": DEBUGGING,
    "sparse": SPARSE,
    "sets": {
        name: row(f"{OURS}.sparse.set_{name}")
        for name in "difference intersection size union".split()
    },
    "signal": same(
        "fft frame hamming_window hann_window ifft irfft irfft2d rfft rfft2d stft",
        f"{OURS}.signal",
    ),
    "audio": same("decode_wav", f"{OURS}.signal"),
    "autograph": {
        "set_verbosity": row(f"{OURS}.devices.nothing"),
        "to_code": row(f"{OURS}.concrete.to_code"),
    },
    "queue": same("FIFOQueue", f"{OURS}.queues"),
    "autograph.experimental": {"do_not_convert": row(f"{OURS}.function.do_not_convert")},
    "experimental": {},
    "experimental.numpy": NUMPY,
    "ragged": RAGGED,
    "lookup": LOOKUP,
    "feature_column": same(
        "bucketized_column categorical_column_with_hash_bucket categorical_column_with_identity "
        "categorical_column_with_vocabulary_file categorical_column_with_vocabulary_list "
        "crossed_column embedding_column indicator_column make_parse_example_spec numeric_column",
        f"{OURS}.feature_columns",
    ),
    "lookup.experimental": same("MutableHashTable", f"{OURS}.lookup"),
    "summary": SUMMARY,
    "train": TRAIN,
    "distribute": same(
        "InputContext MirroredStrategy MultiWorkerMirroredStrategy OneDeviceStrategy ReduceOp "
        "Strategy TPUStrategy get_strategy has_strategy",
        f"{OURS}.distribute",
    )
    | {
        name: row(f"{OURS}.devices.nothing")
        for name in "HierarchicalCopyAllReduce NcclAllReduce ReductionToOneDevice".split()
    },
    "distribute.cluster_resolver": same(
        "TFConfigClusterResolver TPUClusterResolver", f"{OURS}.distribute"
    ),
    "distribute.experimental": {
        name: row(f"{OURS}.distribute.{name}")
        for name in ("MultiWorkerMirroredStrategy", "TPUStrategy")
    }
    | {"CentralStorageStrategy": row(f"{OURS}.distribute.MirroredStrategy")},
    "version": {"VERSION": row("dialects.tensorflow.VERSION")},
    "saved_model": same("LoadOptions SaveOptions load save", f"{OURS}.saved"),
    "errors": same(
        "DataLossError InvalidArgumentError NotFoundError OpError OutOfRangeError "
        "ResourceExhaustedError",
        f"{OURS}.debugging",
    ),
}
VALUES: dict[str, dict] = {}
MODULES = {
    "tensorflow": "tf",
    **{f"tensorflow.{family}": family for family in FAMILIES if family != "tf"},
    "tensorflow.keras": "",
}
ALSO = ("tensorflow.compat",)  # modules that others provide
TOP: dict[str, str] = {}
LEAKS = ""
METHODS: dict[str, Row] = {}
