"""What stands before a model: texts and sequences as arrays, batches of several sources."""

from hornbook.data.files import data_folder, get_file, local_file
from hornbook.data.mix import MixIterator, pseudo_label
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
    "MixIterator",
    "TimeseriesGenerator",
    "Tokenizer",
    "WordVectors",
    "data_folder",
    "get_file",
    "hashing_trick",
    "local_file",
    "make_sampling_table",
    "one_hot",
    "pad_sequences",
    "pseudo_label",
    "read_vectors",
    "skipgrams",
    "text_to_word_sequence",
    "tokenizer_from_json",
    "write_vectors",
]
__dir__ = __all__.copy
