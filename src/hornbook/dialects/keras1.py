"""Keras 1 (1.0 to 1.2.2): its names, and what they are today."""

from hornbook.dialects.applications import NETWORKS, applications
from hornbook.dialects.keras1_backend import BACKEND, OLD_SIGMOID
from hornbook.dialects.keras1_layers import LAYERS
from hornbook.dialects.row import Row, row

TITLE = "Keras 1"

MODELS: dict[str, Row] = {
    "Model": row("models.Model", "input:inputs output:outputs name"),
    "Sequential": row("models.Sequential", "layers name"),
    "model_from_json": row("models.model_from_json", "json_string custom_objects"),
    "model_from_config": row("models.cloning.model_from_config", "config custom_objects"),
    "model_from_yaml": row("compat.keras.engine.model_from_yaml", "yaml_string custom_objects"),
    "load_model": row("saving.load_model", "filepath custom_objects"),
    "save_model": row("compat.keras.engine.save_model", "model filepath overwrite"),
}

OPTIMIZERS: dict[str, Row] = {
    "Optimizer": row("optimizers.Optimizer"),
    "SGD": row("optimizers.SGD", "lr:learning_rate momentum decay nesterov"),
    "RMSprop": row("optimizers.RMSprop", "lr:learning_rate rho epsilon decay", {"epsilon": 1e-8}),
    "Adagrad": row(
        "optimizers.Adagrad",
        "lr:learning_rate epsilon decay",
        {"learning_rate": 0.01, "epsilon": 1e-8, "initial_accumulator_value": 0.0},
    ),
    "Adadelta": row(
        "optimizers.Adadelta",
        "lr:learning_rate rho epsilon decay",
        {"learning_rate": 1.0, "epsilon": 1e-8},
    ),
    "Adam": row(
        "optimizers.Adam", "lr:learning_rate beta_1 beta_2 epsilon decay", {"epsilon": 1e-8}
    ),
    "Adamax": row(
        "optimizers.Adamax",
        "lr:learning_rate beta_1 beta_2 epsilon decay",
        {"learning_rate": 0.002, "epsilon": 1e-8},
    ),
    "Nadam": row(
        "optimizers.Nadam",
        "lr:learning_rate beta_1 beta_2 epsilon schedule_decay:",
        {"learning_rate": 0.002, "epsilon": 1e-8},
    ),
    "get": row("optimizers.get", "identifier"),
}
OPTIMIZERS |= {name.lower(): OPTIMIZERS[name] for name in [*OPTIMIZERS][1:-1]}
OPTIMIZERS["TFOptimizer"] = row("compat.tensorflow1.compiled.as_keras")

REGULARIZERS: dict[str, Row] = {
    "Regularizer": row("regularizers.Regularizer"),
    "l1": row("regularizers.l1", "l:l1"),
    "l2": row("regularizers.l2", "l:l2"),
    "l1l2": row("regularizers.l1_l2", "l1 l2"),
    "activity_l1": row("regularizers.l1", "l:l1"),
    "activity_l2": row("regularizers.l2", "l:l2"),
    "activity_l1l2": row("regularizers.l1_l2", "l1 l2"),
    "WeightRegularizer": row("regularizers.L1L2", "l1 l2"),
    "ActivityRegularizer": row("regularizers.L1L2", "l1 l2"),
    "L1L2Regularizer": row("regularizers.L1L2", "l1 l2"),
    "get": row("regularizers.get", "identifier"),
}
CONSTRAINTS: dict[str, Row] = {
    "Constraint": row("constraints.Constraint"),
    "maxnorm": row("constraints.MaxNorm", "m:max_value axis"),
    "MaxNorm": row("constraints.MaxNorm", "m:max_value axis"),
    "nonneg": row("constraints.NonNeg"),
    "NonNeg": row("constraints.NonNeg"),
    "unitnorm": row("constraints.UnitNorm", "axis"),
    "UnitNorm": row("constraints.UnitNorm", "axis"),
    "get": row("constraints.get", "identifier"),
}
INITIALIZATIONS: dict[str, Row] = {
    "uniform": row("compat.keras.initializations.uniform", "shape scale name dim_ordering:"),
    "normal": row("compat.keras.initializations.normal", "shape scale name dim_ordering:"),
    "orthogonal": row("compat.keras.initializations.orthogonal", "shape scale:gain name"),
    "identity": row("compat.keras.initializations.identity", "shape scale:gain name"),
    **{
        name: row(f"compat.keras.initializations.{name}", "shape name dim_ordering:")
        for name in (
            "zero one lecun_uniform glorot_normal glorot_uniform he_normal he_uniform".split()
        )
    },
    "get": row("compat.keras.initializations.get", "identifier"),
}

