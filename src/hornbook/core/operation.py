"""`Operation`: a function with settings, whose calls on symbolic tensors are recorded."""

import inspect
from typing import Any

import jax

from hornbook.core.errors import shorten
from hornbook.core.module import Module
from hornbook.core.symbolic import Node, SymbolicTensor, has_symbolic, infer, outputs_of


class Operation(Module):
    """A function of arrays with settings of its own; the base of layers, which also have weights.

    A subclass takes its settings in `__init__` and computes in `call`. Called on symbolic tensors,
    it becomes part of the model that is made from the result; a model that is saved needs
    `@keras.saving.register_keras_serializable()` on the class.

    Args:
        name: default the class's name in snake case, numbered.

    Example:
        >>> class Power(keras.Operation):
        ...     def __init__(self, exponent, name=None):
        ...         super().__init__(name=name)
        ...         self.exponent = exponent
        ...     def call(self, x):
        ...         return x**self.exponent
        >>> x = keras.Input((3,))
        >>> model = keras.Model(x, Power(3)(x))
        >>> model.predict(np.full((1, 3), 2.0), verbose=0).tolist()
        [[8.0, 8.0, 8.0]]
    """

    _nodes: list[Node]

    def __init__(self, name: str | None = None):
        super().__init__(name=name)
        self._nodes = []

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The formula: compute outputs from inputs."""
        raise NotImplementedError(f"{type(self).__name__} has no call(self, inputs) method")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute with arrays, or record the call on symbolic tensors."""
        try:
            if has_symbolic(args) or has_symbolic(kwargs):
                return self.symbolic_call(*args, **kwargs)
            return self.call(*args, **kwargs)
        except Exception as error:
            error.add_note(f"in the operation {self.name!r} ({type(self).__name__})")
            shorten(error)
            raise

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Record a call on symbolic tensors and return its symbolic outputs."""
        node = Node(self, args, kwargs)
        outputs_of(node, self.compute_output_spec(*args, **kwargs))
        self._nodes.append(node)
        return node.outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors with the output shapes and dtypes; nothing is recorded."""
        return self._specs(args, kwargs)

    def _specs(self, args: tuple, kwargs: dict) -> Any:
        specs = infer(self.call, args, kwargs)
        return jax.tree.map(lambda spec: SymbolicTensor(spec.shape, spec.dtype), specs)

    def get_config(self) -> dict:
        """The constructor arguments and the name as plain data."""
        return super().get_config() | {"name": self.name}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """Create an operation from what `get_config` returned."""
        takes = inspect.signature(cls.__init__).parameters.values()
        if any(p.name == "name" or p.kind is p.VAR_KEYWORD for p in takes):
            return super().from_config(config)
        made = super().from_config({key: v for key, v in config.items() if key != "name"})
        made.name = config.get("name", made.name)
        return made

    @property
    def input(self) -> Any:
        """The symbolic input of its first recorded call."""
        node = self._first_node("input")
        inputs = node.inputs if node.inputs else node.outputs
        return inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else inputs

    @property
    def output(self) -> Any:
        """The symbolic output of its first recorded call."""
        return self._first_node("output").outputs

    def _first_node(self, what: str) -> Node:
        if not self._nodes:
            kind = "layer" if hasattr(self, "built") else "operation"
            raise AttributeError(
                f"{kind} {self.name!r} has no symbolic {what}: it has not been called on an Input"
            )
        return self._nodes[0]

    def __getstate__(self) -> dict:
        return {**vars(self), "_nodes": []}  # a model keeps the calls it needs


__all__ = ["Operation"]
