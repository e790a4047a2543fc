"""The rows of Keras 1's layers."""

from hornbook.dialects.keras1_backend import OLD_SIGMOID
from hornbook.dialects.row import Row, row

# Arguments for weights, as in most layers.
DENSE = (
    "init:kernel_initializer activation weights W_regularizer:kernel_regularizer "
    "b_regularizer:bias_regularizer activity_regularizer W_constraint:kernel_constraint "
    "b_constraint:bias_constraint bias:use_bias input_dim"
)
CONV = (
    "init:kernel_initializer activation weights border_mode:padding subsample:strides "
    "dim_ordering:data_format W_regularizer:kernel_regularizer b_regularizer:bias_regularizer "
    "activity_regularizer W_constraint:kernel_constraint b_constraint:bias_constraint bias:use_bias"
)
CONV1D = (
    "init:kernel_initializer activation weights border_mode:padding subsample_length:strides "
    "{}W_regularizer:kernel_regularizer b_regularizer:bias_regularizer "
    "activity_regularizer W_constraint:kernel_constraint b_constraint:bias_constraint "
    "bias:use_bias input_dim input_length"
)
RNN = (
    "activation {}W_regularizer:kernel_regularizer U_regularizer:recurrent_regularizer "
    "b_regularizer:bias_regularizer dropout_W:dropout dropout_U:recurrent_dropout "
    "* weights return_sequences go_backwards stateful unroll consume_less: input_dim input_length"
)
LOCAL = (
    "init:kernel_initializer activation weights border_mode:padding {}"
    "W_regularizer:kernel_regularizer b_regularizer:bias_regularizer activity_regularizer "
    "W_constraint:kernel_constraint b_constraint:bias_constraint bias:use_bias {}"
)
POOL = "pool_size strides border_mode:padding dim_ordering:data_format"
POOL1D = "pool_length:pool_size stride:strides border_mode:padding"

