"""Every public object, its constructor and inputs: the one table that the suite runs over.

Most rows are derived from the object by `default_row`. Rows written out here need other arguments
or inputs, or are tested with non-default ones. The column `but` names the checks that an object
does not pass, each with the reason.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np

from hornbook import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from hornbook.core.config import Configurable, register_keras_serializable
from hornbook.optimizers import schedules

RANDOM = np.random.default_rng(0)


@contextmanager
def float64() -> Iterator[None]:
    """Inside, jax has 64 bits. All that it has compiled before is compiled again afterwards."""
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", False)


def floats(*shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    return RANDOM.uniform(low, high, shape).astype("float32")


@register_keras_serializable("contract")
def halve(x):
    return x / 2


@register_keras_serializable("contract")
def affine(params, state, inputs):
    return inputs @ params["w"] + params["b"], {"calls": state["calls"] + 1}


@register_keras_serializable("contract")
def affine_start(rng, inputs):
    w = jax.random.normal(rng, (inputs.shape[-1], 3), inputs.dtype)
    return {"w": w, "b": np.zeros(3)}, {"calls": 0.0}


# ---- layers: how to make one (it also takes name, dtype, ...) and three samples

VECTORS, SERIES = floats(3, 4), floats(3, 5, 4)
IMAGES, VOLUMES = floats(3, 5, 4, 4), floats(3, 3, 4, 3, 4)
WORDS = RANDOM.integers(0, 6, (3, 5)).astype("int32")
TOKENS = np.array([["a", "b", "z"], ["b", "b", "a"], ["x", "y", "a"]])
ON_HOST = dict.fromkeys(("jit", "batch", "dtype"), "it runs on the host, where nothing is compiled")
PHOTOS = np.random.default_rng(1).uniform(0, 1, (3, 5, 4, 3)).astype("float32")
LEVELS = {"jit": "it looks up levels of brightness, which have no gradient"}
DRAWS = dict.fromkeys(("jit", "batch", "copy"), "it draws at each call, unless training=False")
INTEGERS = "it gives integers, which have no gradients and one dtype"
TWO = [floats(3, 4), floats(3, 4)]
QUERY_VALUE = [floats(3, 5, 4), floats(3, 2, 4)]


@dataclass(frozen=True)
class Row:
    make: Callable[..., Any]
    inputs: Any
    call: dict = field(default_factory=dict)  # more arguments of the call
    but: dict[str, str] = field(default_factory=dict)  # check -> why it is left out


def row(cls: Callable, inputs: Any, *args: Any, but: dict | None = None, **kwargs: Any) -> Row:
    return Row(partial(cls, *args, **kwargs), inputs, but=but or {})


def around(wrapper: Callable, inner: Callable, inputs: Any) -> Row:
    """A wrapper or recurrent layer, made with a new inner layer of the same dtype each time."""
    return Row(
        lambda dtype=None, **kwargs: wrapper(inner(dtype=dtype), dtype=dtype, **kwargs), inputs
    )


LAYERS: dict[str, Row] = {
    # activations
    "Activation": row(layers.Activation, VECTORS, "tanh"),
    "ELU": row(layers.ELU, VECTORS, alpha=0.5),
    "LeakyReLU": row(layers.LeakyReLU, VECTORS, 0.1),
    "PReLU": row(layers.PReLU, VECTORS, alpha_initializer="glorot_uniform"),
    "ReLU": row(layers.ReLU, VECTORS, max_value=0.5),
    # weights for every sample
    "Dense": row(layers.Dense, VECTORS, 3, activation="tanh", kernel_regularizer="l2"),
    "EinsumDense": row(layers.EinsumDense, SERIES, "abc,cd->abd", (None, 3), bias_axes="d"),
    "Embedding": row(layers.Embedding, WORDS, 6, 3),
    "ReversibleEmbedding": row(layers.ReversibleEmbedding, WORDS, 6, 3),
    "SpectralNormalization": around(  # with a norm that is exact from the first step on
        partial(layers.SpectralNormalization, power_iterations=20),
        partial(layers.Dense, 3),
        VECTORS,
    ),
    "WeightNormalization": around(
        partial(layers.WeightNormalization, data_init=False), partial(layers.Dense, 3), VECTORS
    ),
    # convolutions
    "Conv1D": row(layers.Conv1D, SERIES, 3, 2, padding="causal"),
    "Conv2D": row(layers.Conv2D, IMAGES, 3, 2, activation="tanh"),
    "Conv3D": row(layers.Conv3D, VOLUMES, 2, 2),
    "Conv1DTranspose": row(layers.Conv1DTranspose, SERIES, 3, 2, strides=2),
    "Conv2DTranspose": row(layers.Conv2DTranspose, IMAGES, 3, 2, padding="same"),
    "Conv3DTranspose": row(layers.Conv3DTranspose, VOLUMES, 2, 2),
    "DepthwiseConv1D": row(layers.DepthwiseConv1D, SERIES, 2),
    "DepthwiseConv2D": row(layers.DepthwiseConv2D, IMAGES, 2, depth_multiplier=2),
    "SeparableConv1D": row(layers.SeparableConv1D, SERIES, 3, 2),
    "SeparableConv2D": row(layers.SeparableConv2D, IMAGES, 3, 2),
    # pooling
    "AveragePooling2D": row(layers.AveragePooling2D, IMAGES, padding="same"),
    "MaxPooling1D": row(layers.MaxPooling1D, SERIES, padding="same"),
    "MaxPooling2D": row(layers.MaxPooling2D, IMAGES, (2, 3), 1),
    "GlobalAveragePooling3D": row(layers.GlobalAveragePooling3D, VOLUMES, keepdims=True),
    "GlobalMaxPooling1D": row(layers.GlobalMaxPooling1D, SERIES, keepdims=True),
    "AdaptiveAveragePooling1D": row(layers.AdaptiveAveragePooling1D, SERIES, 2),
    "AdaptiveAveragePooling2D": row(layers.AdaptiveAveragePooling2D, IMAGES, (2, 3)),
    "AdaptiveAveragePooling3D": row(layers.AdaptiveAveragePooling3D, VOLUMES, 2),
    "AdaptiveMaxPooling1D": row(layers.AdaptiveMaxPooling1D, SERIES, 2),
    "AdaptiveMaxPooling2D": row(layers.AdaptiveMaxPooling2D, IMAGES, 2),
    "AdaptiveMaxPooling3D": row(layers.AdaptiveMaxPooling3D, VOLUMES, (2, 2, 1)),
    # noise, which is there in training only
    "ActivityRegularization": row(layers.ActivityRegularization, VECTORS, l1=0.01, l2=0.01),
    "AlphaDropout": row(layers.AlphaDropout, VECTORS, 0.2, seed=1),
    "Dropout": row(layers.Dropout, VECTORS, 0.5, noise_shape=(None, 1), seed=1),
    "GaussianDropout": row(layers.GaussianDropout, VECTORS, 0.2, seed=1),
    "GaussianNoise": row(layers.GaussianNoise, VECTORS, 0.2, seed=1),
    "SpatialDropout1D": row(layers.SpatialDropout1D, SERIES, 0.2, seed=1),
    "SpatialDropout2D": row(layers.SpatialDropout2D, IMAGES, 0.2, seed=1),
    "SpatialDropout3D": row(layers.SpatialDropout3D, VOLUMES, 0.2, seed=1),
    # normalization
    "BatchNormalization": row(layers.BatchNormalization, VECTORS, momentum=0.9),
    "GroupNormalization": row(layers.GroupNormalization, SERIES, 2),
    "LayerNormalization": row(layers.LayerNormalization, SERIES),
    "RMSNormalization": row(layers.RMSNormalization, SERIES),
    # several inputs
    "Add": row(layers.Add, TWO),
    "Average": row(layers.Average, TWO),
    "Concatenate": row(layers.Concatenate, TWO, axis=1),
    "Dot": row(layers.Dot, TWO, axes=1, normalize=True),
    "Maximum": row(layers.Maximum, TWO),
    "Minimum": row(layers.Minimum, TWO),
    "Multiply": row(layers.Multiply, TWO),
    "Subtract": row(layers.Subtract, TWO),
    # attention
    "AdditiveAttention": row(layers.AdditiveAttention, QUERY_VALUE),
    "Attention": row(layers.Attention, QUERY_VALUE, use_scale=True, score_mode="concat"),
    "MultiHeadAttention": Row(
        partial(layers.MultiHeadAttention, num_heads=2, key_dim=3, use_bias=False),
        SERIES,
        {"value": SERIES},
    ),
    "GroupQueryAttention": Row(
        partial(layers.GroupQueryAttention, 3, num_query_heads=4, num_key_value_heads=2),
        SERIES,
        {"value": SERIES},
    ),
    # recurrent
    "ConvLSTM1D": row(layers.ConvLSTM1D, IMAGES, 2, 2, return_sequences=True),
    "ConvLSTM2D": row(layers.ConvLSTM2D, VOLUMES, 2, 2, padding="same", go_backwards=True),
    "ConvLSTM3D": row(layers.ConvLSTM3D, floats(3, 2, 3, 3, 2, 2), 2, 2, strides=2, padding="same"),
    "Bidirectional": around(layers.Bidirectional, partial(layers.LSTM, 2), SERIES),
    "GRU": row(layers.GRU, SERIES, 3, return_sequences=True),
    "GRUCell": around(layers.RNN, partial(layers.GRUCell, 3), SERIES),
    "LSTM": row(layers.LSTM, SERIES, 3),
    "LSTMCell": around(layers.RNN, partial(layers.LSTMCell, 3), SERIES),
    "CoupledLSTM": row(layers.CoupledLSTM, SERIES, 3),
    "CoupledLSTMCell": around(layers.RNN, partial(layers.CoupledLSTMCell, 3), SERIES),
    "LayerNormGRU": row(layers.LayerNormGRU, SERIES, 3),
    "LayerNormGRUCell": around(layers.RNN, partial(layers.LayerNormGRUCell, 3), SERIES),
    "LayerNormLSTM": row(layers.LayerNormLSTM, SERIES, 3),
    "LayerNormLSTMCell": around(layers.RNN, partial(layers.LayerNormLSTMCell, 3), SERIES),
    "PeepholeLSTM": row(layers.PeepholeLSTM, SERIES, 3),
    "PeepholeLSTMCell": around(layers.RNN, partial(layers.PeepholeLSTMCell, 3), SERIES),
    "RNN": around(
        partial(layers.RNN, return_sequences=True), partial(layers.SimpleRNNCell, 3), SERIES
    ),
    "SimpleRNN": row(layers.SimpleRNN, SERIES, 3, go_backwards=True),
    "SimpleRNNCell": around(layers.RNN, partial(layers.SimpleRNNCell, 3), SERIES),
    "StackedRNNCells": around(
        layers.RNN,
        lambda dtype: layers.StackedRNNCells([layers.LSTMCell(u, dtype=dtype) for u in (3, 2)]),
        SERIES,
    ),
    "TimeDistributed": around(layers.TimeDistributed, partial(layers.Dense, 3), SERIES),
    # shapes
    "Cropping1D": row(layers.Cropping1D, SERIES, (1, 2)),
    "Cropping2D": row(layers.Cropping2D, IMAGES, ((1, 0), (1, 1))),
    "Cropping3D": row(layers.Cropping3D, VOLUMES, (1, 1, 0)),
    "Flatten": row(layers.Flatten, IMAGES),
    "Permute": row(layers.Permute, SERIES, (2, 1)),
    "RepeatVector": row(layers.RepeatVector, VECTORS, 2),
    "Reshape": row(layers.Reshape, SERIES, (2, -1)),
    "UpSampling2D": row(layers.UpSampling2D, IMAGES, interpolation="bilinear"),
    "ZeroPadding1D": row(layers.ZeroPadding1D, SERIES, (1, 2)),
    "ZeroPadding2D": row(layers.ZeroPadding2D, IMAGES, ((1, 0), (2, 1))),
    # raw values
    "CategoryEncoding": row(
        layers.CategoryEncoding, WORDS, 6, "count", but={"jit": "integers have no gradients"}
    ),
    "Discretization": row(
        layers.Discretization,
        VECTORS,
        [-0.5, 0.5],
        but=dict.fromkeys(("jit", "batch", "dtype"), INTEGERS),
    ),
    "HashedCrossing": row(layers.HashedCrossing, [TOKENS[:, :1], WORDS[:, :1]], 9, but=ON_HOST),
    "Hashing": row(layers.Hashing, TOKENS, 9, but=ON_HOST),
    "Normalization": row(
        layers.Normalization, VECTORS, but={"dtype": "how much it has seen is an integer"}
    ),
    "IntegerLookup": row(layers.IntegerLookup, WORDS, vocabulary=[3, 1, 5], but=ON_HOST),
    "StringLookup": row(
        layers.StringLookup, TOKENS, vocabulary=["a", "b"], output_mode="multi_hot", but=ON_HOST
    ),
    "TextVectorization": row(
        layers.TextVectorization,
        np.array([["a b"], ["b"], ["x"]]),
        vocabulary=["a", "b"],
        output_sequence_length=3,
        but=ON_HOST,
    ),
    # pictures
    "CenterCrop": row(layers.CenterCrop, IMAGES, 3, 2),
    "MaxNumBoundingBoxes": row(
        layers.MaxNumBoundingBoxes,
        {"images": IMAGES, "bounding_boxes": {"boxes": floats(3, 2, 4), "labels": WORDS[:, :2]}},
        3,
        but={"dtype": "images and boxes keep their dtypes"},
    ),
    "Pipeline": Row(
        lambda dtype=None, **kwargs: layers.Pipeline([layers.RandomFlip(dtype=dtype)], **kwargs),
        IMAGES,
        but=DRAWS,
    ),
    "RandomCrop": row(layers.RandomCrop, IMAGES, 3, 2, but=DRAWS),
    "RandomElasticTransform": row(layers.RandomElasticTransform, IMAGES, but=DRAWS),
    "RandomFlip": row(layers.RandomFlip, IMAGES, but=DRAWS),
    "RandomPerspective": row(layers.RandomPerspective, IMAGES, but=DRAWS),
    "RandomRotation": row(layers.RandomRotation, IMAGES, 0.1, but=DRAWS),
    "RandomShear": row(layers.RandomShear, IMAGES, 0.1, but=DRAWS),
    "RandomTranslation": row(layers.RandomTranslation, IMAGES, 0.1, 0.2, but=DRAWS),
    "RandomZoom": row(layers.RandomZoom, IMAGES, 0.1, but=DRAWS),
    # pictures: values of pixels
    "AutoContrast": row(layers.AutoContrast, PHOTOS, (0, 1)),
    "ContrastLimitedAdaptiveHistogramEqualization": row(
        layers.ContrastLimitedAdaptiveHistogramEqualization,
        PHOTOS,
        (0, 1),
        tile_grid_size=(2, 3),
        but=LEVELS,
    ),
    "Equalization": row(layers.Equalization, PHOTOS, (0, 1), but=LEVELS),
    "Solarization": row(layers.Solarization, PHOTOS, 0.2, (0.3, 0.6), (0, 1), but=DRAWS),
    "AugMix": row(layers.AugMix, PHOTOS, (0, 1), but=DRAWS),
    "RandAugment": row(layers.RandAugment, PHOTOS, (0, 1), but=DRAWS),
    "CutMix": row(layers.CutMix, PHOTOS, but=DRAWS),
    "MixUp": row(layers.MixUp, PHOTOS, but=DRAWS),
    "RandomColorJitter": row(
        layers.RandomColorJitter, PHOTOS, (0, 1), 0.2, 0.2, 0.5, 0.1, but=DRAWS
    ),
    "RandomErasing": row(layers.RandomErasing, PHOTOS, fill_value=1, but=DRAWS),
    "RandomGaussianBlur": row(layers.RandomGaussianBlur, PHOTOS, but=DRAWS),
    "RandomGrayscale": row(layers.RandomGrayscale, PHOTOS, but=DRAWS),
    "RandomInvert": row(layers.RandomInvert, PHOTOS, value_range=(0, 1), but=DRAWS),
    "RandomPosterization": row(layers.RandomPosterization, PHOTOS, 5, (0, 1), but=DRAWS),
    **{
        name: row(getattr(layers, name), PHOTOS, (0.2, 0.6), (0, 1), but=DRAWS)
        for name in (
            "RandomBrightness RandomColorDegeneration RandomContrast RandomHue RandomSaturation "
            "RandomSharpness"
        ).split()
    },
    "Resizing": row(layers.Resizing, IMAGES, 3, 7),
    # others
    "InputLayer": row(
        layers.InputLayer, VECTORS, (4,), but={"dtype": "its dtype is that of the data, no policy"}
    ),
    "JaxLayer": row(layers.JaxLayer, VECTORS, affine, affine_start),
    "Lambda": row(layers.Lambda, VECTORS, halve),
    "Masking": row(layers.Masking, SERIES),
    "Rescaling": row(layers.Rescaling, VECTORS, 2.0, offset=0.5),
    "MelSpectrogram": row(layers.MelSpectrogram, floats(3, 64), 16, 8, num_mel_bins=4),
    "STFTSpectrogram": row(layers.STFTSpectrogram, SERIES, "magnitude", frame_length=4),
}

# ---- losses and metrics: how to make one, targets and predictions

CLASSES = np.array([0, 0, 1, 1, 2, 2], "int32")
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
SHARES = floats(6, 3, low=0.05)
SHARES /= SHARES.sum(-1, keepdims=True)
BITS, CHANCES = np.array([[0.0], [1], [1], [0], [1], [0]], "float32"), floats(6, 1, low=0.05)
SIGNS, REALS, OTHERS = 2 * BITS - 1, floats(6, 3), floats(6, 3)
DIRECTIONS = REALS / np.linalg.norm(REALS, axis=-1, keepdims=True)
LABELS = np.array([[1, 2], [2, 0], [1, 1]], "int32")


@register_keras_serializable("contract")
def cubic(y_true, y_pred):
    return abs(y_true - y_pred) ** 3


LOSSES: dict[str, tuple[Callable, Any, Any]] = {
    "BinaryCrossentropy": (losses.BinaryCrossentropy, BITS, CHANCES),
    "BinaryFocalCrossentropy": (losses.BinaryFocalCrossentropy, BITS, CHANCES),
    "CTC": (losses.CTC, LABELS, floats(3, 5, 4)),
    "CategoricalCrossentropy": (losses.CategoricalCrossentropy, ONE_HOT, SHARES),
    "CategoricalFocalCrossentropy": (losses.CategoricalFocalCrossentropy, ONE_HOT, SHARES),
    "CategoricalGeneralizedCrossEntropy": (
        losses.CategoricalGeneralizedCrossEntropy,
        CLASSES,
        SHARES,
    ),
    "CategoricalHinge": (losses.CategoricalHinge, ONE_HOT, SHARES),
    "Circle": (losses.Circle, CLASSES, DIRECTIONS),
    "Dice": (partial(losses.Dice, axis=-1), ONE_HOT, SHARES),
    "Hinge": (losses.Hinge, SIGNS, CHANCES),
    "Huber": (partial(losses.Huber, delta=0.5), REALS, OTHERS),
    "KLDivergence": (losses.KLDivergence, SHARES, SHARES[::-1]),
    "LossFunctionWrapper": (partial(losses.LossFunctionWrapper, cubic), REALS, OTHERS),
    "MeanSquaredLogarithmicError": (losses.MeanSquaredLogarithmicError, SHARES, SHARES[::-1]),
    "Poisson": (losses.Poisson, BITS, CHANCES),
    "SparseCategoricalCrossentropy": (losses.SparseCategoricalCrossentropy, CLASSES, SHARES),
    "SquaredHinge": (losses.SquaredHinge, SIGNS, CHANCES),
    "Tversky": (partial(losses.Tversky, alpha=0.3, beta=0.7), ONE_HOT, SHARES),
}

METRICS: dict[str, tuple[Callable, Any, Any]] = {
    "AUC": (partial(metrics.AUC, num_thresholds=20), BITS, CHANCES),
    "Accuracy": (metrics.Accuracy, BITS, BITS[::-1]),
    "BinaryAccuracy": (partial(metrics.BinaryAccuracy, threshold=0.4), BITS, CHANCES),
    "BinaryCrossentropy": (metrics.BinaryCrossentropy, BITS, CHANCES),
    "BinaryIoU": (metrics.BinaryIoU, BITS, CHANCES),
    "CategoricalAccuracy": (metrics.CategoricalAccuracy, ONE_HOT, SHARES),
    "CategoricalCrossentropy": (metrics.CategoricalCrossentropy, ONE_HOT, SHARES),
    "CategoricalHinge": (metrics.CategoricalHinge, ONE_HOT, SHARES),
    "F1Score": (partial(metrics.F1Score, average="macro"), ONE_HOT, SHARES),
    "FBetaScore": (partial(metrics.FBetaScore, beta=2.0), ONE_HOT, SHARES),
    "FalseNegatives": (metrics.FalseNegatives, BITS, CHANCES),
    "FalsePositives": (partial(metrics.FalsePositives, thresholds=[0.2, 0.6]), BITS, CHANCES),
    "Hinge": (metrics.Hinge, SIGNS, CHANCES),
    "IoU": (partial(metrics.IoU, 3, [0, 1]), CLASSES, CLASSES[::-1]),
    "KLDivergence": (metrics.KLDivergence, SHARES, SHARES[::-1]),
    "Mean": (metrics.Mean, REALS, None),
    "MeanIoU": (partial(metrics.MeanIoU, num_classes=3), CLASSES, CLASSES[::-1]),
    "MeanMetricWrapper": (partial(metrics.MeanMetricWrapper, cubic), REALS, OTHERS),
    "MeanSquaredLogarithmicError": (metrics.MeanSquaredLogarithmicError, SHARES, SHARES[::-1]),
    "OneHotIoU": (partial(metrics.OneHotIoU, 3, [0, 2]), ONE_HOT, SHARES),
    "OneHotMeanIoU": (partial(metrics.OneHotMeanIoU, 3), ONE_HOT, SHARES),
    "Poisson": (metrics.Poisson, BITS, CHANCES),
    "Precision": (metrics.Precision, BITS, CHANCES),
    "PrecisionAtRecall": (partial(metrics.PrecisionAtRecall, 0.5), BITS, CHANCES),
    "Recall": (partial(metrics.Recall, top_k=2), ONE_HOT, SHARES),
    "RecallAtPrecision": (partial(metrics.RecallAtPrecision, 0.5), BITS, CHANCES),
    "SensitivityAtSpecificity": (partial(metrics.SensitivityAtSpecificity, 0.5), BITS, CHANCES),
    "SparseCategoricalAccuracy": (metrics.SparseCategoricalAccuracy, CLASSES, SHARES),
    "SparseCategoricalCrossentropy": (metrics.SparseCategoricalCrossentropy, CLASSES, SHARES),
    "SparseTopKCategoricalAccuracy": (
        partial(metrics.SparseTopKCategoricalAccuracy, k=2),
        CLASSES,
        SHARES,
    ),
    "SpecificityAtSensitivity": (partial(metrics.SpecificityAtSensitivity, 0.5), BITS, CHANCES),
    "SquaredHinge": (metrics.SquaredHinge, SIGNS, CHANCES),
    "Sum": (metrics.Sum, REALS, None),
    "TopKCategoricalAccuracy": (partial(metrics.TopKCategoricalAccuracy, k=2), ONE_HOT, SHARES),
    "TrueNegatives": (metrics.TrueNegatives, BITS, CHANCES),
    "TruePositives": (metrics.TruePositives, BITS, CHANCES),
}

# ---- optimizers and schedules: how to make one

OPTIMIZERS: dict[str, Callable] = {
    "Adadelta": partial(optimizers.Adadelta, 1.0),
    "Adam": partial(optimizers.Adam, 0.1, amsgrad=True),
    "LossScaleOptimizer": lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.1)),
    "MultiOptimizer": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(0.1), {".*bias": optimizers.Adam(0.1)})
    ),
    "RMSprop": partial(optimizers.RMSprop, 0.1, centered=True),
    "SGD": partial(optimizers.SGD, 0.1, momentum=0.5, nesterov=True),
}

SCHEDULES: dict[str, Callable] = {
    "CosineDecay": partial(schedules.CosineDecay, 0.1, 10, warmup_target=0.5, warmup_steps=3),
    "CosineDecayRestarts": partial(schedules.CosineDecayRestarts, 0.1, 5),
    "ExponentialDecay": partial(schedules.ExponentialDecay, 0.1, 10, 0.5, staircase=True),
    "InverseTimeDecay": partial(schedules.InverseTimeDecay, 0.1, 10, 0.5),
    "OneCycle": partial(schedules.OneCycle, 0.1, 10, anneal_strategy="linear"),
    "PiecewiseConstantDecay": partial(schedules.PiecewiseConstantDecay, [3, 6], [0.1, 0.2, 0.3]),
    "PolynomialDecay": partial(schedules.PolynomialDecay, 0.1, 10, power=2.0),
    "PowerDecay": partial(schedules.PowerDecay, 0.1, 10, power=2.0),
}

# ---- initializers: how to make one, and the shape it fills

MATRIX = (3, 4)
INITIALIZERS: dict[str, tuple[Callable, tuple]] = {
    "Constant": (partial(initializers.Constant, 0.5), MATRIX),
    "Identity": (partial(initializers.Identity, gain=2.0), MATRIX),
    "RandomNormal": (partial(initializers.RandomNormal, stddev=0.1, seed=1), MATRIX),
    "RandomUniform": (partial(initializers.RandomUniform, -0.5, 0.5, seed=1), MATRIX),
    "STFT": (partial(initializers.STFT, "imag", window="hamming"), (8, 1, 5)),
    "VarianceScaling": (
        partial(initializers.VarianceScaling, 2.0, "fan_avg", "uniform", seed=1),
        MATRIX,
    ),
}

# ---- functions of a weight: how to make one

REGULARIZERS: dict[str, Callable] = {
    "L1": partial(regularizers.L1, 0.1),
    "L1L2": partial(regularizers.L1L2, l1=0.1, l2=0.2),
    "L2": partial(regularizers.L2, 0.1),
    "OrthogonalRegularizer": partial(regularizers.OrthogonalRegularizer, 0.1, mode="columns"),
}

CONSTRAINTS: dict[str, Callable] = {
    "MaxNorm": partial(constraints.MaxNorm, 0.5, axis=1),
    "MinMaxNorm": partial(constraints.MinMaxNorm, 0.5, 1.0),
    "UnitNorm": partial(constraints.UnitNorm, axis=(0, 1)),
}

# ---- activations: arguments besides the input

ACTIVATIONS: dict[str, dict[str, Any]] = {"threshold": {"threshold": 0.2, "default_value": -1.0}}

# ---- all families

FAMILIES: dict[str, tuple[Any, dict[str, Any]]] = {
    "layers": (layers, LAYERS),
    "losses": (losses, LOSSES),
    "metrics": (metrics, METRICS),
    "optimizers": (optimizers, OPTIMIZERS),
    "schedules": (schedules, SCHEDULES),
    "initializers": (initializers, INITIALIZERS),
    "regularizers": (regularizers, REGULARIZERS),
    "constraints": (constraints, CONSTRAINTS),
    "activations": (activations, ACTIVATIONS),
}
WITHOUT_A_ROW = {
    **dict.fromkeys(
        "Layer Wrapper Loss Metric Optimizer LearningRateSchedule Initializer RandomInitializer "
        "Regularizer Constraint".split(),
        "a base: it computes nothing until a subclass writes what",
    ),
    "FlaxLayer": "needs flax, which the tests do not install: tests/layers/test_jax_layer.py",
    "InputSpec": "describes inputs; layers hold it",
    "OptimizerMap": "what a MultiOptimizer is made with",
    **dict.fromkeys(("get", "serialize", "deserialize"), "from names to objects and back"),
}


def public(family: str) -> dict[str, Any]:
    """The public classes of a family (of the activations: functions) by their own names."""
    module, _ = FAMILIES[family]
    found = {name: getattr(module, name) for name in module.__all__}
    if family == "activations":
        return found
    return {
        thing.__name__: thing
        for thing in found.values()
        if inspect.isclass(thing) and issubclass(thing, Configurable)
    }


# ---- rows that follow from the object

ARGUMENTS = {"units": 3, "filters": 3, "kernel_size": 2, "rate": 0.2, "size": 2, "output_size": 2}
SAMPLES = {"1D": SERIES, "2D": IMAGES, "3D": VOLUMES}


def default_row(family: str, thing: Any) -> Any:
    """How an object is made that has no row of its own, and what it takes."""
    if family == "activations":
        return {}
    parameters = inspect.signature(thing).parameters
    given = {
        name: ARGUMENTS[name]
        for name, parameter in parameters.items()
        if name in ARGUMENTS and parameter.default is parameter.empty
    }
    if family == "layers":
        return row(thing, SAMPLES.get(thing.__name__[-2:], VECTORS), **given)
    if family in ("losses", "metrics"):
        return thing, REALS, OTHERS
    if family == "optimizers":
        return partial(thing, 0.1)
    if family == "initializers":
        return partial(thing, seed=1) if "seed" in parameters else thing, MATRIX
    return thing


for family, (_, table) in FAMILIES.items():
    for name, thing in public(family).items():
        if name not in table and name not in WITHOUT_A_ROW:
            table[name] = default_row(family, thing)
