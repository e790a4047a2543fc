"""Definitions of operations, for programs that print or count them."""

from typing import Any


class NodeDef:
    """The name, type and inputs of an operation."""

    def __init__(self, operation: Any):
        self.name, self.op, self.device = operation.name, operation.type, operation.device
        self.input = [getattr(one, "name", "").removesuffix(":0") for one in operation.inputs]
        self.attr: dict = {}

    def __repr__(self) -> str:
        inputs = "".join(f'input: "{one}"\n' for one in self.input)
        return f'name: "{self.name}"\nop: "{self.op}"\n{inputs}'


class GraphDef:
    """`tf.GraphDef`: the operations of a graph, for programs that print or count them.

    Args:
        node: their definitions.
    """

    def __init__(self, node: Any = ()):
        self.node = list(node)

    def __repr__(self) -> str:
        return "".join(f"node {{\n{one}}}\n" for one in self.node)
