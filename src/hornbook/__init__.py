"""hornbook: deep learning with the Keras API on one engine, JAX/XLA.

`import hornbook as keras` is all that a Keras 3 program needs. The door is lazy: what a name stands
for is imported when the name is first used.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hornbook import (
        activations,
        backend,
        callbacks,
        config,
        constraints,
        data,
        datasets,
        dtype_policies,
        initializers,
        layers,
        losses,
        metrics,
        models,
        ops,
        optimizers,
        preprocessing,
        random,
        regularizers,
        saving,
        tree,
        utils,
        wrappers,
    )
    from hornbook.backend import Variable, device, name_scope
    from hornbook.constraints import Constraint
    from hornbook.core.dtype import DTypePolicy
    from hornbook.core.graph import Function
    from hornbook.core.symbolic import SymbolicTensor as KerasTensor
    from hornbook.initializers import Initializer
    from hornbook.layers import Input, InputSpec, Layer
    from hornbook.layers.remat import RematScope, remat
    from hornbook.layers.stateless import StatelessScope
    from hornbook.losses import Loss
    from hornbook.metrics import Metric
    from hornbook.models import Model, Sequential
    from hornbook.optimizers import Optimizer
    from hornbook.regularizers import Regularizer

MODULES = (
    "activations backend callbacks config constraints data datasets dtype_policies initializers "
    "layers losses metrics models ops optimizers preprocessing random regularizers saving tree "
    "utils wrappers"
).split()
NAMES = {
    "Constraint": ("constraints", "Constraint"),
    "DTypePolicy": ("core.dtype", "DTypePolicy"),
    "Initializer": ("initializers", "Initializer"),
    "Input": ("layers", "Input"),
    "InputSpec": ("layers", "InputSpec"),
    "Function": ("core.graph", "Function"),
    "KerasTensor": ("core.symbolic", "SymbolicTensor"),
    "Layer": ("layers", "Layer"),
    "Loss": ("losses", "Loss"),
    "Metric": ("metrics", "Metric"),
    "Model": ("models", "Model"),
    "Optimizer": ("optimizers", "Optimizer"),
    "Regularizer": ("regularizers", "Regularizer"),
    "Sequential": ("models", "Sequential"),
    "RematScope": ("layers.remat", "RematScope"),
    "StatelessScope": ("layers.stateless", "StatelessScope"),
    "Variable": ("backend", "Variable"),
    "device": ("backend", "device"),
    "name_scope": ("backend", "name_scope"),
    "remat": ("layers.remat", "remat"),
}

__all__ = [
    "Constraint",
    "DTypePolicy",
    "Function",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "RematScope",
    "Sequential",
    "StatelessScope",
    "Variable",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "data",
    "datasets",
    "device",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "remat",
    "saving",
    "tree",
    "utils",
    "wrappers",
]
__dir__ = __all__.copy


def version() -> str:
    """The version of hornbook.

    Example:
        >>> version() == __version__
        True
    """
    return __version__


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in NAMES:
        module, attribute = NAMES[name]
        value = getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
        globals()[name] = value
        return value
    module = sys.modules[__name__]  # where Python looks for similar names
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=module)