SAME_FUNCTIONS = {
    "activations": "softmax elu softplus softsign relu tanh sigmoid linear get",
    "losses": (
        "mean_squared_error mean_absolute_error mean_absolute_percentage_error "
        "mean_squared_logarithmic_error squared_hinge hinge categorical_crossentropy "
        "sparse_categorical_crossentropy binary_crossentropy poisson get"
    ),
}
SHORT_LOSSES = {
    "mse": "mean_squared_error",
    "MSE": "mean_squared_error",
    "mae": "mean_absolute_error",
    "MAE": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "MAPE": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "MSLE": "mean_squared_logarithmic_error",
    "kullback_leibler_divergence": "kl_divergence",
    "kld": "kl_divergence",
    "KLD": "kl_divergence",
    "cosine_proximity": "cosine_similarity",
    "cosine": "cosine_similarity",
}
SHORT_METRICS = SHORT_LOSSES | dict.fromkeys(("cosine_proximity", "cosine"), "cosine_proximity")
ACTIVATIONS: dict[str, Row] = {
    name: row(f"activations.{name}") for name in SAME_FUNCTIONS["activations"].split()
}
ACTIVATIONS["hard_sigmoid"] = row(OLD_SIGMOID, "x", note="clip(0.2 x + 0.5, 0, 1), as before")
OBJECTIVES: dict[str, Row] = {
    name: row(f"losses.{name}") for name in SAME_FUNCTIONS["losses"].split()
} | {short: row(f"losses.{name}") for short, name in SHORT_LOSSES.items()}
ONE_NUMBER = "one number per batch, as before"
BATCH_SCORES = "precision recall fbeta_score fmeasure matthews_correlation".split()
METRICS: dict[str, Row] = {
    "get": row("metrics.get"),
    **{
        name: row(f"compat.keras.metrics.{SHORT_METRICS.get(name, name)}", note=ONE_NUMBER)
        for name in (
            *(one for one in OBJECTIVES if one != "get"),
            *"binary_accuracy categorical_accuracy sparse_categorical_accuracy".split(),
            "top_k_categorical_accuracy",
            *BATCH_SCORES,
        )
    },
}

