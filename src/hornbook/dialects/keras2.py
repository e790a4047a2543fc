"""Keras 2 (2.0 to 2.3): its names, and what they are today. It also took Keras 1's keywords."""

from hornbook.dialects import keras1
from hornbook.dialects.applications import NETWORKS, applications
from hornbook.dialects.row import Row, accepting, row

TITLE = "Keras 2"

WEIGHTS = (
    "use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
    "activity_regularizer kernel_constraint bias_constraint"
)
CONV = f"filters {{}}:kernel_size strides padding {{}}dilation_rate activation {WEIGHTS} * weights"
TRANSPOSE = f"filters {{}}:kernel_size strides padding data_format activation {WEIGHTS} * weights"
CELL = (
    "{}use_bias kernel_initializer recurrent_initializer bias_initializer {}kernel_regularizer "
    "recurrent_regularizer bias_regularizer activity_regularizer kernel_constraint "
    "recurrent_constraint bias_constraint dropout recurrent_dropout * weights return_sequences "
    "return_state go_backwards stateful unroll implementation: input_dim input_length"
)
SQUARE, CUBE = "nb_row+nb_col", "kernel_dim1+kernel_dim2+kernel_dim3"
POOL = "pool_size strides padding data_format"
MERGE = {name: row(f"layers.{name}") for name in "Add Subtract Multiply Average Maximum".split()}
OLD_SIGMOID = keras1.OLD_SIGMOID

