"""`TextVectorization(ragged=True)`: the words of texts as rows of their lengths."""

import functools
from collections.abc import Callable
from typing import Any

from hornbook import layers
from hornbook.compat.attributes import Table
from hornbook.compat.tensorflow.ragged import RaggedTensor
from hornbook.compat.tensorflow.tensors import tensor
from hornbook.core.symbolic import has_symbolic

IN_MODEL = "TextVectorization(ragged=True) in a model: devices compute with whole arrays. Use \
ragged=False and Embedding(mask_zero=True), with which layers skip the padding"
Vectors = layers.TextVectorization


def _init(today: Callable) -> Callable:
    @functools.wraps(today)
    def init(self: Any, *args: Any, ragged: bool = False, **options: Any) -> None:
        today(self, *args, **options)
        if ragged and self.output_mode != "int":
            raise ValueError("TextVectorization: ragged=True goes with output_mode='int' only")
        self._is_ragged = ragged

    return init


def _called(today: Callable) -> Callable:
    @functools.wraps(today)
    def call(self: Any, inputs: Any, *args: Any, **options: Any) -> Any:
        if not self._is_ragged:
            return today(self, inputs, *args, **options)
        if has_symbolic((inputs,)):
            raise NotImplementedError(IN_MODEL)
        found, lengths, shape = self._found(self._host_arrays(inputs))
        longest, numbers = self.output_sequence_length, self._lookup_layer.encoded(found)
        if shape == ():
            return tensor(numbers[:longest])
        rows = RaggedTensor.from_row_lengths(numbers, lengths)
        return rows if longest is None else rows[:, :longest]

    return call


def attributes() -> Table:
    """What is added during a run."""
    return {Vectors: {"_is_ragged": False}}


def replaced() -> Table:
    """What is replaced during a run."""
    return {Vectors: {"__init__": _init(Vectors.__init__), "__call__": _called(Vectors.__call__)}}
