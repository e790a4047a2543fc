"""Sequences, under the names of `keras.preprocessing.sequence`."""

from hornbook.data.sequence import (
    TimeseriesGenerator,
    make_sampling_table,
    pad_sequences,
    skipgrams,
)

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]
__dir__ = __all__.copy
