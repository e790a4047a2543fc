"""Diagrams of models."""

from hornbook.plot.model import Diagram, model_to_dot, plot_model

__all__ = ["Diagram", "model_to_dot", "plot_model"]
__dir__ = __all__.copy
