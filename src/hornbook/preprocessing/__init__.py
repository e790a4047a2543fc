"""Texts and sequences as arrays, under the names of `keras.preprocessing`."""

from hornbook.preprocessing import sequence, text

__all__ = ["sequence", "text"]
__dir__ = __all__.copy
