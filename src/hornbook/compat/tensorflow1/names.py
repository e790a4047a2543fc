"""TensorFlow 1's names, from `dialects/tensorflow1.py`; functions of arrays record operations."""

import types
from typing import Any

from hornbook.compat.names import Names
from hornbook.compat.tensorflow1 import operators  # noqa: F401 (they are put on tensors)
from hornbook.compat.tensorflow1.applying import lift
from hornbook.dialects import tensorflow1
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


class GraphNames(Names):
    """Names whose functions of arrays record operations."""

    def _make(self, family: str, name: str, row: Row) -> Any:
        made = super()._make(family, name, row)
        is_function = isinstance(made, types.FunctionType) or (
            callable(made) and hasattr(made, "lower")
        )
        if row.new.startswith(AS_IT_IS) or not is_function:
            return made
        return lift(made, on_host=name in tensorflow1.ON_HOST or family == "strings")


NAMES = GraphNames(tensorflow1)