CALLBACKS: dict[str, Row] = {
    "Callback": row("callbacks.Callback"),
    "CallbackList": row("callbacks.CallbackList", "callbacks queue_length:"),
    "BaseLogger": row("callbacks.Callback"),
    "History": row("callbacks.History"),
    "ProgbarLogger": row("callbacks.ProgbarLogger"),
    "LambdaCallback": row(
        "callbacks.LambdaCallback",
        "on_epoch_begin on_epoch_end on_batch_begin on_batch_end on_train_begin on_train_end",
    ),
    "ModelCheckpoint": row(
        "callbacks.ModelCheckpoint",
        "filepath monitor verbose save_best_only save_weights_only mode period",
    ),
    "EarlyStopping": row("callbacks.EarlyStopping", "monitor min_delta patience verbose mode"),
    "LearningRateScheduler": row("callbacks.LearningRateScheduler", "schedule"),
    "ReduceLROnPlateau": row(
        "callbacks.ReduceLROnPlateau",
        "monitor factor patience verbose mode epsilon:min_delta cooldown min_lr",
    ),
    "TensorBoard": row(
        "callbacks.TensorBoard",
        "log_dir histogram_freq write_graph write_images",
        {"log_dir": "./logs"},
    ),
    "CSVLogger": row("callbacks.CSVLogger", "filename separator append"),
    "RemoteMonitor": row("callbacks.RemoteMonitor", "root path field headers"),
}
DRAWN = "model to_file show_shapes show_layer_names rankdir"
UTILS: dict[str, Row] = {
    "to_categorical": row("utils.to_categorical", "y:x nb_classes:num_classes"),
    "normalize": row("utils.normalize", "x axis order"),
    "Progbar": row("utils.Progbar", "target width verbose interval"),
    "custom_object_scope": row("utils.custom_object_scope"),
    "CustomObjectScope": row("utils.CustomObjectScope"),
    "get_custom_objects": row("utils.get_custom_objects"),
    "get_file": row("compat.keras.files.get_file", "fname origin untar md5_hash cache_subdir"),
    "GeneratorEnqueuer": row(
        "compat.keras.enqueuers.GeneratorEnqueuer", "generator pickle_safe:use_multiprocessing"
    ),
    "layer_from_config": row("compat.keras.engine.layer_from_config", "config custom_objects"),
    "model_to_dot": row("utils.model_to_dot", "model show_shapes show_layer_names"),
    "plot": row("utils.plot_model", DRAWN, {"show_layer_names": True}),
    **{
        name: row(f"compat.keras.utilities.{name}", arguments)
        for name, arguments in {
            "binary_logloss": "p y",
            "multiclass_logloss": "P Y",
            "accuracy": "p y",
            "probas_to_classes": "y_pred",
            "categorical_probas_to_classes": "p",
            "convert_kernel": "kernel dim_ordering:data_format",
            "conv_output_length": "input_length filter_size border_mode:padding stride dilation",
            "conv_input_length": "output_length filter_size border_mode:padding stride",
            "convert_all_kernels_in_model": "model",
            "print_summary": "model line_length positions",
            "count_total_params": "layers layer_set",
            "HDF5Matrix": "datapath dataset start end normalizer",
            "ask_to_proceed_with_overwrite": "filepath",
            "get_test_data": (
                "nb_train:num_train nb_test:num_test input_shape output_shape classification "
                "nb_class:num_classes"
            ),
        }.items()
    },
}
SCIKIT: dict[str, Row] = {
    name: row(f"compat.keras.scikit_learn.{name}")
    for name in ("BaseWrapper", "KerasClassifier", "KerasRegressor")
}
SEQUENCE: dict[str, Row] = {
    "pad_sequences": row("data.pad_sequences", "sequences maxlen dtype padding truncating value"),
    "skipgrams": row(
        "data.skipgrams",
        "sequence vocabulary_size window_size negative_samples shuffle categorical sampling_table",
    ),
    "make_sampling_table": row("data.make_sampling_table", "size sampling_factor"),
}
TEXT: dict[str, Row] = {
    "Tokenizer": row("data.Tokenizer", "nb_words:num_words filters lower split char_level"),
    "text_to_word_sequence": row("data.text_to_word_sequence", "text filters lower split"),
    "one_hot": row("data.one_hot", "text n filters lower split"),
}
PICTURE = "row_axis col_axis channel_axis fill_mode cval"
NEAREST = {"interpolation_order": 0}
SAVED = "save_to_dir save_prefix save_format"
IMAGE: dict[str, Row] = {
    "ImageDataGenerator": row(
        "compat.keras.images.ImageDataGenerator",
        "featurewise_center samplewise_center featurewise_std_normalization "
        "samplewise_std_normalization zca_whitening rotation_range width_shift_range "
        "height_shift_range shear_range zoom_range channel_shift_range fill_mode cval "
        "horizontal_flip vertical_flip rescale preprocessing_function dim_ordering:data_format "
        "* width_zoom_range:!",
        NEAREST,
        "shears are in radians; each channel has its own shift",
    ),
    "Iterator": row("data.Iterator", "n batch_size shuffle seed * N:n"),
    "NumpyArrayIterator": row(
        "data.NumpyArrayIterator",
        f"x y image_data_generator batch_size shuffle seed dim_ordering:data_format {SAVED} * X:x",
        {"save_format": "jpeg"},
    ),
    "DirectoryIterator": row(
        "data.DirectoryIterator",
        "directory image_data_generator target_size color_mode dim_ordering:data_format classes "
        f"class_mode batch_size shuffle seed {SAVED} follow_links",
        {"save_format": "jpeg"},
    ),
    "load_img": row("compat.keras.images.load_img", "path grayscale target_size"),
    "img_to_array": row("data.img_to_array", "img dim_ordering:data_format"),
    "array_to_img": row("compat.keras.images.array_to_img", "x dim_ordering:data_format scale"),
    "list_pictures": row("data.list_pictures", "directory ext"),
    "flip_axis": row("data.flip_axis", "x axis"),
    "random_rotation": row("data.random_rotation", f"x rg {PICTURE}", NEAREST),
    "random_shift": row("data.random_shift", f"x wrg hrg {PICTURE}", NEAREST),
    "random_shear": row("compat.keras.images.random_shear", f"x intensity {PICTURE}", NEAREST),
    "random_zoom": row("data.random_zoom", f"x zoom_range {PICTURE}", NEAREST),
    "random_channel_shift": row(
        "compat.keras.images.random_channel_shift", "x intensity channel_axis"
    ),
    "transform_matrix_offset_center": row("data.transform_matrix_offset_center", "matrix x y"),
    "apply_transform": row(
        "compat.keras.images.apply_transform", "x transform_matrix channel_axis fill_mode cval"
    ),
}
READ = "path nb_words:num_words skip_top maxlen {}seed start_char oov_char index_from"
DATASETS: dict[str, dict[str, Row]] = {
    "datasets.mnist": {"load_data": row("datasets.mnist.load_data", "path")},
    "datasets.cifar10": {
        "load_data": row("datasets.cifar10.load_data"),
        "load_batch": row("datasets.cifar10.load_batch", "fpath label_key"),
    },
    "datasets.cifar100": {"load_data": row("datasets.cifar100.load_data", "label_mode")},
    "datasets.imdb": {
        "load_data": row("datasets.imdb.load_data", READ.format("") + " * test_split:!"),
        "get_word_index": row("datasets.imdb.get_word_index", "path"),
    },
    "datasets.reuters": {
        "load_data": row("datasets.reuters.load_data", READ.format("test_split ")),
        "get_word_index": row("datasets.reuters.get_word_index", "path"),
    },
}
ENGINE: dict[str, Row] = {
    "slice_X": row("compat.keras.engine.slice_arrays", "X:arrays start stop"),
    "get_source_inputs": row("compat.keras.engine.get_source_inputs", "tensor layer: node_index:"),
    "Container": row("models.Model", "input:inputs output:outputs name"),
    "to_list": row("compat.keras.utilities.to_list", "x"),
}
APPLICATIONS = applications(NETWORKS)

