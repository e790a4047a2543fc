"""Keras 2 (2.0 to 2.3): its names, and what they are today. It also took Keras 1's keywords."""

from hornbook.dialects import keras1
from hornbook.dialects.applications import NETWORKS, applications
from hornbook.dialects.keras2_layers import LAYERS
from hornbook.dialects.row import Row, row

TITLE = "Keras 2"

MODELS: dict[str, Row] = keras1.MODELS | {
    "Model": row("models.Model", "inputs outputs name * input:inputs output:outputs"),
    "clone_model": row("models.clone_model", "model input_tensors"),
    "load_model": row("saving.load_model", "filepath custom_objects compile"),
    "save_model": row(
        "compat.keras.engine.save_model", "model filepath overwrite include_optimizer"
    ),
}
MODELS["Input"] = LAYERS["Input"]
RATE = "lr:learning_rate"
OPTIMIZERS: dict[str, Row] = keras1.OPTIMIZERS | {
    "SGD": row("optimizers.SGD", f"{RATE} momentum decay nesterov"),
    "RMSprop": row("optimizers.RMSprop", f"{RATE} rho epsilon decay"),
    "Adagrad": row(
        "optimizers.Adagrad",
        f"{RATE} epsilon decay",
        {"learning_rate": 0.01, "initial_accumulator_value": 0.0},
    ),
    "Adadelta": row("optimizers.Adadelta", f"{RATE} rho epsilon decay", {"learning_rate": 1.0}),
    "Adam": row("optimizers.Adam", f"{RATE} beta_1 beta_2 epsilon decay amsgrad"),
    "Adamax": row(
        "optimizers.Adamax", f"{RATE} beta_1 beta_2 epsilon decay", {"learning_rate": 0.002}
    ),
    "Nadam": row(
        "optimizers.Nadam",
        f"{RATE} beta_1 beta_2 epsilon schedule_decay:",
        {"learning_rate": 0.002},
    ),
}
OPTIMIZERS |= {name.lower(): OPTIMIZERS[name] for name in [*OPTIMIZERS][1:8]}

