"""Layers that turn strings, categories and images into numbers, and `keras.preprocessing`.

These modules and functions are imported on first use: they depend on data and training, which
themselves depend on layers.
"""

import importlib
from typing import TYPE_CHECKING, Any

import hornbook.layers  # noqa: F401 (first: it imports the layers of this package)

if TYPE_CHECKING:
    from hornbook.data import image_dataset_from_directory as image_dataset_from_directory
    from hornbook.data import text_dataset_from_directory as text_dataset_from_directory
    from hornbook.data import timeseries_dataset_from_array as timeseries_dataset_from_array
    from hornbook.preprocessing import image as image
    from hornbook.preprocessing import sequence as sequence
    from hornbook.preprocessing import text as text

MODULES = ("image", "sequence", "text")
__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
__dir__ = __all__.copy


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in __all__:
        return getattr(importlib.import_module("hornbook.data"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
