"""Input data: pipelines, and texts, sequences and images as arrays and batches."""

from hornbook.core import doors
from hornbook.data.affine import apply_affine_transform as apply_affine_transform
from hornbook.data.affine import apply_brightness_shift as apply_brightness_shift
from hornbook.data.affine import apply_channel_shift as apply_channel_shift
from hornbook.data.affine import flip_axis as flip_axis
from hornbook.data.affine import random_brightness as random_brightness
from hornbook.data.affine import random_channel_shift as random_channel_shift
from hornbook.data.affine import random_rotation as random_rotation
from hornbook.data.affine import random_shear as random_shear
from hornbook.data.affine import random_shift as random_shift
from hornbook.data.affine import random_zoom as random_zoom
from hornbook.data.affine import transform_matrix_offset_center as transform_matrix_offset_center
from hornbook.data.audio_folder import (
    audio_dataset_from_directory as audio_dataset_from_directory,
)
from hornbook.data.augment import ImageDataGenerator as ImageDataGenerator
from hornbook.data.dataframe import DataFrameIterator as DataFrameIterator
from hornbook.data.dataset import Dataset as Dataset
from hornbook.data.directory import DirectoryIterator as DirectoryIterator
from hornbook.data.directory import list_pictures as list_pictures
from hornbook.data.elements import TensorSpec as TensorSpec
from hornbook.data.files import data_folder as data_folder
from hornbook.data.files import get_file as get_file
from hornbook.data.files import local_file as local_file
from hornbook.data.image import array_to_img as array_to_img
from hornbook.data.image import img_to_array as img_to_array
from hornbook.data.image import load_img as load_img
from hornbook.data.image import save_img as save_img
from hornbook.data.image import smart_resize as smart_resize
from hornbook.data.image_folder import (
    image_dataset_from_directory as image_dataset_from_directory,
)
from hornbook.data.mix import MixIterator as MixIterator
from hornbook.data.mix import pseudo_label as pseudo_label
from hornbook.data.passes import AUTOTUNE as AUTOTUNE
from hornbook.data.passes import INFINITE_CARDINALITY as INFINITE_CARDINALITY
from hornbook.data.passes import UNKNOWN_CARDINALITY as UNKNOWN_CARDINALITY
from hornbook.data.pictures import Iterator as Iterator
from hornbook.data.pictures import NumpyArrayIterator as NumpyArrayIterator
from hornbook.data.sequence import TimeseriesGenerator as TimeseriesGenerator
from hornbook.data.sequence import make_sampling_table as make_sampling_table
from hornbook.data.sequence import pad_sequences as pad_sequences
from hornbook.data.sequence import skipgrams as skipgrams
from hornbook.data.split import split_dataset as split_dataset
from hornbook.data.text import Tokenizer as Tokenizer
from hornbook.data.text import hashing_trick as hashing_trick
from hornbook.data.text import one_hot as one_hot
from hornbook.data.text import text_to_word_sequence as text_to_word_sequence
from hornbook.data.text import tokenizer_from_json as tokenizer_from_json
from hornbook.data.text_folder import (
    text_dataset_from_directory as text_dataset_from_directory,
)
from hornbook.data.timeseries import (
    timeseries_dataset_from_array as timeseries_dataset_from_array,
)
from hornbook.data.vectors import WordVectors as WordVectors
from hornbook.data.vectors_file import read_vectors as read_vectors
from hornbook.data.vectors_file import write_vectors as write_vectors

doors.publish(globals())