REGULARIZERS: dict[str, Row] = {
    "Regularizer": row("regularizers.Regularizer"),
    "L1L2": row("regularizers.L1L2", "l1 l2"),
    "l1": row("regularizers.l1", "l:l1"),
    "l2": row("regularizers.l2", "l:l2"),
    "l1_l2": row("regularizers.l1_l2", "l1 l2"),
    "get": row("regularizers.get", "identifier"),
}
CONSTRAINTS: dict[str, Row] = {
    "Constraint": row("constraints.Constraint"),
    **{
        name: row("constraints.MaxNorm", "max_value axis * m:max_value")
        for name in ("MaxNorm", "max_norm", "maxnorm")
    },
    **{name: row("constraints.NonNeg") for name in ("NonNeg", "non_neg", "nonneg")},
    **{name: row("constraints.UnitNorm", "axis") for name in ("UnitNorm", "unit_norm", "unitnorm")},
    **{
        name: row("constraints.MinMaxNorm", "min_value max_value rate axis")
        for name in ("MinMaxNorm", "min_max_norm")
    },
    "get": row("constraints.get", "identifier"),
}
SCALED = "glorot_normal glorot_uniform he_normal he_uniform lecun_normal lecun_uniform"
INITIALIZERS: dict[str, Row] = {
    "Initializer": row("initializers.Initializer"),
    **{name: row(f"initializers.{name}") for name in ("Zeros", "Ones", "zeros", "ones")},
    "zero": row("initializers.Zeros"),
    "one": row("initializers.Ones"),
    **{name: row(f"initializers.{name}", "seed") for name in SCALED.split()},
    **{name: row("initializers.Constant", "value") for name in ("Constant", "constant")},
    **{
        name: row("initializers.RandomNormal", "mean stddev seed")
        for name in ("RandomNormal", "random_normal", "normal")
    },
    **{
        name: row("initializers.RandomUniform", "minval maxval seed")
        for name in ("RandomUniform", "random_uniform", "uniform")
    },
    **{
        name: row("initializers.TruncatedNormal", "mean stddev seed")
        for name in ("TruncatedNormal", "truncated_normal")
    },
    "VarianceScaling": row("initializers.VarianceScaling", "scale mode distribution seed"),
    **{name: row("initializers.Orthogonal", "gain seed") for name in ("Orthogonal", "orthogonal")},
    **{name: row("initializers.Identity", "gain") for name in ("Identity", "identity")},
    "get": row("initializers.get", "identifier"),
}
ACTIVATIONS: dict[str, Row] = keras1.ACTIVATIONS | {
    name: row(f"activations.{name}") for name in ("selu", "exponential")
}
LOSSES: dict[str, Row] = keras1.OBJECTIVES | {
    "categorical_hinge": row("losses.categorical_hinge"),
    "logcosh": row("losses.log_cosh"),
}
METRICS: dict[str, Row] = {
    name: one for name, one in (keras1.METRICS | LOSSES).items() if name != "get"
} | {"get": keras1.METRICS["get"]}
METRICS["sparse_top_k_categorical_accuracy"] = row("metrics.sparse_top_k_categorical_accuracy")
CALLBACKS: dict[str, Row] = keras1.CALLBACKS | {
    "ModelCheckpoint": row(
        "callbacks.ModelCheckpoint",
        "filepath monitor verbose save_best_only save_weights_only mode period",
    ),
    "EarlyStopping": row(
        "callbacks.EarlyStopping",
        "monitor min_delta patience verbose mode baseline restore_best_weights",
    ),
    "LearningRateScheduler": row("callbacks.LearningRateScheduler", "schedule verbose"),
    "ReduceLROnPlateau": row(
        "callbacks.ReduceLROnPlateau",
        "monitor factor patience verbose mode min_delta cooldown min_lr * epsilon:min_delta",
    ),
    "TensorBoard": row(
        "callbacks.TensorBoard",
        "log_dir histogram_freq batch_size: write_graph write_grads:! write_images "
        "embeddings_freq embeddings_layer_names:! embeddings_metadata embeddings_data:! "
        "update_freq",
        {"log_dir": "./logs"},
    ),
    "TerminateOnNaN": row("callbacks.TerminateOnNaN"),
}
UTILS: dict[str, Row] = keras1.UTILS | {
    "to_categorical": row("utils.to_categorical", "y:x num_classes * nb_classes:num_classes"),
    "Sequence": row("utils.PyDataset"),
    "multi_gpu_model": row(
        "compat.keras.engine.multi_gpu_model", "model gpus * cpu_merge cpu_relocation"
    ),
    "GeneratorEnqueuer": row(
        "compat.keras.enqueuers.GeneratorEnqueuer",
        "generator use_multiprocessing wait_time seed:random_seed",
    ),
    "OrderedEnqueuer": row(
        "compat.keras.enqueuers.OrderedEnqueuer", "sequence use_multiprocessing shuffle"
    ),
    "plot_model": row(
        "utils.plot_model", f"{keras1.DRAWN} expand_nested dpi", {"show_layer_names": True}
    ),
    "model_to_dot": row(
        "utils.model_to_dot",
        "model show_shapes show_layer_names rankdir expand_nested dpi subgraph",
    ),
    "normalize_data_format": row("compat.keras.convolution.format_of", "value:data_format"),
    "serialize_keras_object": row("saving.serialize_keras_object", "instance:obj"),
    "deserialize_keras_object": row("saving.deserialize_keras_object"),
    **{
        name: row(f"compat.keras.utilities.{name}", arguments)
        for name, arguments in {
            "convert_kernel": "kernel data_format",
            "conv_output_length": "input_length filter_size padding stride dilation",
            "conv_input_length": "output_length filter_size padding stride",
            "normalize_tuple": "value n name",
            "normalize_padding": "value",
            "deconv_length": (
                "dim_size:input_length stride_size:stride kernel_size:filter_size padding "
                "output_padding dilation"
            ),
            "print_summary": "model line_length positions print_fn",
            "count_params": "weights",
            "convert_dense_weights_data_format": (
                "dense previous_feature_map_shape target_data_format"
            ),
            "to_list": "x allow_tuple",
            "unpack_singleton": "x",
            "has_arg": "fn name accept_all",
            "get_test_data": (
                "num_train num_test input_shape output_shape classification num_classes"
            ),
        }.items()
    },
}
SLIDING = "strides padding data_format"
BACKEND: dict[str, Row] = keras1.BACKEND | {
    "random_normal": row("random.normal", "shape mean stddev dtype seed * std:stddev"),
    "random_uniform": row(
        "random.uniform", "shape minval maxval dtype seed * low:minval high:maxval"
    ),
    "truncated_normal": row("random.truncated_normal", "shape mean stddev dtype seed"),
    "random_uniform_variable": row(
        "compat.keras.variables.random_uniform_variable", "shape low high dtype name seed"
    ),
    **{
        name: row(f"compat.keras.variables.{name}", arguments)
        for name, arguments in {
            "name_scope": "name",
            "is_tensor": "x",
            "is_placeholder": "x",
            "identity": "x name",
            "slice": "x start size",
        }.items()
    },
    "moving_average_update": row(
        "compat.keras.variables.moving_average_update", "x value momentum"
    ),
    "conv1d": row("compat.keras.convolution.conv1d", f"x kernel {SLIDING} dilation_rate"),
    **{
        name: row("compat.keras.convolution.conv", f"x kernel {SLIDING} dilation_rate")
        for name in ("conv2d", "conv3d")
    },
    **{
        name: row(
            "compat.keras.convolution.conv_transpose",
            f"x kernel output_shape {SLIDING} dilation_rate",
        )
        for name in ("conv2d_transpose", "conv3d_transpose")
    },
    **{
        name: row(
            "compat.keras.convolution.separable_conv",
            f"x depthwise_kernel pointwise_kernel {SLIDING} dilation_rate",
        )
        for name in ("separable_conv1d", "separable_conv2d")
    },
    "depthwise_conv2d": row(
        "compat.keras.convolution.depthwise_conv2d", f"x depthwise_kernel {SLIDING} dilation_rate"
    ),
    **{
        name: row("compat.keras.convolution.pool", f"x pool_size {SLIDING} pool_mode")
        for name in ("pool2d", "pool3d")
    },
    "local_conv1d": row(
        "compat.keras.convolution.local_conv1d", "inputs kernel kernel_size strides data_format"
    ),
    "local_conv2d": row(
        "compat.keras.convolution.local_conv2d",
        "inputs kernel kernel_size strides output_shape data_format",
    ),
    **{
        name: row("compat.keras.convolution.spatial_padding", "x padding data_format")
        for name in ("spatial_2d_padding", "spatial_3d_padding")
    },
    "resize_images": row(
        "compat.keras.convolution.resize_images",
        "x height_factor width_factor data_format interpolation",
    ),
    "resize_volumes": row(
        "compat.keras.convolution.resize_volumes",
        "x depth_factor height_factor width_factor data_format",
    ),
    "batch_normalization": row(
        "compat.keras.convolution.batch_normalization", "x mean var beta gamma axis epsilon"
    ),
    "normalize_data_format": row("compat.keras.convolution.format_of", "value:data_format"),
    "expand_dims": row("ops.expand_dims", "x axis", {"axis": -1}),
    "pow": row("ops.power", "x:x1 a:x2"),
    "cumsum": row("ops.cumsum", "x axis"),
    "cumprod": row("ops.cumprod", "x axis"),
    "one_hot": row("ops.one_hot", "indices:x num_classes"),
    "categorical_crossentropy": row(
        "ops.categorical_crossentropy", "target output from_logits axis"
    ),
    "sparse_categorical_crossentropy": row(
        "ops.sparse_categorical_crossentropy", "target output from_logits axis"
    ),
    "binary_crossentropy": row("ops.binary_crossentropy", "target output from_logits"),
}
IMAGE: dict[str, Row] = {
    name: row(f"data.{name}")
    for name in (
        "ImageDataGenerator Iterator NumpyArrayIterator DirectoryIterator DataFrameIterator "
        "img_to_array array_to_img save_img list_pictures flip_axis random_rotation random_shift "
        "random_shear random_zoom random_channel_shift random_brightness apply_affine_transform "
        "apply_channel_shift apply_brightness_shift transform_matrix_offset_center"
    ).split()
} | {
    "load_img": row(
        "compat.keras.images.load_img", "path grayscale color_mode target_size interpolation"
    )
}
READ = "path num_words skip_top maxlen {}seed start_char oov_char index_from * nb_words:num_words"
DATASETS: dict[str, dict[str, Row]] = keras1.DATASETS | {
    "datasets.fashion_mnist": {"load_data": row("datasets.fashion_mnist.load_data")},
    "datasets.boston_housing": {
        "load_data": row("datasets.boston_housing.load_data", "path test_split seed")
    },
    "datasets.imdb": keras1.DATASETS["datasets.imdb"]
    | {"load_data": row("datasets.imdb.load_data", READ.format(""))},
    "datasets.reuters": keras1.DATASETS["datasets.reuters"]
    | {"load_data": row("datasets.reuters.load_data", READ.format("test_split "))},
}

