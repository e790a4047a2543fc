"""Models: layers that know how to be trained, saved, shown and copied."""

from hornbook.models.cloning import clone_model, model_from_json
from hornbook.models.model import Model
from hornbook.models.sequential import Sequential
from hornbook.saving.kinds import load_model, save_model

__all__ = [
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]
__dir__ = __all__.copy
