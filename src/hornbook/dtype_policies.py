"""Dtype policies, under the names of `keras.dtype_policies`."""

from hornbook.core.dtype import DTypePolicy, FloatDTypePolicy
from hornbook.core.dtype import get_policy as get

__all__ = ["DTypePolicy", "FloatDTypePolicy", "get"]
__dir__ = __all__.copy