APPLICATIONS = applications(
    NETWORKS
    | {
        "mobilenet": ("MobileNet", "tf"),
        "mobilenet_v2": ("MobileNetV2", "tf"),
        "mobilenetv2": ("MobileNetV2", "tf"),
        "densenet": ("DenseNet121 DenseNet169 DenseNet201", "torch"),
        "inception_resnet_v2": ("InceptionResNetV2", "tf"),
        "nasnet": ("NASNetMobile NASNetLarge", "tf"),
        "resnet": ("ResNet50 ResNet101 ResNet152", "caffe"),
        "resnet_v2": ("ResNet50V2 ResNet101V2 ResNet152V2", "tf"),
    },
    "data_format",
    "",
    "ResNet50",
)

FAMILIES: dict[str, dict[str, Row]] = {
    "layers": LAYERS,
    "models": MODELS,
    "optimizers": OPTIMIZERS,
    "regularizers": REGULARIZERS,
    "constraints": CONSTRAINTS,
    "initializers": INITIALIZERS,
    "activations": ACTIVATIONS,
    "losses": LOSSES,
    "metrics": METRICS,
    "callbacks": CALLBACKS,
    "utils": UTILS,
    "sequence": keras1.SEQUENCE | {"TimeseriesGenerator": row("data.TimeseriesGenerator")},
    "text": keras1.TEXT
    | {
        "Tokenizer": row(
            "data.Tokenizer",
            "num_words filters lower split char_level oov_token * nb_words:num_words",
        ),
        "hashing_trick": row("data.hashing_trick", "text n hash_function filters lower split"),
        "tokenizer_from_json": row("data.tokenizer_from_json"),
    },
    "image": IMAGE,
    "engine": {
        **keras1.ENGINE,
        "slice_arrays": row("compat.keras.engine.slice_arrays", "arrays start stop"),
        "Container": row("models.Model", "inputs outputs name"),
        "Network": row("models.Model", "inputs outputs name"),
    },
    "scikit_learn": keras1.SCIKIT,
    **APPLICATIONS,
    **DATASETS,
    "backend": BACKEND,
}

