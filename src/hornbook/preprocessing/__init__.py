"""Layers that turn strings, categories and images into numbers, and `keras.preprocessing`.

The modules with Keras's names are imported on first use: they depend on data and training, which
themselves depend on layers.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hornbook.preprocessing import image as image
    from hornbook.preprocessing import sequence as sequence
    from hornbook.preprocessing import text as text

__all__ = ["image", "sequence", "text"]
__dir__ = __all__.copy


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
