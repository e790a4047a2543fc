"""Helpers around models: seeds, labels, sequences, pictures, sessions."""

from hornbook.core.config import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from hornbook.core.dtype import standardize_dtype
from hornbook.core.random import set_random_seed
from hornbook.core.symbolic import is_keras_tensor
from hornbook.data.files import get_file
from hornbook.data.image import array_to_img, img_to_array, load_img, save_img
from hornbook.data.sequence import pad_sequences
from hornbook.plot import model_to_dot, plot_model
from hornbook.saving import deserialize_keras_object, serialize_keras_object
from hornbook.training.data import pack_x_y_sample_weight, unpack_x_y_sample_weight
from hornbook.training.dataset import PyDataset
from hornbook.training.dataset import PyDataset as Sequence
from hornbook.training.progress import Progbar
from hornbook.utils.labels import normalize, to_categorical
from hornbook.utils.session import clear_session

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "img_to_array",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
__dir__ = __all__.copy