FAMILIES: dict[str, dict[str, Row]] = {
    "layers": LAYERS,
    "models": MODELS,
    "optimizers": OPTIMIZERS,
    "regularizers": REGULARIZERS,
    "constraints": CONSTRAINTS,
    "initializations": INITIALIZATIONS,
    "activations": ACTIVATIONS,
    "objectives": OBJECTIVES,
    "metrics": METRICS,
    "callbacks": CALLBACKS,
    "utils": UTILS,
    "sequence": SEQUENCE,
    "text": TEXT,
    "image": IMAGE,
    "engine": ENGINE,
    "scikit_learn": SCIKIT,
    **APPLICATIONS,
    **DATASETS,
    "backend": BACKEND,
}

# Methods of models and layers whose arguments have changed.
PREDICT = "x batch_size verbose"
LATER = "max_queue_size: workers: use_multiprocessing:"  # names of Keras 2 that are ignored today
METHODS: dict[str, Row] = {
    "Model.compile": row(
        "models.Model.compile",
        "optimizer loss metrics loss_weights sample_weight_mode: * class_mode:! theano_mode: mode:",
    ),
    "Model.fit": row(
        "models.Model.fit",
        "x y batch_size nb_epoch:epochs verbose callbacks validation_split validation_data shuffle "
        "class_weight sample_weight initial_epoch * show_accuracy:!",
        {"epochs": 10},
    ),
    "Model.evaluate": row(
        "models.Model.evaluate", "x y batch_size verbose sample_weight * show_accuracy:!"
    ),
    "Model.predict": row("models.Model.predict", PREDICT, {"verbose": 0}),
    "Model.train_on_batch": row(
        "models.Model.train_on_batch", "x y class_weight sample_weight * accuracy:!"
    ),
    "Model.fit_generator": row(
        "models.Model.fit",
        "generator samples_per_epoch:samples nb_epoch:epochs verbose callbacks validation_data "
        "nb_val_samples:validation_samples class_weight max_q_size: nb_worker: pickle_safe: "
        f"initial_epoch * show_accuracy:! nb_val_worker: {LATER}",
    ),
    "Model.evaluate_generator": row(
        "models.Model.evaluate",
        "generator val_samples:samples max_q_size: nb_worker: pickle_safe: "
        f"* show_accuracy:! {LATER}",
        {"verbose": 0},
    ),
    "Model.predict_generator": row(
        "models.Model.predict",
        f"generator val_samples:samples max_q_size: nb_worker: pickle_safe: * {LATER}",
        {"verbose": 0},
    ),
    "Layer.add_weight": row(
        "layers.Layer.add_weight", "shape initializer name trainable regularizer constraint"
    ),
}

