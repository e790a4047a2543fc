"""Functions that run between compiled programs: `tf.py_func`, and text."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hornbook.compat.attributes import known
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.applying import Spec, apply, convert


class OutOfRangeError(Exception):
    """`tf.errors.OutOfRangeError`: a data set has no further element."""


def hosted(fn: Callable, inputs: tuple, specs: Any, kind: str, name: Any = None) -> Any:
    """Record a call that runs between compiled programs.

    Args:
        fn: a function of values.
        inputs: its arguments, with tensors.
        specs: a structure of objects with shape and dtype, for its results.
        kind: type of the operation.
        name: of the operation; default `kind`.
    """
    return apply(fn, inputs, name=name or kind, kind=kind, specs=specs, on_host=True)


def py_func(func: Callable, inp: Any, Tout: Any, stateful: bool = True, name: Any = None) -> Any:
    """`tf.py_func`: the results of a Python function of numpy arrays. It has no gradient."""
    several = isinstance(Tout, list | tuple)
    kinds = [as_dtype(one) for one in (Tout if several else [Tout])]

    def call(values: list) -> Any:
        made = func(*(np.asarray(known(one)) for one in values))
        listed = list(made) if isinstance(made, list | tuple) else [made]
        if not several and not isinstance(made, list | tuple):
            listed = [made]
        return [
            np.asarray(one, object if kind == "string" else kind.as_numpy_dtype)
            for one, kind in zip(listed, kinds, strict=True)
        ]

    specs = [Spec(None, kind) for kind in kinds]
    made = hosted(call, ([convert(one) for one in inp],), specs, "PyFunc", name)
    return list(made) if several else made[0]
