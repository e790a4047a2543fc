"""Eager calls as one compiled call, for layers that consist of many operations on large arrays."""

import threading
from typing import Any

import jax
import numpy as np

from hornbook.core import tree
from hornbook.core.compiler import compiler_options
from hornbook.core.module import Structure
from hornbook.core.settings import image_data_format
from hornbook.core.variable import bind, thread

SETTINGS = (bool, int, float, str, list, tuple, type(None))


def one_call(layer: Any, args: tuple, kwargs: dict) -> Any:
    """`layer.call(*args, **kwargs)`, in one compiled call if it is eager.

    It is compiled for each shape and dtype, and again if an attribute of the layer or of a layer
    inside it has changed.

    Args:
        layer: a layer whose `call` has no other effect than assigning its variables.
        args, kwargs: arrays, structures of them, and hashable values. With a numpy array, which is
            a single picture (`one_picture.py`), nothing is compiled.
    """
    leaves, form = jax.tree.flatten((args, kwargs))
    if thread.scopes or any(isinstance(leaf, jax.core.Tracer | np.ndarray) for leaf in leaves):
        return layer.call(*args, **kwargs)
    known = vars(layer).get("_compiled_call")
    if known is None or not known.holds():
        known = vars(layer)["_compiled_call"] = _Compiled(layer)  # bypasses structure tracking
    return known(leaves, form)


def settings_of(structure: Structure) -> str:
    """What compiled code depends on: the flags, and attributes of all layers inside."""
    return repr(
        [thread.calls[-1].training if thread.calls else None, image_data_format()]
        + [
            (name, value)
            for module in structure.modules
            for name, value in vars(module).items()
            if isinstance(value, SETTINGS) and (not name.startswith("_") or name == "_trainable")
        ]
    )


class Known:
    """The layers inside a layer and its variables, which what is compiled for it depends on."""

    def __init__(self, layer: Any):
        self.layer = layer
        self.structure = Structure(layer)
        self.variables = layer._all_variables()

    def holds(self) -> bool:
        """Whether the layer still has the layers and variables that it had."""
        if not self.structure.holds():
            now = Structure(self.layer)
            if not now.same(self.structure) or self.layer._all_variables() != self.variables:
                return False
            self.structure = now
        return True


class _Compiled(Known):
    """A layer's call as a compiled function of the arguments and of the variables' values."""

    def __init__(self, layer: Any):
        super().__init__(layer)
        self.lock = threading.Lock()

        def run(values: list, arrays: list, fixed: tuple, form: Any, settings: str) -> tuple:
            args, kwargs = tree.joined(form, fixed, arrays)
            with bind(dict(zip(self.variables, values, strict=True))) as scope:
                outputs = layer.call(*args, **kwargs)
            return outputs, [scope[variable] for variable in self.variables]

        self.run = jax.jit(run, static_argnums=(2, 3, 4), compiler_options=compiler_options())

    def __call__(self, leaves: list, form: Any) -> Any:
        arrays, fixed = tree.parted(leaves)
        with self.lock:  # no two threads draw the same random numbers
            values = [variable.raw for variable in self.variables]
            outputs, after = self.run(values, arrays, fixed, form, settings_of(self.structure))
            for variable, value, new in zip(self.variables, values, after, strict=True):
                if new is not value:
                    variable.assign(new)
        return outputs
