"""Values for variables: conversion to a type, and its checks."""

from typing import Any

import numpy as np

from hornbook.compat.theano.config import config
from hornbook.compat.theano.types import TensorType, is_float


def fitted(value: Any, type: TensorType, allow_downcast: bool | None = None) -> np.ndarray:
    """Convert a value to an array of a type.

    Args:
        value: an array, a number or lists of numbers.
        type: the type.
        allow_downcast: whether precision may be lost; `None`: only for Python floats and, until
            the program sets `floatX`, for any float result.

    Raises:
        TypeError: for a wrong number of axes, or if precision would be lost.
    """
    array = np.asarray(value)
    if array.dtype != type.dtype:
        array = _converted(value, array, type, allow_downcast)
    if array.ndim != type.ndim:
        raise TypeError(
            f"Wrong number of dimensions: expected {type.ndim}, got {array.ndim} with shape "
            f"{array.shape}."
        )
    if True in type.broadcastable:
        wrong = [a for a, b in enumerate(type.broadcastable) if b and array.shape[a] != 1]
        if wrong:
            raise TypeError(
                f"Non-unit value on shape on a broadcastable dimension: axis {wrong[0]} of shape "
                f"{array.shape}, where the type is {type}."
            )
    return array


def _converted(
    value: Any, array: np.ndarray, type: TensorType, allow_downcast: bool | None
) -> np.ndarray:
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{_shown(value)} (dtype {array.dtype}) is not an array of numbers")
    if allow_downcast or np.result_type(array.dtype, type.dtype) == type.dtype:
        return array.astype(type.dtype)
    of_floatx = isinstance(value, float) and type.dtype == config.floatX
    lenient = allow_downcast is None and (of_floatx or not config.floatX_is_set)
    if lenient and array.dtype.kind in "iuf" and is_float(type.dtype):
        return array.astype(type.dtype)
    if not isinstance(value, np.ndarray):
        made = array.astype(type.dtype)
        if np.array_equal(made, array):
            return made
    raise TypeError(
        f"{type} cannot store a value of dtype {array.dtype} without risking loss of precision. If "
        f'you do not mind this loss, use x.astype("{type.dtype}"), or theano.function(..., '
        "allow_input_downcast=True)."
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"a {type(value).__name__}"
