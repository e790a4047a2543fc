"""Pictures, texts and sequences as arrays, under the names of `keras.preprocessing`."""

from hornbook.preprocessing import image, sequence, text

__all__ = ["image", "sequence", "text"]
__dir__ = __all__.copy
