"""Calls of layers while a tape records: a layer of this library is one step, compiled if eager.

A step is a pure function of the values of the layer's variables, among them seeds, and of the
arguments. So a gradient plays it again with the same random numbers, and assigns nothing.
"""

from typing import Any

import jax

from hornbook.core import tree
from hornbook.core.compiler import compiler_options
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.taping import paused, recording
from hornbook.core.variable import Inside, bind, thread
from hornbook.layers.calling import Call
from hornbook.layers.one_call import Known, settings_of

OURS = "hornbook."


def call_of(layer: Any, args: tuple, kwargs: dict) -> Any:
    """A layer's call as a step; `None` if it runs Python code of the program.

    Args:
        layer: a built layer.
        args, kwargs: the arguments of a call; they build the layers inside that are not built.
    """
    known = vars(layer).get("_taped")
    if known is None or not known.holds():
        known = vars(layer)["_taped"] = Taped(layer, args, kwargs)  # bypasses structure tracking
    return known if known.ours else None


class Taped(Known):
    """The calls of a layer as functions of the values of its variables and of its arguments."""

    def __init__(self, layer: Any, args: tuple, kwargs: dict):
        super().__init__(layer)
        self.ours = all(map(_is_ours, self.structure.modules)) and not _has_outputs(layer)
        if self.ours and not all(getattr(one, "built", True) for one in self.structure.modules):
            with paused(), bind({}), Inside("calls", Call(None, [])):
                layer._run(args, kwargs)
            super().__init__(layer)
        self.ways: dict[Any, Way] = {}

    def __call__(self, args: tuple, kwargs: dict) -> Any:
        """Call the layer, record the call, and assign the variables that it changes."""
        layer = self.layer
        outer = thread.calls[-1] if thread.calls else None
        leaves, form = jax.tree.flatten((args, kwargs))
        arrays, fixed = tree.parted(leaves)
        training = layer._training(kwargs, outer)
        key = (form, fixed, training, thread.compute_dtypes[-1], settings_of(self.structure))
        way = self.ways.get(key)
        if way is None:
            way = self.ways[key] = Way(layer, self.variables, form, fixed, training)
        values = [variable.raw for variable in self.variables]
        masks = [get_mask(array) for array in arrays]
        outputs, after, losses, found = recording.tapes[-1].call(way, (values, arrays, masks), {})
        for number, value in after.items():
            self.variables[number].assign(value)
        for array, mask in zip(jax.tree.leaves(outputs), found, strict=True):
            if mask is not None:
                set_mask(array, mask)
        if outer is None:
            vars(layer)["_loss_values"] = losses  # bypasses structure tracking
        else:
            outer.losses += losses
        return outputs


def _is_ours(module: Any) -> bool:
    kind = type(module)
    given = getattr(module, "_runs_given_function", False) or getattr(module, "_host", None)
    return kind.__module__.startswith(OURS) and not given


def _has_outputs(layer: Any) -> bool:
    """Whether a layer is a graph of several outputs, of which one may depend on another."""
    graph = getattr(layer, "_known_graph", lambda: None)()
    return graph is not None and len(tree.flatten(graph.outputs)) > 1


class Way:
    """One way to call a layer: a training flag, and the arguments that are not arrays."""

    def __init__(self, layer: Any, variables: list, form: Any, fixed: tuple, training: Any):
        self.layer, self.variables = layer, variables
        self.form, self.fixed, self.training = form, fixed, training
        self.compiled = jax.jit(self.run, compiler_options=compiler_options())

    def __call__(self, values: list, arrays: list, masks: list) -> tuple:
        traced = any(isinstance(one, jax.core.Tracer) for one in (*values, *arrays))
        return (self.run if traced else self.compiled)(values, arrays, masks)

    def run(self, values: list, arrays: list, masks: list) -> tuple:
        """The outputs, the new values of variables that change, the added losses and the masks."""
        args, kwargs = tree.joined(self.form, self.fixed, arrays)
        for array, mask in zip(arrays, masks, strict=True):
            if mask is not None:
                set_mask(array, mask)
        call = Call(self.training, [])
        with bind(dict(zip(self.variables, values, strict=True))) as scope, Inside("calls", call):
            outputs = self.layer._run(args, kwargs)
            after = {
                number: scope[variable]
                for number, variable in enumerate(self.variables)
                if scope[variable] is not values[number]
            }
            found = [get_mask(leaf) for leaf in jax.tree.leaves(outputs)]
        return outputs, after, call.losses, found