NEW_LAYERS: dict[str, Row] = {
    "Input": row("layers.Input", "shape batch_shape name dtype sparse tensor"),
    "Dense": row("layers.Dense", f"units activation {WEIGHTS} * weights"),
    "Dropout": row("layers.Dropout", "rate noise_shape seed"),
    "SpatialDropout1D": row("layers.SpatialDropout1D", "rate"),
    "SpatialDropout2D": row("layers.SpatialDropout2D", "rate data_format"),
    "SpatialDropout3D": row("layers.SpatialDropout3D", "rate data_format"),
    "AlphaDropout": row("layers.AlphaDropout", "rate noise_shape seed"),
    "GaussianNoise": row("layers.GaussianNoise", "stddev"),
    "GaussianDropout": row("layers.GaussianDropout", "rate"),
    "Flatten": row("layers.Flatten", "data_format"),
    "Embedding": row(
        "layers.Embedding",
        "input_dim output_dim embeddings_initializer embeddings_regularizer activity_regularizer "
        "embeddings_constraint mask_zero input_length * weights",
    ),
    "BatchNormalization": row(
        "layers.BatchNormalization",
        "axis momentum epsilon center scale beta_initializer gamma_initializer "
        "moving_mean_initializer moving_variance_initializer beta_regularizer gamma_regularizer "
        "beta_constraint gamma_constraint * weights",
    ),
    "Conv1D": row("layers.Conv1D", CONV.format("filter_length", "")),
    "Conv2D": row("layers.Conv2D", CONV.format(SQUARE, "data_format ")),
    "Conv3D": row("layers.Conv3D", CONV.format(CUBE, "data_format ")),
    "SeparableConv1D": row(
        "layers.SeparableConv1D",
        "filters kernel_size strides padding data_format dilation_rate depth_multiplier activation "
        "use_bias depthwise_initializer pointwise_initializer * weights",
    ),
    "SeparableConv2D": row(
        "layers.SeparableConv2D",
        f"filters {SQUARE}:kernel_size strides padding data_format dilation_rate depth_multiplier "
        "activation use_bias depthwise_initializer pointwise_initializer * weights",
    ),
    "DepthwiseConv2D": row(
        "layers.DepthwiseConv2D",
        "kernel_size strides padding depth_multiplier data_format activation use_bias "
        "depthwise_initializer * weights",
    ),
    "Conv2DTranspose": row("layers.Conv2DTranspose", TRANSPOSE.format(SQUARE)),
    "Conv3DTranspose": row("layers.Conv3DTranspose", TRANSPOSE.format(CUBE)),
    "MaxPooling1D": row("layers.MaxPooling1D", "pool_size strides padding data_format"),
    "AveragePooling1D": row("layers.AveragePooling1D", "pool_size strides padding data_format"),
    **{
        f"{kind}Pooling{n}D": row(f"layers.{kind}Pooling{n}D", POOL)
        for kind in ("Max", "Average")
        for n in (2, 3)
    },
    "SimpleRNN": row("layers.SimpleRNN", "units activation " + CELL.format("", "")),
    "LSTM": row(
        "layers.LSTM",
        "units activation recurrent_activation " + CELL.format("", "unit_forget_bias "),
        {"recurrent_activation": OLD_SIGMOID},
    ),
    "GRU": row(
        "layers.GRU",
        "units activation recurrent_activation " + CELL.format("", ""),
        {"recurrent_activation": OLD_SIGMOID, "reset_after": False},
    ),
    "CuDNNLSTM": row(
        "layers.LSTM",
        "units kernel_initializer recurrent_initializer bias_initializer unit_forget_bias "
        "* weights return_sequences return_state stateful",
    ),
    "CuDNNGRU": row(
        "layers.GRU",
        "units kernel_initializer recurrent_initializer bias_initializer "
        "* weights return_sequences return_state stateful",
    ),
    "ConvLSTM2D": row(
        "layers.ConvLSTM2D",
        f"filters {SQUARE}:kernel_size strides padding data_format dilation_rate activation "
        "recurrent_activation use_bias kernel_initializer recurrent_initializer bias_initializer "
        "unit_forget_bias kernel_regularizer recurrent_regularizer bias_regularizer "
        "activity_regularizer kernel_constraint recurrent_constraint bias_constraint "
        "return_sequences go_backwards stateful dropout recurrent_dropout * weights",
        {"recurrent_activation": OLD_SIGMOID},
    ),
    "LocallyConnected1D": row(
        "compat.keras.local.LocallyConnected1D",
        f"filters kernel_size strides padding data_format activation {WEIGHTS} "
        "* weights filter_length:kernel_size implementation:",
    ),
    "LocallyConnected2D": row(
        "compat.keras.local.LocallyConnected2D",
        f"filters {SQUARE}:kernel_size strides padding data_format activation {WEIGHTS} "
        "* weights implementation:",
    ),
    "RNN": row(
        "layers.RNN", "cell return_sequences return_state go_backwards stateful unroll * weights"
    ),
    "SimpleRNNCell": row("layers.SimpleRNNCell"),
    "LSTMCell": row("layers.LSTMCell", "", {"recurrent_activation": OLD_SIGMOID}),
    "GRUCell": row(
        "layers.GRUCell", "", {"recurrent_activation": OLD_SIGMOID, "reset_after": False}
    ),
    "StackedRNNCells": row("layers.StackedRNNCells", "cells"),
    "PReLU": row(
        "layers.PReLU", "alpha_initializer alpha_regularizer alpha_constraint shared_axes * weights"
    ),
    "ReLU": row("layers.ReLU", "max_value negative_slope threshold"),
    "Softmax": row("layers.Softmax", "axis"),
    "UpSampling1D": row("layers.UpSampling1D", "size"),
    "UpSampling2D": row("layers.UpSampling2D", "size data_format interpolation"),
    "Concatenate": row("layers.Concatenate", "axis"),
    "Dot": row("layers.Dot", "axes normalize"),
    **MERGE,
    **{name.lower(): row(f"layers.{name.lower()}", "inputs") for name in MERGE},
    "Minimum": row("layers.Minimum"),
    "minimum": row("layers.minimum", "inputs"),
    "concatenate": row("layers.concatenate", "inputs axis"),
    "dot": row("layers.dot", "inputs axes normalize"),
    "Wrapper": row("layers.Wrapper", "layer"),
    "_Merge": row("compat.keras.merge.MergeBase"),
}
LAYERS: dict[str, Row] = {
    name: accepting(one, keras1.LAYERS[name]) if name in keras1.LAYERS else one
    for name, one in (NEW_LAYERS | keras1.LAYERS | NEW_LAYERS).items()
}
LAYERS |= {
    long: LAYERS[long.replace("olution", "")]
    for long in "Convolution1D Convolution2D Convolution3D SeparableConvolution2D".split()
} | {
    **{f"Deconv{rest}D": LAYERS[f"Conv{rest}DTranspose"] for rest in "23"},
    **{f"Deconvolution{rest}D": LAYERS[f"Conv{rest}DTranspose"] for rest in "23"},
    **{f"Convolution{rest}DTranspose": LAYERS[f"Conv{rest}DTranspose"] for rest in "23"},
    "SeparableConvolution1D": LAYERS["SeparableConv1D"],
    **{
        f"{head}{short}Pool{n}D": LAYERS[f"{head}{long}Pooling{n}D"]
        for head in ("", "Global")
        for short, long in (("Max", "Max"), ("Avg", "Average"))
        for n in "123"
    },
    "serialize": row("layers.serialize", "layer"),
    "deserialize": row("layers.deserialize", "config custom_objects"),
}

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
            "GeneratorEnqueuer": "generator use_multiprocessing wait_time seed:random_seed",
            "OrderedEnqueuer": "sequence use_multiprocessing shuffle",
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
