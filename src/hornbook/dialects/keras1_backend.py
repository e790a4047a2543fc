"""`keras.backend` of Keras 1; `compat/keras/backend.py` has what has no equivalent today."""

from hornbook.dialects.row import Row, row

OLD_SIGMOID = "compat.keras.activations.hard_sigmoid"

WINDOW, FORMAT = "border_mode:padding", "dim_ordering:data_format"
SIZES = "image_shape: filter_shape:"  # hints for Theano

BACKEND: dict[str, Row] = {
    **{
        name: row(f"ops.{name}", "x axis keepdims")
        for name in "sum mean prod max min std var any all logsumexp".split()
    },
    **{name: row(f"ops.{name}", "x axis", {"axis": -1}) for name in "argmax argmin".split()},
    **{
        name: row(f"ops.{name}", "x")
        for name in (
            "square abs sqrt exp log sign round sin cos tanh sigmoid softplus softsign"
        ).split()
    },
    **{name: row(f"ops.{name}", "x:x1 y:x2") for name in "maximum minimum equal not_equal".split()},
    "stop_gradient": row("ops.stop_gradient", "variables:variable"),
    "greater": row("ops.greater", "x:x1 y:x2"),
    "greater_equal": row("ops.greater_equal", "x:x1 y:x2"),
    "less": row("ops.less", "x:x1 y:x2"),
    "lesser": row("ops.less", "x:x1 y:x2"),
    "lesser_equal": row("ops.less_equal", "x:x1 y:x2"),
    "less_equal": row("ops.less_equal", "x:x1 y:x2"),
    "pow": row("ops.power", "x:x1 a:x2"),
    "clip": row("ops.clip", "x min_value:x_min max_value:x_max"),
    "relu": row("activations.relu", "x alpha:negative_slope max_value threshold"),
    "elu": row("ops.elu", "x alpha"),
    "softmax": row("ops.softmax", "x axis"),
    "hard_sigmoid": row(OLD_SIGMOID, "x"),
    "l2_normalize": row("ops.normalize", "x axis"),
    "cast": row("ops.cast", "x dtype"),
    "concatenate": row("ops.concatenate", "tensors:xs axis", {"axis": -1}),
    "stack": row("ops.stack", "x axis"),
    "pack": row("ops.stack", "x axis"),
    "expand_dims": row("ops.expand_dims", "x dim:axis", {"axis": -1}),
    "squeeze": row("ops.squeeze", "x axis"),
    "reshape": row("ops.reshape", "x shape:newshape"),
    "permute_dimensions": row("ops.transpose", "x pattern:axes"),
    "transpose": row("ops.transpose", "x"),
    "repeat_elements": row("ops.repeat", "x rep:repeats axis"),
    "tile": row("ops.tile", "x n:repeats"),
    "gather": row("ops.take", "reference:x indices", {"axis": 0}),
    "reverse": row("ops.flip", "x axes:axis"),
    "arange": row("ops.arange", "start stop step dtype", {"dtype": "int32"}),
    "one_hot": row("ops.one_hot", "indices:x nb_classes:num_classes"),
    "shape": row("ops.shape", "x"),
    "zeros_like": row("ops.zeros_like", "x dtype"),
    "ones_like": row("ops.ones_like", "x dtype"),
    "random_normal": row("random.normal", "shape mean std:stddev dtype seed"),
    "random_uniform": row("random.uniform", "shape low:minval high:maxval dtype seed"),
    "epsilon": row("backend.epsilon"),
    "set_epsilon": row("backend.set_epsilon", "e:value"),
    "floatx": row("backend.floatx"),
    "set_floatx": row("backend.set_floatx", "floatx:value"),
    "is_keras_tensor": row("backend.is_keras_tensor", "x"),
    "clear_session": row("compat.keras.backend.clear_session"),
    "get_session": row("compat.tensorflow1.keras.get_session"),
    "set_session": row("compat.tensorflow1.keras.set_session", "session"),
    **{
        name: row(f"compat.keras.backend.{name}", arguments)
        for name, arguments in {
            "backend": "",
            "variable": "value dtype name",
            "placeholder": "shape ndim dtype name",
            "constant": "value dtype shape name",
            "zeros": "shape dtype name",
            "ones": "shape dtype name",
            "eye": "size dtype name",
            "get_value": "x",
            "set_value": "x value",
            "batch_get_value": "xs",
            "batch_set_value": "tuples",
            "eval": "x",
            "update": "x new_x",
            "update_add": "x increment",
            "ndim": "x",
            "int_shape": "x",
            "dtype": "x",
            "count_params": "x",
            "cast_to_floatx": "x",
            "dot": "x y",
            "batch_dot": "x y axes",
            "flatten": "x",
            "batch_flatten": "x",
            "repeat": "x n",
            "bias_add": "x bias",
            "switch": "condition then_expression else_expression",
            "in_train_phase": "x alt training",
            "in_test_phase": "x alt training",
            "learning_phase": "",
            "set_learning_phase": "value",
            "dropout": "x level noise_shape seed",
            "random_binomial": "shape p dtype seed",
            "function": "inputs outputs updates * givens",
            "gradients": "loss variables",
            "_set_device": "device",
            "print_tensor": "x message",
            "image_data_format": "",
            "set_image_data_format": "data_format",
        }.items()
    },
    **{
        name: row(f"compat.keras.variables.{name}", arguments)
        for name, arguments in {
            "get_uid": "prefix",
            "reset_uids": "",
            "manual_variable_initialization": "value",
            "random_uniform_variable": "shape low high dtype name seed",
            "random_normal_variable": "shape mean scale dtype name seed",
            "update_sub": "x decrement",
            "moving_average_update": "variable:x value momentum",
            "is_sparse": "tensor",
            "to_dense": "tensor",
        }.items()
    },
    "get_variable_shape": row("compat.keras.backend.int_shape", "x"),
    "Function": row("compat.keras.backend.KFunction", "inputs outputs updates"),
    "in_top_k": row("ops.in_top_k", "predictions targets k"),
    **{
        name: row(f"compat.keras.sequences.{name}", arguments)
        for name, arguments in {
            "rnn": (
                "step_function inputs initial_states go_backwards mask constants unroll "
                "input_length"
            ),
            "map_fn": "fn elems name dtype",
            "foldl": "fn elems initializer name",
            "foldr": "fn elems initializer name",
            "ctc_batch_cost": "y_true y_pred input_length label_length",
            "ctc_decode": "y_pred input_length greedy beam_width top_paths",
        }.items()
    },
    "conv1d": row("compat.keras.convolution.conv1d", f"x kernel stride:strides {WINDOW} {SIZES}"),
    "conv2d": row(
        "compat.keras.convolution.conv",
        f"x kernel strides {WINDOW} {FORMAT} {SIZES} filter_dilation:dilation_rate",
        {"outputs_first": True},
    ),
    "atrous_conv2d": row(
        "compat.keras.convolution.conv",
        f"x kernel rate:dilation_rate {WINDOW} {FORMAT} {SIZES}",
        {"outputs_first": True},
    ),
    "deconv2d": row(
        "compat.keras.convolution.conv_transpose",
        f"x kernel output_shape strides {WINDOW} {FORMAT} {SIZES}",
        {"outputs_first": True},
    ),
    "separable_conv2d": row(
        "compat.keras.convolution.separable_conv",
        f"x depthwise_kernel pointwise_kernel strides {WINDOW} {FORMAT}",
    ),
    "conv3d": row(
        "compat.keras.convolution.conv",
        f"x kernel strides {WINDOW} {FORMAT} volume_shape: filter_shape:",
        {"outputs_first": True},
    ),
    **{
        name: row(
            "compat.keras.convolution.pool", f"x pool_size strides {WINDOW} {FORMAT} pool_mode"
        )
        for name in ("pool2d", "pool3d")
    },
    "temporal_padding": row("compat.keras.convolution.temporal_padding", "x padding"),
    "asymmetric_temporal_padding": row(
        "compat.keras.convolution.asymmetric_temporal_padding", "x left_pad right_pad"
    ),
    **{
        name: row("compat.keras.convolution.spatial_padding", f"x padding {FORMAT}")
        for name in ("spatial_2d_padding", "spatial_3d_padding")
    },
    "asymmetric_spatial_2d_padding": row(
        "compat.keras.convolution.asymmetric_spatial_2d_padding",
        f"x top_pad bottom_pad left_pad right_pad {FORMAT}",
    ),
    "resize_images": row(
        "compat.keras.convolution.resize_images", f"X:x height_factor width_factor {FORMAT}"
    ),
    "resize_volumes": row(
        "compat.keras.convolution.resize_volumes",
        f"X:x depth_factor height_factor width_factor {FORMAT}",
    ),
    "normalize_batch_in_training": row(
        "compat.keras.convolution.normalize_batch_in_training",
        "x gamma beta reduction_axes epsilon",
    ),
    "batch_normalization": row(
        "compat.keras.convolution.batch_normalization", "x mean var beta gamma epsilon"
    ),
    "image_dim_ordering": row("compat.keras.backend.image_dim_ordering"),
    "set_image_dim_ordering": row("compat.keras.backend.set_image_dim_ordering", "dim_ordering"),
    "categorical_crossentropy": row("ops.categorical_crossentropy", "output target from_logits"),
    "sparse_categorical_crossentropy": row(
        "ops.sparse_categorical_crossentropy", "output target from_logits"
    ),
    "binary_crossentropy": row("ops.binary_crossentropy", "output target from_logits"),
}
