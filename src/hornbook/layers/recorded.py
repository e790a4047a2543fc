"""`Recorded`: the part of a layer that records calls on symbolic tensors."""

from typing import Any

import jax

from hornbook.core.dtype import STRING
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.operation import Operation
from hornbook.core.symbolic import TEXT, Node, SymbolicTensor, infer, outputs_of
from hornbook.core.variable import bind, name_scope
from hornbook.layers import remembered
from hornbook.layers.calling import (
    SPECS,
    agreed,
    collect_losses,
    convert,
    told_specs,
    tree_of_symbols,
)
from hornbook.layers.weighted import Weighted


class Recorded(Weighted, Operation):
    """An operation with weights: a recorded call builds it, and its outputs may have masks."""

    def _ensure_built(self, args: tuple, kwargs: dict) -> None:
        raise NotImplementedError

    def _check_inputs(self, args: tuple, kwargs: dict) -> Any:
        raise NotImplementedError

    def _run(self, args: tuple, kwargs: dict) -> Any:
        raise NotImplementedError

    def _record(self, args: tuple, kwargs: dict, ask: tuple[str, ...] = SPECS) -> Any:
        """Record a symbolic call; `ask` names the methods that may give the output specs."""
        node = Node(self, args, kwargs)
        text = next((tensor for tensor in node.inputs if tensor.dtype == STRING), None)
        if text is not None:
            got = f"layer {self.name!r} ({type(self).__name__}) got {text.name!r}"
            raise TypeError(TEXT.format(f"{got}, which holds strings"))
        with name_scope(self.name):
            self._ensure_built(args, kwargs)
        masked = [leaf for leaf in dict.fromkeys(node.inputs) if leaf.mask is not None]

        def abstract(args, kwargs, masked, masks):
            for leaf, mask in zip(masked, masks, strict=True):
                set_mask(leaf, mask)
            args = tuple(convert(self, arg) for arg in args)  # to the compute dtype
            kwargs = {key: convert(self, value) for key, value in kwargs.items()}
            with bind({}), collect_losses():
                outputs = self._run(args, kwargs)
            return outputs, [get_mask(leaf) for leaf in jax.tree.leaves(outputs)]

        told = told_specs(self, args, kwargs, ask)
        given = args, kwargs, masked, [leaf.mask for leaf in masked]
        key = None if masked else remembered.key_of(self, args, kwargs)
        before = remembered.recall(key, self)
        try:
            if before is not None:
                self._check_inputs(args, kwargs)
            specs, masks = before or infer(abstract, given, {})
            if before is None:
                remembered.keep(key, self, args, kwargs, (specs, masks))
        except Exception:
            if told is None:
                raise
            specs = told
            masks = [None] * len(jax.tree.leaves(told))
        if told is not None:
            specs = agreed(self, specs, told)
        outputs_of(node, specs)
        for tensor, mask in zip(jax.tree.leaves(node.outputs), masks, strict=True):
            if mask is not None:
                tensor.mask = SymbolicTensor(mask.shape, mask.dtype, name=f"{tensor.name}_mask")
        self._nodes.append(node)
        return node.outputs

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Record a call on symbolic tensors and return its symbolic outputs."""
        return self._record(args, kwargs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The output shape for inputs of these shapes (`None`: unknown)."""
        inputs = [
            tree_of_symbols(shape, self.compute_dtype)
            for shape in [*args, *(v for k, v in kwargs.items() if k.endswith("_shape"))]
        ]
        return jax.tree.map(lambda s: s.shape, self._spec(inputs, {}, SPECS[:1]))

    def _specs(self, args: tuple, kwargs: dict) -> Any:
        return self._spec(args, kwargs, SPECS[1:])

    def _spec(self, args: Any, kwargs: dict, ask: tuple[str, ...]) -> Any:
        count = len(self._nodes)
        outputs = self._record(tuple(args), kwargs, ask)
        del self._nodes[count:]
        return outputs