for _family in ("activations", "constraints", "initializers", "losses", "metrics", "regularizers"):
    FAMILIES[_family] |= {
        "serialize": row(f"{_family}.serialize"),
        "deserialize": row(f"{_family}.deserialize"),
    }
FAMILIES["optimizers"] |= {
    "serialize": row("optimizers.serialize"),
    "deserialize": row("optimizers.deserialize"),
}

FIT = (
    "x y batch_size epochs verbose callbacks validation_split validation_data shuffle class_weight "
    "sample_weight initial_epoch steps_per_epoch validation_steps"
)
PREDICT = "x batch_size verbose steps"
GENERATOR = "* max_q_size: nb_worker: pickle_safe: nb_val_worker: val_samples:steps"
METHODS: dict[str, Row] = keras1.METHODS | {
    "Model.compile": row(
        "models.Model.compile",
        "optimizer loss metrics loss_weights sample_weight_mode: weighted_metrics target_tensors:!",
    ),
    "Model.fit": row("models.Model.fit", f"{FIT} * nb_epoch:epochs"),
    "Model.evaluate": row("models.Model.evaluate", "x y batch_size verbose sample_weight steps"),
    "Model.predict": row("models.Model.predict", PREDICT, {"verbose": 0}),
    "Model.train_on_batch": row("models.Model.train_on_batch", "x y sample_weight class_weight"),
    "Model.fit_generator": row(
        "models.Model.fit",
        "generator:x steps_per_epoch epochs verbose callbacks validation_data validation_steps "
        "class_weight max_queue_size: workers: use_multiprocessing: shuffle initial_epoch "
        "* nb_epoch:epochs nb_val_samples:validation_steps samples_per_epoch:steps_per_epoch "
        "max_q_size: nb_worker: pickle_safe: validation_freq",
    ),
    "Model.evaluate_generator": row(
        "models.Model.evaluate",
        f"generator:x steps max_queue_size: workers: use_multiprocessing: verbose {GENERATOR}",
        {"verbose": 0},
    ),
    "Model.predict_generator": row(
        "models.Model.predict",
        f"generator:x steps max_queue_size: workers: use_multiprocessing: verbose {GENERATOR}",
        {"verbose": 0},
    ),
    "Layer.add_weight": row(
        "layers.Layer.add_weight", "name shape dtype initializer regularizer trainable constraint"
    ),
}
VALUES: dict[str, dict] = keras1.VALUES | {
    "epsilon": {None: 1e-7},
    "loss": {
        **keras1.VALUES["loss"],
        "logcosh": "log_cosh",
        "kullback_leibler_divergence": "kl_divergence",
    },
}