LAYERS: dict[str, Row] = {
    "Layer": row("layers.Layer"),
    "Input": row("layers.Input", "shape batch_shape name dtype sparse tensor"),
    "InputLayer": row(
        "layers.InputLayer", "input_shape:shape batch_input_shape:batch_shape input_dtype:dtype"
    ),
    "InputSpec": row("layers.InputSpec", "dtype shape ndim"),
    "Dense": row("layers.Dense", f"output_dim:units {DENSE}"),
    "TimeDistributedDense": row(
        "layers.Dense", f"output_dim:units {DENSE} input_length", note="Dense applies to every step"
    ),
    "Activation": row("layers.Activation", "activation"),
    "Dropout": row("layers.Dropout", "p:rate noise_shape seed"),
    "SpatialDropout1D": row("layers.SpatialDropout1D", "p:rate"),
    "SpatialDropout2D": row("layers.SpatialDropout2D", "p:rate dim_ordering:data_format"),
    "SpatialDropout3D": row("layers.SpatialDropout3D", "p:rate dim_ordering:data_format"),
    "GaussianNoise": row("layers.GaussianNoise", "sigma:stddev"),
    "GaussianDropout": row("layers.GaussianDropout", "p:rate"),
    "Flatten": row("layers.Flatten"),
    "Reshape": row("layers.Reshape", "target_shape"),
    "Permute": row("layers.Permute", "dims"),
    "RepeatVector": row("layers.RepeatVector", "n"),
    "Masking": row("layers.Masking", "mask_value"),
    "Lambda": row("layers.Lambda", "function output_shape mask arguments"),
    "ActivityRegularization": row("layers.ActivityRegularization", "l1 l2"),
    "Embedding": row(
        "layers.Embedding",
        "input_dim output_dim init:embeddings_initializer input_length "
        "W_regularizer:embeddings_regularizer activity_regularizer "
        "W_constraint:embeddings_constraint mask_zero weights dropout",
    ),
    "BatchNormalization": row(
        "layers.BatchNormalization",
        "epsilon mode axis momentum weights beta_init:beta_initializer "
        "gamma_init:gamma_initializer gamma_regularizer beta_regularizer",
    ),
    "Convolution1D": row(
        "layers.Conv1D", "nb_filter:filters filter_length:kernel_size " + CONV1D.format("")
    ),
    "AtrousConvolution1D": row(
        "layers.Conv1D",
        "nb_filter:filters filter_length:kernel_size "
        + CONV1D.format("atrous_rate:dilation_rate "),
    ),
    "Convolution2D": row("layers.Conv2D", f"nb_filter:filters nb_row+nb_col:kernel_size {CONV}"),
    "AtrousConvolution2D": row(
        "layers.Conv2D",
        f"nb_filter:filters nb_row+nb_col:kernel_size {CONV}".replace(
            "dim_ordering", "atrous_rate:dilation_rate dim_ordering"
        ),
    ),
    "SeparableConvolution2D": row(
        "layers.SeparableConv2D",
        "nb_filter:filters nb_row+nb_col:kernel_size init:depthwise_initializer activation weights "
        "border_mode:padding subsample:strides depth_multiplier dim_ordering:data_format "
        "depthwise_regularizer pointwise_regularizer b_regularizer:bias_regularizer "
        "activity_regularizer depthwise_constraint pointwise_constraint "
        "b_constraint:bias_constraint bias:use_bias",
    ),
    "Deconvolution2D": row(
        "layers.Conv2DTranspose",
        f"nb_filter:filters nb_row+nb_col:kernel_size output_shape {CONV}",
        note="`output_shape` resolves the ambiguous size: `output_padding` today",
    ),
    "Convolution3D": row(
        "layers.Conv3D",
        f"nb_filter:filters kernel_dim1+kernel_dim2+kernel_dim3:kernel_size {CONV}",
    ),
    "MaxPooling1D": row("layers.MaxPooling1D", POOL1D),
    "MaxPooling2D": row("layers.MaxPooling2D", POOL),
    "MaxPooling3D": row("layers.MaxPooling3D", POOL),
    "AveragePooling1D": row("layers.AveragePooling1D", POOL1D),
    "AveragePooling2D": row("layers.AveragePooling2D", POOL),
    "AveragePooling3D": row("layers.AveragePooling3D", POOL),
    "GlobalMaxPooling1D": row("layers.GlobalMaxPooling1D"),
    "GlobalMaxPooling2D": row("layers.GlobalMaxPooling2D", "dim_ordering:data_format"),
    "GlobalMaxPooling3D": row("layers.GlobalMaxPooling3D", "dim_ordering:data_format"),
    "GlobalAveragePooling1D": row("layers.GlobalAveragePooling1D"),
    "GlobalAveragePooling2D": row("layers.GlobalAveragePooling2D", "dim_ordering:data_format"),
    "GlobalAveragePooling3D": row("layers.GlobalAveragePooling3D", "dim_ordering:data_format"),
    "UpSampling1D": row("layers.UpSampling1D", "length:size"),
    "UpSampling2D": row("layers.UpSampling2D", "size dim_ordering:data_format"),
    "UpSampling3D": row("layers.UpSampling3D", "size dim_ordering:data_format"),
    "ZeroPadding1D": row("layers.ZeroPadding1D", "padding"),
    "ZeroPadding2D": row("layers.ZeroPadding2D", "padding dim_ordering:data_format"),
    "ZeroPadding3D": row("layers.ZeroPadding3D", "padding dim_ordering:data_format"),
    "Cropping1D": row("layers.Cropping1D", "cropping"),
    "Cropping2D": row("layers.Cropping2D", "cropping dim_ordering:data_format"),
    "Cropping3D": row("layers.Cropping3D", "cropping dim_ordering:data_format"),
    "SimpleRNN": row(
        "layers.SimpleRNN",
        "output_dim:units init:kernel_initializer inner_init:recurrent_initializer "
        + RNN.format(""),
    ),
    "LSTM": row(
        "layers.LSTM",
        "output_dim:units init:kernel_initializer inner_init:recurrent_initializer "
        "forget_bias_init:unit_forget_bias " + RNN.format("inner_activation:recurrent_activation "),
        {"recurrent_activation": OLD_SIGMOID},
    ),
    "GRU": row(
        "layers.GRU",
        "output_dim:units init:kernel_initializer inner_init:recurrent_initializer "
        + RNN.format("inner_activation:recurrent_activation "),
        {"recurrent_activation": OLD_SIGMOID, "reset_after": False},
    ),
    "ConvLSTM2D": row(
        "layers.ConvLSTM2D",
        "nb_filter:filters nb_row+nb_col:kernel_size init:kernel_initializer "
        "inner_init:recurrent_initializer forget_bias_init:unit_forget_bias activation "
        "inner_activation:recurrent_activation dim_ordering:data_format border_mode:padding "
        "subsample:strides W_regularizer:kernel_regularizer U_regularizer:recurrent_regularizer "
        "b_regularizer:bias_regularizer dropout_W:dropout dropout_U:recurrent_dropout "
        "* weights return_sequences go_backwards stateful consume_less:",
        {"recurrent_activation": OLD_SIGMOID, "recurrent_initializer": "orthogonal"},
    ),
    "LocallyConnected1D": row(
        "compat.keras.local.LocallyConnected1D",
        "nb_filter:filters filter_length:kernel_size "
        + LOCAL.format("subsample_length:strides ", "input_dim input_length"),
    ),
    "LocallyConnected2D": row(
        "compat.keras.local.LocallyConnected2D",
        "nb_filter:filters nb_row+nb_col:kernel_size "
        + LOCAL.format("subsample:strides dim_ordering:data_format ", ""),
    ),
    "MaxoutDense": row(
        "compat.keras.dropped.MaxoutDense",
        f"output_dim:units nb_feature {DENSE}".replace("activation weights", "weights"),
    ),
    "Highway": row("compat.keras.dropped.Highway", f"{DENSE} * transform_bias:!"),
    "SReLU": row(
        "compat.keras.dropped.SReLU",
        "t_left_init:t_left_initializer a_left_init:a_left_initializer "
        "t_right_init:t_right_initializer a_right_init:a_right_initializer shared_axes",
    ),
    "ParametricSoftplus": row(
        "compat.keras.dropped.ParametricSoftplus", "alpha_init beta_init weights shared_axes"
    ),
    "Recurrent": row(
        "compat.keras.dropped.Recurrent",
        "weights return_sequences go_backwards stateful unroll consume_less input_dim input_length",
    ),
    "Wrapper": row("layers.Wrapper", "layer"),
    "TimeDistributed": row("layers.TimeDistributed", "layer"),
    "Bidirectional": row("layers.Bidirectional", "layer merge_mode weights"),
    "LeakyReLU": row("layers.LeakyReLU", "alpha:negative_slope"),
    "PReLU": row("layers.PReLU", "init:alpha_initializer weights shared_axes"),
    "ELU": row("layers.ELU", "alpha"),
    "ThresholdedReLU": row("layers.ReLU", "theta:threshold", {"threshold": 1.0}),
    "merge": row(
        "compat.keras.merge.merge",
        "inputs mode concat_axis dot_axes output_shape output_mask arguments node_indices "
        "tensor_indices name",
    ),
    "Merge": row(
        "compat.keras.merge.Merge",
        "layers mode concat_axis dot_axes output_shape output_mask arguments node_indices "
        "tensor_indices name",
    ),
}
LAYERS |= {
    short: LAYERS[short.replace("Conv", "Convolution")]
    for short in ("Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "AtrousConv1D", "AtrousConv2D")
}
LAYERS["Deconv2D"] = LAYERS["Deconvolution2D"]
