"""The rows of Keras 2's layers, which also take Keras 1's keywords."""

from hornbook.dialects import keras1_layers
from hornbook.dialects.keras1_backend import OLD_SIGMOID
from hornbook.dialects.row import Row, accepting, row

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
    name: accepting(one, keras1_layers.LAYERS[name]) if name in keras1_layers.LAYERS else one
    for name, one in (NEW_LAYERS | keras1_layers.LAYERS | NEW_LAYERS).items()
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