MODULES: dict[str, str] = keras1.MODULES | {
    **{f"keras.{name}": name for name in DATASETS},
    "keras.layers.merge": "layers engine leaks",
    "keras.layers.cudnn_recurrent": "layers engine leaks",
    **{f"keras.{name}": name for name in APPLICATIONS},
    "keras.legacy": "",
    "keras.legacy.layers": "layers engine leaks",
    "keras.engine.saving": "models",
    "keras.engine.training_utils": "layers models engine leaks",
    "keras.engine.training_arrays": "layers models engine leaks",
    "keras.engine.training_generator": "layers models engine leaks",
    "keras.engine.base_layer": "layers models engine leaks",
    "keras.engine.input_layer": "layers models engine leaks",
    "keras.engine.network": "layers models engine leaks",
    "keras.engine.sequential": "layers models engine leaks",
    "keras.initializers": "initializers",
    "keras.losses": "losses",
    "keras.objectives": "losses",
    "keras.utils.training_utils": "utils engine",
}
del MODULES["keras.initializations"]
LEAKS = "activations initializers regularizers constraints"
TOP = {"layers": "Input", "models": "Model Sequential"}
VERSION = "2.2.5"
EPSILON = 1e-7
LOWERCASE_NAMES = False
WIDENED_LISTS = False
LAID_OUT = False
FIRST_EPOCH = 1
CAPTURED_RATE = False

SIGNS = {
    "names": (
        "Conv2DTranspose Concatenate initializers plot_model image_data_format "
        "set_image_data_format keras.layers.merge keras.losses keras.initializers "
        "keras.utils.vis_utils"
    ).split(),
    "keywords": (
        "epochs filters kernel_size padding strides units kernel_initializer "
        "recurrent_initializer kernel_regularizer recurrent_dropout steps_per_epoch "
        "validation_steps num_words use_bias embeddings_initializer data_format"
    ).split(),
}
