"""TensorFlow 1's names, from `dialects/tensorflow1.py`; functions of arrays record operations."""

import functools
import types
from collections.abc import Callable
from typing import Any

from hornbook.compat.names import Names
from hornbook.compat.tensorflow1 import operators  # noqa: F401 (they are put on tensors)
from hornbook.compat.tensorflow1.applying import is_traced, lift
from hornbook.dialects import tensorflow, tensorflow1
from hornbook.dialects.row import Row

OWN = "compat.tensorflow1."
AS_IT_IS = (
    OWN,
    "data.",
    "compat.lost",
    "compat.attributes",
    "utils.",
    *(
        f"compat.tensorflow.{name}"
        for name in (
            "checkpoints datasets devices examples feature_columns files protos records "
            "values.newaxis"
        ).split()
    ),
)

PARTS = (f"{OWN}control.", f"{OWN}scanning.")  # calls of functions that record graphs of their own


def eager_if_traced(recording: Callable, eager: Callable) -> Callable:
    """A function that is `eager` in a layer's call and where JAX traces."""

    @functools.wraps(recording)
    def call(*args: Any, **kwargs: Any) -> Any:
        return (eager if is_traced((args, kwargs)) else recording)(*args, **kwargs)

    return call


class GraphNames(Names):
    """Names whose functions of arrays record operations."""

    def _make(self, family: str, name: str, row: Row) -> Any:
        made = super()._make(family, name, row)
        is_function = isinstance(made, types.FunctionType) or (
            callable(made) and hasattr(made, "lower")
        )
        if is_function and row.new.startswith(PARTS):
            return eager_if_traced(made, super()._make(family, name, tensorflow.TF[name]))
        if row.new.startswith(AS_IT_IS) or not is_function:
            return made
        return lift(made, on_host=name in tensorflow1.ON_HOST or family == "strings")


NAMES = GraphNames(tensorflow1)
