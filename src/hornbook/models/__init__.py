"""Models: layers that know how to be trained, saved, shown and copied."""

from hornbook.models.model import Model
from hornbook.models.sequential import Sequential

__all__ = ["Model", "Sequential"]
