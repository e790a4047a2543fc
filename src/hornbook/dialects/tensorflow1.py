"""TensorFlow 1: graphs, sessions, and functions of tensors with its names and arguments.

A row that names a function of arrays becomes a function of tensors; one of `compat.tensorflow1` is
such a function already.
"""

from hornbook.dialects import tensorflow as today
from hornbook.dialects.row import Row, row
from hornbook.dialects.tensorflow_math import ARRAYS, DTYPES, LINALG, MATH, NN, same

TITLE = "TensorFlow 1"
VERSION = "1.15.0"
OURS = "compat.tensorflow1"
TEXT = (
    "as_string regex_replace reduce_join string_join string_to_hash_bucket_fast string_to_number "
    "substr matching_files"
).split()
ON_HOST = (*TEXT, "boolean_mask", "unique", "unique_with_counts", "dynamic_partition", "setdiff1d")

REDUCED = "input_tensor:x axis keepdims name: reduction_indices:axis keep_dims:keepdims"
REDUCTIONS: dict[str, Row] = {
    name: one._replace(positions=row("", REDUCED).positions)
    for name, one in MATH.items()
    if name.startswith("reduce_") and one.new.startswith("ops.")
}
ARG: dict[str, Row] = {
    name: row(f"ops.{name}", "input:x axis name: dimension:axis output_type:", {"axis": 0})
    for name in ("argmax", "argmin")
}
OLD_MATH: dict[str, Row] = {
    "mul": MATH["multiply"],
    "sub": MATH["subtract"],
    "neg": MATH["negative"],
    "arg_max": ARG["argmax"],
    "arg_min": ARG["argmin"],
    "floor_div": MATH["floordiv"],
    "count_nonzero": row(
        "compat.tensorflow.math.count_nonzero",
        "input_tensor:input axis keepdims dtype name: reduction_indices:axis keep_dims:keepdims",
    ),
    "mod": MATH["floormod"],
    "truncatediv": row(f"{OURS}.functions.div"),
    **{
        name: MATH[name]
        for name in (
            "ceil floor is_finite is_inf is_nan lgamma digamma erf erfc expm1 log log1p "
            "log_sigmoid logical_xor reciprocal rint rsqrt top_k real imag "
            "conj segment_sum segment_mean segment_max unsorted_segment_sum invert_permutation "
            "bincount cumprod floordiv floormod polyval confusion_matrix accumulate_n "
            "squared_difference"
        ).split()
    },
    **{
        name: LINALG[name]
        for name in "cholesky cross diag diag_part einsum eye svd qr trace tensordot".split()
    },
    "matrix_band_part": LINALG["band_part"],
    "matrix_inverse": LINALG["inv"],
    "matrix_determinant": LINALG["det"],
    "matrix_diag": LINALG["diag"],
    "matrix_diag_part": LINALG["diag_part"],
    "matrix_solve": LINALG["solve"],
    "matrix_transpose": LINALG["matrix_transpose"],
    "matrix_set_diag": LINALG["set_diag"],
    "self_adjoint_eig": LINALG["eigh"],
    "global_norm": row("compat.tensorflow.math.global_norm"),
}
INITIALIZERS: dict[str, Row] = {
    "constant": row(f"{OURS}.initializers.Const"),
    "zeros": row(f"{OURS}.initializers.Zeros"),
    "ones": row(f"{OURS}.initializers.Ones"),
    "random_normal": row(f"{OURS}.initializers.RandomNormal"),
    "random_uniform": row(f"{OURS}.initializers.RandomUniform"),
    "truncated_normal": row(f"{OURS}.initializers.TruncatedNormal"),
    "variance_scaling": row(f"{OURS}.initializers.VarianceScaling"),
    "uniform_unit_scaling": row(f"{OURS}.initializers.UniformUnitScaling"),
    "orthogonal": row(f"{OURS}.initializers.Orthogonal"),
    "identity": row(f"{OURS}.initializers.Identity"),
    **same(
        "glorot_uniform glorot_normal he_normal he_uniform lecun_normal lecun_uniform",
        f"{OURS}.initializers",
    ),
}
TRAINED: dict[str, Row] = {
    **same(
        "AdadeltaOptimizer AdagradOptimizer AdamOptimizer FtrlOptimizer GradientDescentOptimizer "
        "MomentumOptimizer Optimizer RMSPropOptimizer",
        f"{OURS}.optimizers",
    ),
    **same(
        "ExponentialMovingAverage cosine_decay create_global_step exponential_decay "
        "get_global_step get_or_create_global_step global_step inverse_time_decay "
        "natural_exp_decay piecewise_constant polynomial_decay",
        f"{OURS}.schedules",
    ),
}
RANDOM: dict[str, Row] = {
    "uniform": row(f"{OURS}.randoms.random_uniform"),
    "normal": row(f"{OURS}.randoms.random_normal"),
    "truncated_normal": row(f"{OURS}.randoms.truncated_normal"),
    "shuffle": row(f"{OURS}.randoms.random_shuffle"),
    "categorical": row(f"{OURS}.randoms.multinomial"),
    "multinomial": row(f"{OURS}.randoms.multinomial"),
    "gamma": row(f"{OURS}.randoms.random_gamma"),
    "poisson": row(f"{OURS}.randoms.random_poisson"),
    "set_random_seed": row(f"{OURS}.randoms.set_random_seed"),
}
GRAPHS: dict[str, Row] = {
    **same("Graph Operation Tensor get_default_graph reset_default_graph", f"{OURS}.graph"),
    **same("GraphDef NodeDef", f"{OURS}.graph_def"),
    **same("InteractiveSession Session get_default_session", f"{OURS}.session"),
    **same(
        "GraphKeys Variable add_to_collection add_to_collections all_variables "
        "assign assign_add assign_sub get_collection get_collection_ref "
        "global_variables global_variables_initializer group "
        "initialize_all_variables initialize_local_variables initialize_variables "
        "is_variable_initialized local_variables local_variables_initializer model_variables "
        "moving_average_variables no_op report_uninitialized_variables "
        "scatter_add scatter_div scatter_max scatter_min scatter_mul scatter_sub scatter_update "
        "trainable_variables variables_initializer ",
        f"{OURS}.variables",
    ),
    **same(
        "AUTO_REUSE VariableScope get_variable get_variable_scope name_scope op_scope "
        "variable_scope",
        f"{OURS}.scopes",
    ),
    **same("gradients hessians stop_gradient", f"{OURS}.gradients"),
    **same("cast constant", f"{OURS}.applying"),
    "convert_to_tensor": row(f"{OURS}.applying.convert"),
    **same("Dimension TensorShape", f"{OURS}.shapes"),
    **same(
        "multinomial random_crop random_gamma random_normal random_poisson random_shuffle "
        "random_uniform set_random_seed truncated_normal",
        f"{OURS}.randoms",
    ),
    **same(
        "Print add_check_numerics_ops concat control_dependencies device div expand_dims fill "
        "identity identity_n is_tensor make_template matmul one_hot ones ones_like placeholder "
        "placeholder_with_default rank shape size sparse_placeholder split squeeze stack to_double "
        "to_float to_int32 to_int64 transpose unstack zeros zeros_like",
        f"{OURS}.functions",
    ),
    "batch_matmul": row(f"{OURS}.functions.matmul"),
    "pack": row(f"{OURS}.functions.stack"),
    "range": row(f"{OURS}.functions.range_"),
    "tuple": row(f"{OURS}.functions.tuple_"),
    "unpack": row(f"{OURS}.functions.unstack"),
}
TF: dict[str, Row] = {
    **DTYPES,
    **ARRAYS,
    **REDUCTIONS,
    **ARG,
    **OLD_MATH,
    **GRAPHS,
    **{
        f"{name}_initializer": INITIALIZERS[name]
        for name in (
            "constant glorot_normal glorot_uniform ones orthogonal random_normal random_uniform "
            "truncated_normal uniform_unit_scaling variance_scaling zeros"
        ).split()
    },
    "newaxis": row("compat.tensorflow.values.newaxis"),
    "disable_eager_execution": row("compat.tensorflow.devices.nothing"),
    "disable_v2_behavior": row("compat.tensorflow.devices.nothing"),
    "disable_v2_tensorshape": row("compat.tensorflow.devices.nothing"),
    "disable_resource_variables": row("compat.tensorflow.devices.nothing"),
    "disable_control_flow_v2": row("compat.tensorflow.devices.nothing"),
    "ConfigProto": row("compat.lost.sessions.Options"),
    "GPUOptions": row("compat.lost.sessions.Options"),
    "OptimizerOptions": row("compat.lost.sessions.Options"),
    "RunMetadata": row("compat.lost.sessions.Options"),
    "RunOptions": row("compat.lost.sessions.Options"),
}
CELLS: dict[str, Row] = same(
    "BasicLSTMCell BasicRNNCell DeviceWrapper DropoutWrapper GRUCell LSTMCell LSTMStateTuple "
    "MultiRNNCell RNNCell ResidualWrapper",
    f"{OURS}.cells",
)
OLD_NN: dict[str, Row] = {
    **NN,
    **same(
        "atrous_conv2d avg_pool avg_pool2d avg_pool3d batch_normalization conv1d conv2d "
        "conv2d_transpose conv3d depthwise_conv2d dropout embedding_lookup fused_batch_norm "
        "in_top_k l2_loss l2_normalize learned_unigram_candidate_sampler log_softmax "
        "log_uniform_candidate_sampler max_pool max_pool2d max_pool3d moments nce_loss relu_layer "
        "sampled_softmax_loss separable_conv2d sigmoid_cross_entropy_with_logits softmax "
        "softmax_cross_entropy_with_logits softmax_cross_entropy_with_logits_v2 "
        "sparse_softmax_cross_entropy_with_logits uniform_candidate_sampler "
        "weighted_cross_entropy_with_logits xw_plus_b zero_fraction",
        f"{OURS}.nn",
    ),
    **same(
        "bidirectional_dynamic_rnn dynamic_rnn static_bidirectional_rnn static_rnn", f"{OURS}.rnn"
    ),
    "rnn": row(f"{OURS}.rnn.static_rnn"),
    "depthwise_conv2d_native": row(f"{OURS}.nn.depthwise_conv2d"),
}
LAYERS: dict[str, Row] = {
    **same(
        "Conv1D Conv2D Conv2DTranspose Conv3D Conv3DTranspose Dense Layer SeparableConv1D "
        "SeparableConv2D conv1d conv2d conv2d_transpose conv3d conv3d_transpose dense "
        "separable_conv1d separable_conv2d",
        f"{OURS}.layers",
    ),
    **same(
        "AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Dropout Flatten "
        "MaxPooling1D MaxPooling2D MaxPooling3D average_pooling1d average_pooling2d "
        "average_pooling3d batch_normalization dropout flatten max_pooling1d max_pooling2d "
        "max_pooling3d",
        f"{OURS}.layers_more",
    ),
}
LOSSES: dict[str, Row] = same(
    "Reduction absolute_difference add_loss compute_weighted_loss cosine_distance "
    "get_losses get_regularization_loss get_regularization_losses get_total_loss hinge_loss "
    "huber_loss log_loss mean_squared_error sigmoid_cross_entropy softmax_cross_entropy "
    "sparse_softmax_cross_entropy",
    f"{OURS}.losses",
)
SUMMARY: dict[str, Row] = same(
    "FileWriter Summary histogram image merge merge_all scalar text", f"{OURS}.summaries"
)
FLAGS: dict[str, Row] = same(
    "DEFINE_bool DEFINE_boolean DEFINE_enum DEFINE_float DEFINE_integer DEFINE_string FLAGS",
    f"{OURS}.flags",
)
TRAINED |= {
    **same("Saver checkpoint_exists import_meta_graph", f"{OURS}.saver"),
    **same(
        "get_checkpoint_state latest_checkpoint list_variables load_checkpoint load_variable",
        "compat.tensorflow.checkpoints",
    ),
    **{
        name: today.FAMILIES["train"][name]
        for name in today.FAMILIES["train"]
        if name in ("Example Features Feature BytesList FloatList Int64List Checkpoint".split())
    },
    "NewCheckpointReader": row("compat.tensorflow.checkpoints.load_checkpoint"),
    "SummaryWriter": row(f"{OURS}.summaries.FileWriter"),
    "piecewise_constant_decay": row(f"{OURS}.schedules.piecewise_constant"),
}
CONTRIB_LAYERS: dict[str, Row] = {
    **same(
        "apply_regularization l1_l2_regularizer l1_regularizer l2_regularizer", f"{OURS}.losses"
    ),
    "xavier_initializer": row(f"{OURS}.initializers.xavier_initializer"),
    "xavier_initializer_conv2d": row(f"{OURS}.initializers.xavier_initializer"),
    "variance_scaling_initializer": row(f"{OURS}.initializers.contrib_variance_scaling"),
    **same(
        "avg_pool2d batch_norm conv2d conv2d_transpose convolution2d convolution2d_transpose "
        "dropout embed_sequence flatten fully_connected layer_norm linear max_pool2d "
        "one_hot_encoding optimize_loss relu stack",
        f"{OURS}.contrib",
    ),
}
CONTRIB_RNN: dict[str, Row] = {
    **CELLS,
    **same("EmbeddingWrapper InputProjectionWrapper OutputProjectionWrapper", f"{OURS}.cells"),
    **same("static_bidirectional_rnn static_rnn", f"{OURS}.rnn"),
}
READERS: dict[str, Row] = same(
    "FixedLengthRecordReader ReaderBase TFRecordReader TextLineReader WholeFileReader",
    f"{OURS}.inputs",
)
PARSING: dict[str, Row] = {
    **same("decode_csv decode_raw parse_example parse_single_example read_file", f"{OURS}.parsing"),
    **{
        name: today.FAMILIES["io"][name]
        for name in "FixedLenFeature FixedLenSequenceFeature VarLenFeature matching_files".split()
    },
}
TRAINED |= same(
    "Coordinator QueueRunner add_queue_runner batch range_input_producer shuffle_batch "
    "slice_input_producer start_queue_runners string_input_producer",
    f"{OURS}.inputs",
) | same("ClusterSpec Server replica_device_setter", f"{OURS}.distributed")
PATCHES = row(
    "compat.tensorflow.images.extract_patches",
    "images sizes strides rates padding name: ksizes:sizes",
)
PICTURES: dict[str, Row] = {
    **same(
        "resize_area resize_bicubic resize_bilinear resize_images resize_nearest_neighbor",
        f"{OURS}.pictures",
    ),
    "extract_image_patches": PATCHES,
    "resize_image_with_crop_or_pad": today.FAMILIES["image"]["resize_with_crop_or_pad"],
    "transpose_image": today.FAMILIES["image"]["transpose"],
}
MNIST: dict[str, Row] = same("read_data_sets load_mnist DataSet", f"{OURS}.mnist")
TF |= {
    **{name: NN[name] for name in ("depth_to_space", "space_to_depth")},
    "extract_image_patches": PATCHES,
    **same("batch_to_space_nd space_to_batch_nd", f"{OURS}.pictures"),
    **same("case cond while_loop", f"{OURS}.control"),
    **same("foldl foldr map_fn scan", f"{OURS}.scanning"),
    **same("TensorArray", f"{OURS}.arrays"),
    **same("py_func", f"{OURS}.host"),
    **same("boolean_mask where", f"{OURS}.selecting"),
    **same("FIFOQueue PaddingFIFOQueue QueueBase RandomShuffleQueue", f"{OURS}.queues"),
    **READERS,
    **PARSING,
    **{
        old: today.FAMILIES["strings"][new]
        for old, new in {
            "as_string": "as_string",
            "regex_replace": "regex_replace",
            "reduce_join": "reduce_join",
            "string_join": "join",
            "string_to_hash_bucket_fast": "to_hash_bucket_fast",
            "string_to_number": "to_number",
            "substr": "substr",
        }.items()
    },
    "Summary": row(f"{OURS}.summaries.Summary"),
    **{
        name: row(f"{OURS}.summaries.{new}")
        for name, new in {
            "scalar_summary": "scalar",
            "histogram_summary": "histogram",
            "image_summary": "image",
            "merge_summary": "merge",
            "merge_all_summaries": "merge_all",
        }.items()
    },
}
FAMILIES: dict[str, dict[str, Row]] = {
    "tf": TF,
    "dtypes": today.FAMILIES["dtypes"] | {"cast": TF["cast"]},
    "math": {**MATH, **REDUCTIONS, **ARG, "l2_normalize": OLD_NN["l2_normalize"]},
    "nn": OLD_NN,
    "nn.rnn_cell": CELLS,
    "linalg": LINALG | {"matmul": TF["matmul"], "transpose": TF["matrix_transpose"]},
    "initializers": INITIALIZERS,
    "random": RANDOM,
    "train": TRAINED,
    "layers": LAYERS,
    "losses": LOSSES,
    "metrics": same(
        "accuracy auc false_negatives false_positives mean mean_absolute_error mean_iou "
        "mean_squared_error precision recall root_mean_squared_error true_negatives "
        "true_positives",
        f"{OURS}.metrics",
    ),
    "summary": SUMMARY,
    "flags": FLAGS,
    "app": {"run": row(f"{OURS}.flags.run")},
    "app.flags": FLAGS,
    "logging": same(
        "DEBUG ERROR FATAL INFO WARN debug error fatal get_verbosity info log set_verbosity warn "
        "warning",
        f"{OURS}.logging",
    ),
    "errors": {
        **same("CancelledError DeadlineExceededError", f"{OURS}.queues"),
        "OutOfRangeError": row(f"{OURS}.host.OutOfRangeError"),
        "FailedPreconditionError": row(f"{OURS}.runner.FailedPrecondition"),
        "InvalidArgumentError": row(f"{OURS}.running.InvalidArgument"),
        "NotFoundError": today.FAMILIES["errors"]["NotFoundError"],
        "OpError": today.FAMILIES["errors"]["OpError"],
    },
    "image": today.FAMILIES["image"]
    | PICTURES
    | {
        f"decode_{kind}": row(f"{OURS}.parsing.decode_image")
        for kind in "bmp gif image jpeg png".split()
    },
    "io": today.FAMILIES["io"] | PARSING,
    "python_io": {
        name: today.FAMILIES["io"][name]
        for name in "TFRecordOptions TFRecordWriter tf_record_iterator".split()
    },
    "queue": same("FIFOQueue PaddingFIFOQueue QueueBase RandomShuffleQueue", f"{OURS}.queues"),
    "strings": today.FAMILIES["strings"],
    "data": today.FAMILIES["data"]
    | same(
        "Dataset Iterator make_initializable_iterator make_one_shot_iterator", f"{OURS}.datasets"
    ),
    "gfile": today.FAMILIES["io"]
    | {"Exists": row(f"{OURS}.files.exists"), "MakeDirs": row(f"{OURS}.files.make_dirs")},
    "test": today.FAMILIES["test"],
    "contrib": {},
    "contrib.layers": CONTRIB_LAYERS,
    "contrib.rnn": CONTRIB_RNN,
    "estimator": {
        **same("Estimator EstimatorSpec ModeKeys RunConfig", f"{OURS}.estimator"),
        **same("DNNClassifier DNNRegressor", f"{OURS}.canned"),
    },
    "estimator.inputs": same("numpy_input_fn pandas_input_fn", f"{OURS}.estimator"),
    "feature_column": today.FAMILIES["feature_column"],
    "contrib.legacy_seq2seq": same(
        "basic_rnn_seq2seq embedding_rnn_decoder embedding_rnn_seq2seq rnn_decoder sequence_loss "
        "sequence_loss_by_example",
        f"{OURS}.seq2seq",
    ),
    "contrib.learn": {},
    "contrib.learn.datasets": same("load_dataset", f"{OURS}.mnist"),
    "contrib.learn.datasets.mnist": MNIST,
    "contrib.framework": same("arg_scope", f"{OURS}.contrib")
    | same("get_or_create_global_step get_global_step", f"{OURS}.schedules"),
    "compat": {
        "as_bytes": row(f"{OURS}.texts.as_bytes"),
        **{name: row(f"{OURS}.texts.as_text") for name in ("as_str", "as_text")},
    },
    "examples": {},
    "examples.tutorials": {},
    "examples.tutorials.mnist": {},
    "examples.tutorials.mnist.input_data": MNIST,
}
VALUES: dict[str, dict] = {}
PLACES = ("tensorflow", "tensorflow.compat.v1")
MODULES: dict[str, str] = {
    "tensorflow": "tf",
    "tensorflow.compat.v1": "tf",
    **{f"{place}.{family}": family for place in PLACES for family in FAMILIES if family != "tf"},
    "tensorflow.python": "",
    "tensorflow.python.framework": "",
    "tensorflow.python.framework.ops": "tf",
    "tensorflow.python.ops": "",
    "tensorflow.python.ops.rnn_cell": "contrib.rnn",
    "tensorflow.python.ops.rnn": "nn",
    "tensorflow.python.platform": "",
    "tensorflow.python.platform.flags": "flags",
}
# Modules that others provide.
ALSO = (*(f"{place}.keras" for place in PLACES), "tensorflow.compat.v2")
TOP: dict[str, str] = {}
LEAKS = ""
METHODS: dict[str, Row] = {}
