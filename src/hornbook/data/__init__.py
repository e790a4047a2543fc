"""What stands before a model: texts, sequences and pictures as arrays, batches of sources."""

from hornbook.data.affine import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    flip_axis,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
    transform_matrix_offset_center,
)
from hornbook.data.augment import ImageDataGenerator
from hornbook.data.dataframe import DataFrameIterator
from hornbook.data.directory import DirectoryIterator, list_pictures
from hornbook.data.files import data_folder, get_file, local_file
from hornbook.data.image import array_to_img, img_to_array, load_img, save_img, smart_resize
from hornbook.data.mix import MixIterator, pseudo_label
from hornbook.data.pictures import Iterator, NumpyArrayIterator
from hornbook.data.sequence import (
    TimeseriesGenerator,
    make_sampling_table,
    pad_sequences,
    skipgrams,
)
from hornbook.data.text import (
    Tokenizer,
    hashing_trick,
    one_hot,
    text_to_word_sequence,
    tokenizer_from_json,
)
from hornbook.data.vectors import WordVectors
from hornbook.data.vectors_file import read_vectors, write_vectors

__all__ = [
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "MixIterator",
    "NumpyArrayIterator",
    "TimeseriesGenerator",
    "Tokenizer",
    "WordVectors",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "data_folder",
    "flip_axis",
    "get_file",
    "hashing_trick",
    "img_to_array",
    "list_pictures",
    "load_img",
    "local_file",
    "make_sampling_table",
    "one_hot",
    "pad_sequences",
    "pseudo_label",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "read_vectors",
    "save_img",
    "skipgrams",
    "smart_resize",
    "text_to_word_sequence",
    "tokenizer_from_json",
    "transform_matrix_offset_center",
    "write_vectors",
]
__dir__ = __all__.copy
