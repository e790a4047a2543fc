"""hornbook: deep learning with the Keras API on one engine, JAX/XLA.

`import hornbook as keras` is all that a Keras 3 program needs. The door is lazy: what a name stands
for is imported when the name is first used. The names are the rows of `__init__.pyi`.
"""

import importlib
import re
import sys
from pathlib import Path
from typing import Any

_STUB = Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")
_ROWS = {name: module for module, name in re.findall(r"^from (\S+) import (\w+) as", _STUB, re.M)}

__all__ = [name for name in _ROWS if name[0] != "_"]
__dir__ = __all__.copy


def __getattr__(name: str) -> Any:
    if name not in _ROWS:
        door = sys.modules[__name__]  # where Python looks for similar names
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=door)
    if _ROWS[name] == __name__:
        return importlib.import_module(f"{__name__}.{name}")
    globals()[name] = value = getattr(importlib.import_module(_ROWS[name]), name)
    return value
