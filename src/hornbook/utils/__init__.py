"""Utilities around models: seeds, labels, sequences, images, sessions."""

from hornbook.core import doors
from hornbook.core.config import CustomObjectScope as CustomObjectScope
from hornbook.core.config import custom_object_scope as custom_object_scope
from hornbook.core.config import get_custom_objects as get_custom_objects
from hornbook.core.config import get_registered_name as get_registered_name
from hornbook.core.config import get_registered_object as get_registered_object
from hornbook.core.config import register_keras_serializable as register_keras_serializable
from hornbook.core.dtype import standardize_dtype as standardize_dtype
from hornbook.core.graph import get_source_inputs as get_source_inputs
from hornbook.core.random import set_random_seed as set_random_seed
from hornbook.core.settings import disable_interactive_logging as disable_interactive_logging
from hornbook.core.settings import enable_interactive_logging as enable_interactive_logging
from hornbook.core.settings import (
    is_interactive_logging_enabled as is_interactive_logging_enabled,
)
from hornbook.core.symbolic import is_keras_tensor as is_keras_tensor
from hornbook.data.audio_folder import (
    audio_dataset_from_directory as audio_dataset_from_directory,
)
from hornbook.data.files import get_file as get_file
from hornbook.data.image import array_to_img as array_to_img
from hornbook.data.image import img_to_array as img_to_array
from hornbook.data.image import load_img as load_img
from hornbook.data.image import save_img as save_img
from hornbook.data.image_folder import (
    image_dataset_from_directory as image_dataset_from_directory,
)
from hornbook.data.sequence import pad_sequences as pad_sequences
from hornbook.data.split import split_dataset as split_dataset
from hornbook.data.text_folder import (
    text_dataset_from_directory as text_dataset_from_directory,
)
from hornbook.data.timeseries import (
    timeseries_dataset_from_array as timeseries_dataset_from_array,
)
from hornbook.plot import model_to_dot as model_to_dot
from hornbook.plot import plot_model as plot_model
from hornbook.preprocessing.feature_space import FeatureSpace as FeatureSpace
from hornbook.saving import deserialize_keras_object as deserialize_keras_object
from hornbook.saving import serialize_keras_object as serialize_keras_object
from hornbook.training.data import pack_x_y_sample_weight as pack_x_y_sample_weight
from hornbook.training.data import unpack_x_y_sample_weight as unpack_x_y_sample_weight
from hornbook.training.dataset import PyDataset as PyDataset
from hornbook.training.progress import Progbar as Progbar
from hornbook.utils import bounding_boxes as bounding_boxes
from hornbook.utils import legacy as legacy
from hornbook.utils.config import Config as Config
from hornbook.utils.labels import normalize as normalize
from hornbook.utils.labels import to_categorical as to_categorical
from hornbook.utils.session import clear_session as clear_session

Sequence = PyDataset
doors.publish(globals())
