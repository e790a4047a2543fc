"""Layers: the building blocks of models."""

from typing import Any

from hornbook.core import config as _config
from hornbook.core import doors
from hornbook.layers.activation import ELU as ELU
from hornbook.layers.activation import Activation as Activation
from hornbook.layers.activation import LeakyReLU as LeakyReLU
from hornbook.layers.activation import PReLU as PReLU
from hornbook.layers.activation import ReLU as ReLU
from hornbook.layers.activation import RReLU as RReLU
from hornbook.layers.activation import Softmax as Softmax
from hornbook.layers.adaptive import AdaptiveAveragePooling1D as AdaptiveAveragePooling1D
from hornbook.layers.adaptive import AdaptiveAveragePooling2D as AdaptiveAveragePooling2D
from hornbook.layers.adaptive import AdaptiveAveragePooling3D as AdaptiveAveragePooling3D
from hornbook.layers.adaptive import AdaptiveMaxPooling1D as AdaptiveMaxPooling1D
from hornbook.layers.adaptive import AdaptiveMaxPooling2D as AdaptiveMaxPooling2D
from hornbook.layers.adaptive import AdaptiveMaxPooling3D as AdaptiveMaxPooling3D
from hornbook.layers.attention.dot import AdditiveAttention as AdditiveAttention
from hornbook.layers.attention.dot import Attention as Attention
from hornbook.layers.attention.grouped import GroupQueryAttention as GroupQueryAttention
from hornbook.layers.attention.multi_head import MultiHeadAttention as MultiHeadAttention
from hornbook.layers.base import Layer as Layer
from hornbook.layers.bidirectional import Bidirectional as Bidirectional
from hornbook.layers.convolutional.conv import Conv1D as Conv1D
from hornbook.layers.convolutional.conv import Conv2D as Conv2D
from hornbook.layers.convolutional.conv import Conv3D as Conv3D
from hornbook.layers.convolutional.depthwise import DepthwiseConv1D as DepthwiseConv1D
from hornbook.layers.convolutional.depthwise import DepthwiseConv2D as DepthwiseConv2D
from hornbook.layers.convolutional.depthwise import SeparableConv1D as SeparableConv1D
from hornbook.layers.convolutional.depthwise import SeparableConv2D as SeparableConv2D
from hornbook.layers.convolutional.transpose import Conv1DTranspose as Conv1DTranspose
from hornbook.layers.convolutional.transpose import Conv2DTranspose as Conv2DTranspose
from hornbook.layers.convolutional.transpose import Conv3DTranspose as Conv3DTranspose
from hornbook.layers.dense import Dense as Dense
from hornbook.layers.dropout import ActivityRegularization as ActivityRegularization
from hornbook.layers.dropout import AlphaDropout as AlphaDropout
from hornbook.layers.dropout import Dropout as Dropout
from hornbook.layers.dropout import GaussianDropout as GaussianDropout
from hornbook.layers.dropout import GaussianNoise as GaussianNoise
from hornbook.layers.dropout import SpatialDropout1D as SpatialDropout1D
from hornbook.layers.dropout import SpatialDropout2D as SpatialDropout2D
from hornbook.layers.dropout import SpatialDropout3D as SpatialDropout3D
from hornbook.layers.einsum_dense import EinsumDense as EinsumDense
from hornbook.layers.embedding import Embedding as Embedding
from hornbook.layers.flax_layer import FlaxLayer as FlaxLayer
from hornbook.layers.identity import Identity as Identity
from hornbook.layers.input import Input as Input
from hornbook.layers.input import InputLayer as InputLayer
from hornbook.layers.jax_layer import JaxLayer as JaxLayer
from hornbook.layers.lambda_ import Lambda as Lambda
from hornbook.layers.masking import Masking as Masking
from hornbook.layers.merging import Add as Add
from hornbook.layers.merging import Average as Average
from hornbook.layers.merging import Concatenate as Concatenate
from hornbook.layers.merging import Dot as Dot
from hornbook.layers.merging import Maximum as Maximum
from hornbook.layers.merging import Minimum as Minimum
from hornbook.layers.merging import Multiply as Multiply
from hornbook.layers.merging import Subtract as Subtract
from hornbook.layers.merging import add as add
from hornbook.layers.merging import average as average
from hornbook.layers.merging import concatenate as concatenate
from hornbook.layers.merging import dot as dot
from hornbook.layers.merging import maximum as maximum
from hornbook.layers.merging import minimum as minimum
from hornbook.layers.merging import multiply as multiply
from hornbook.layers.merging import subtract as subtract
from hornbook.layers.normalization.batch import BatchNormalization as BatchNormalization
from hornbook.layers.normalization.group import GroupNormalization as GroupNormalization
from hornbook.layers.normalization.group import UnitNormalization as UnitNormalization
from hornbook.layers.normalization.layer import LayerNormalization as LayerNormalization
from hornbook.layers.normalization.layer import RMSNormalization as RMSNormalization
from hornbook.layers.normalization.spectral import SpectralNormalization as SpectralNormalization
from hornbook.layers.normalization.weight import WeightNormalization as WeightNormalization
from hornbook.layers.pooling import AveragePooling1D as AveragePooling1D
from hornbook.layers.pooling import AveragePooling2D as AveragePooling2D
from hornbook.layers.pooling import AveragePooling3D as AveragePooling3D
from hornbook.layers.pooling import AvgPool1D as AvgPool1D
from hornbook.layers.pooling import AvgPool2D as AvgPool2D
from hornbook.layers.pooling import AvgPool3D as AvgPool3D
from hornbook.layers.pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
from hornbook.layers.pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
from hornbook.layers.pooling import GlobalAveragePooling3D as GlobalAveragePooling3D
from hornbook.layers.pooling import GlobalAvgPool1D as GlobalAvgPool1D
from hornbook.layers.pooling import GlobalAvgPool2D as GlobalAvgPool2D
from hornbook.layers.pooling import GlobalAvgPool3D as GlobalAvgPool3D
from hornbook.layers.pooling import GlobalMaxPool1D as GlobalMaxPool1D
from hornbook.layers.pooling import GlobalMaxPool2D as GlobalMaxPool2D
from hornbook.layers.pooling import GlobalMaxPool3D as GlobalMaxPool3D
from hornbook.layers.pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
from hornbook.layers.pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
from hornbook.layers.pooling import GlobalMaxPooling3D as GlobalMaxPooling3D
from hornbook.layers.pooling import MaxPool1D as MaxPool1D
from hornbook.layers.pooling import MaxPool2D as MaxPool2D
from hornbook.layers.pooling import MaxPool3D as MaxPool3D
from hornbook.layers.pooling import MaxPooling1D as MaxPooling1D
from hornbook.layers.pooling import MaxPooling2D as MaxPooling2D
from hornbook.layers.pooling import MaxPooling3D as MaxPooling3D
from hornbook.layers.recurrent.conv_lstm import ConvLSTM1D as ConvLSTM1D
from hornbook.layers.recurrent.conv_lstm import ConvLSTM2D as ConvLSTM2D
from hornbook.layers.recurrent.conv_lstm import ConvLSTM3D as ConvLSTM3D
from hornbook.layers.recurrent.gru import GRU as GRU
from hornbook.layers.recurrent.gru import GRUCell as GRUCell
from hornbook.layers.recurrent.lstm import LSTM as LSTM
from hornbook.layers.recurrent.lstm import LSTMCell as LSTMCell
from hornbook.layers.recurrent.lstm_variants import CoupledLSTM as CoupledLSTM
from hornbook.layers.recurrent.lstm_variants import CoupledLSTMCell as CoupledLSTMCell
from hornbook.layers.recurrent.lstm_variants import PeepholeLSTM as PeepholeLSTM
from hornbook.layers.recurrent.lstm_variants import PeepholeLSTMCell as PeepholeLSTMCell
from hornbook.layers.recurrent.normalized import LayerNormGRU as LayerNormGRU
from hornbook.layers.recurrent.normalized import LayerNormGRUCell as LayerNormGRUCell
from hornbook.layers.recurrent.normalized import LayerNormLSTM as LayerNormLSTM
from hornbook.layers.recurrent.normalized import LayerNormLSTMCell as LayerNormLSTMCell
from hornbook.layers.recurrent.rnn import RNN as RNN
from hornbook.layers.recurrent.simple_rnn import SimpleRNN as SimpleRNN
from hornbook.layers.recurrent.simple_rnn import SimpleRNNCell as SimpleRNNCell
from hornbook.layers.recurrent.stacked import StackedRNNCells as StackedRNNCells
from hornbook.layers.rescaling import Rescaling as Rescaling
from hornbook.layers.reshaping import Cropping1D as Cropping1D
from hornbook.layers.reshaping import Cropping2D as Cropping2D
from hornbook.layers.reshaping import Cropping3D as Cropping3D
from hornbook.layers.reshaping import Flatten as Flatten
from hornbook.layers.reshaping import Permute as Permute
from hornbook.layers.reshaping import RepeatVector as RepeatVector
from hornbook.layers.reshaping import Reshape as Reshape
from hornbook.layers.reshaping import UpSampling1D as UpSampling1D
from hornbook.layers.reshaping import UpSampling2D as UpSampling2D
from hornbook.layers.reshaping import UpSampling3D as UpSampling3D
from hornbook.layers.reshaping import ZeroPadding1D as ZeroPadding1D
from hornbook.layers.reshaping import ZeroPadding2D as ZeroPadding2D
from hornbook.layers.reshaping import ZeroPadding3D as ZeroPadding3D
from hornbook.layers.reversible_embedding import ReversibleEmbedding as ReversibleEmbedding
from hornbook.layers.spec import InputSpec as InputSpec
from hornbook.layers.time_distributed import TimeDistributed as TimeDistributed
from hornbook.layers.wrapper import Wrapper as Wrapper
from hornbook.preprocessing.category_encoding import CategoryEncoding as CategoryEncoding
from hornbook.preprocessing.discretization import Discretization as Discretization
from hornbook.preprocessing.hashing import HashedCrossing as HashedCrossing
from hornbook.preprocessing.hashing import Hashing as Hashing
from hornbook.preprocessing.integer_lookup import IntegerLookup as IntegerLookup
from hornbook.preprocessing.normalization import Normalization as Normalization
from hornbook.preprocessing.pictures.affine import RandomRotation as RandomRotation
from hornbook.preprocessing.pictures.affine import RandomShear as RandomShear
from hornbook.preprocessing.pictures.affine import RandomTranslation as RandomTranslation
from hornbook.preprocessing.pictures.affine import RandomZoom as RandomZoom
from hornbook.preprocessing.pictures.crop import CenterCrop as CenterCrop
from hornbook.preprocessing.pictures.crop import RandomCrop as RandomCrop
from hornbook.preprocessing.pictures.elastic import RandomElasticTransform as RandomElasticTransform
from hornbook.preprocessing.pictures.flip import RandomFlip as RandomFlip
from hornbook.preprocessing.pictures.histogram import (
    ContrastLimitedAdaptiveHistogramEqualization as ContrastLimitedAdaptiveHistogramEqualization,
)
from hornbook.preprocessing.pictures.histogram import Equalization as Equalization
from hornbook.preprocessing.pictures.hue import RandomColorDegeneration as RandomColorDegeneration
from hornbook.preprocessing.pictures.hue import RandomGrayscale as RandomGrayscale
from hornbook.preprocessing.pictures.hue import RandomHue as RandomHue
from hornbook.preprocessing.pictures.hue import RandomSaturation as RandomSaturation
from hornbook.preprocessing.pictures.jitter import RandomColorJitter as RandomColorJitter
from hornbook.preprocessing.pictures.light import AutoContrast as AutoContrast
from hornbook.preprocessing.pictures.light import RandomBrightness as RandomBrightness
from hornbook.preprocessing.pictures.light import RandomContrast as RandomContrast
from hornbook.preprocessing.pictures.light import RandomInvert as RandomInvert
from hornbook.preprocessing.pictures.light import RandomPosterization as RandomPosterization
from hornbook.preprocessing.pictures.light import Solarization as Solarization
from hornbook.preprocessing.pictures.max_boxes import MaxNumBoundingBoxes as MaxNumBoundingBoxes
from hornbook.preprocessing.pictures.patches import CutMix as CutMix
from hornbook.preprocessing.pictures.patches import MixUp as MixUp
from hornbook.preprocessing.pictures.patches import RandomErasing as RandomErasing
from hornbook.preprocessing.pictures.perspective import RandomPerspective as RandomPerspective
from hornbook.preprocessing.pictures.pipeline import Pipeline as Pipeline
from hornbook.preprocessing.pictures.policies import AugMix as AugMix
from hornbook.preprocessing.pictures.policies import RandAugment as RandAugment
from hornbook.preprocessing.pictures.resizing import Resizing as Resizing
from hornbook.preprocessing.pictures.sharpness import RandomGaussianBlur as RandomGaussianBlur
from hornbook.preprocessing.pictures.sharpness import RandomSharpness as RandomSharpness
from hornbook.preprocessing.spectrogram import MelSpectrogram as MelSpectrogram
from hornbook.preprocessing.spectrogram import STFTSpectrogram as STFTSpectrogram
from hornbook.preprocessing.string_lookup import StringLookup as StringLookup
from hornbook.preprocessing.text_vectorization import TextVectorization as TextVectorization

Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D


def serialize(layer: Layer) -> dict:
    """A layer's class and config as plain data.

    Example:
        >>> serialize(Dense(3))["class_name"]
        'Dense'
    """
    return _config.serialize(layer)


def deserialize(config: dict, custom_objects: dict | None = None) -> Layer:
    """Recreate a layer from what `serialize` returned.

    Args:
        config: what `serialize` returned.
        custom_objects: maps names to classes or functions, for this call.

    Example:
        >>> deserialize(serialize(Dense(3))).units
        3
    """
    layer = _config.deserialize(config, custom_objects, family="layers")
    if not isinstance(layer, Layer):
        raise ValueError(f"this config describes no layer: {config!r}")
    return layer


def get(identifier: Any) -> Layer | None:
    """The layer that an identifier stands for; `None` stays `None`.

    Args:
        identifier: a layer, a callable or a config.

    Example:
        >>> get(serialize(Dense(3))).units
        3
    """
    return _config.lookup("layers", identifier, {}, "a layer")


doors.publish(globals())