# Argument values that have changed, by today's argument.
INITIALIZERS = {
    "uniform": "random_uniform",
    "normal": "random_normal",
    "gaussian": "random_normal",
    "zero": "zeros",
    "one": "ones",
}
DATA_FORMATS = {"th": "channels_first", "tf": "channels_last", "default": None}
VALUES: dict[str, dict] = {
    **{
        f"{weight}_initializer": INITIALIZERS
        for weight in (
            "kernel recurrent bias embeddings beta gamma depthwise alpha "
            "t_left a_left t_right a_right"
        ).split()
    },
    "initializer": INITIALIZERS,
    "data_format": DATA_FORMATS,
    "activation": {"hard_sigmoid": OLD_SIGMOID},
    "recurrent_activation": {"hard_sigmoid": OLD_SIGMOID},
    "activity_regularizer": {
        "activity_l1": "l1",
        "activity_l2": "l2",
        "activity_l1l2": "l1_l2",
    },
    "unit_forget_bias": {"one": True, "zero": False},
    "metrics": {
        "accuracy": "acc",
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
        **{name: f"compat.keras.metrics.{name}" for name in BATCH_SCORES},
    },
    "loss": {"cosine_proximity": "cosine_similarity"},
}

# Import paths, and the families of names in each.
MODULES: dict[str, str] = {
    "keras": "top",
    "keras.layers": "layers engine leaks",
    **{
        f"keras.layers.{name}": "layers engine leaks"
        for name in (
            "core convolutional convolutional_recurrent pooling recurrent embeddings normalization "
            "advanced_activations noise wrappers local"
        ).split()
    },
    "keras.models": "models layers leaks",
    "keras.engine": "layers models engine leaks",
    "keras.engine.topology": "layers models engine leaks",
    "keras.engine.training": "layers models engine leaks",
    "keras.optimizers": "optimizers",
    "keras.regularizers": "regularizers",
    "keras.constraints": "constraints",
    "keras.initializations": "initializations",
    "keras.activations": "activations",
    "keras.objectives": "objectives",
    "keras.metrics": "metrics",
    "keras.callbacks": "callbacks",
    "keras.backend": "backend",
    "keras.backend.common": "backend",
    "keras.backend.theano_backend": "backend",
    "keras.backend.tensorflow_backend": "backend",
    "keras.utils": "utils",
    "keras.utils.np_utils": "utils",
    "keras.utils.generic_utils": "utils",
    **{
        f"keras.utils.{name}": "utils engine"
        for name in (
            "layer_utils io_utils test_utils visualize_util vis_utils conv_utils multi_gpu_utils"
        ).split()
    },
    "keras.wrappers": "",
    "keras.wrappers.scikit_learn": "scikit_learn",
    **{f"keras.{name}": name for name in APPLICATIONS},
    "keras.preprocessing": "",
    "keras.preprocessing.sequence": "sequence",
    "keras.preprocessing.text": "text",
    "keras.preprocessing.image": "image",
    "keras.utils.data_utils": "utils",
    "keras.datasets": "",
    **{f"keras.{name}": name for name in DATASETS},
}
# Libraries that programs reach through a module of Keras: `K.tf.Session()`.
LIBRARIES = {"backend": {"tf": "tensorflow", "np": "numpy"}}
LEAKS = "activations initializations regularizers constraints"
TOP = {"layers": "Input", "models": "Model Sequential"}
VERSION = "1.2.2"
EPSILON = 1e-8  # `K.epsilon()`
LOWERCASE_NAMES = True  # convolution2d_1, not conv2d_1
WIDENED_LISTS = True  # `fit` turned vectors in a list of inputs into columns
LAID_OUT = True  # weights had another layout, as in files
FIRST_EPOCH = 0  # in checkpoint file names
CAPTURED_RATE = True  # assigning the rate after the first fit has no effect

# Names and keywords that indicate this generation, some shared with others.
SIGNS = {
    "names": (
        "Convolution1D Convolution2D Convolution3D Deconvolution2D AtrousConvolution2D Merge merge "
        "TimeDistributedDense initializations objectives slice_X activity_l2 activity_l1 "
        "image_dim_ordering set_image_dim_ordering get_output_shape_for keras.initializations "
        "keras.objectives keras.utils.visualize_util"
    ).split(),
    "keywords": (
        "nb_epoch nb_filter nb_row nb_col filter_length border_mode subsample subsample_length "
        "output_dim init inner_init inner_activation W_regularizer U_regularizer b_regularizer "
        "W_constraint b_constraint dropout_W dropout_U consume_less pool_length samples_per_epoch "
        "nb_val_samples dim_ordering nb_words max_q_size"
    ).split(),
}
