"""Activations whose formula has changed under the same name."""

from hornbook.activations import _steep_hard_sigmoid as hard_sigmoid

__all__ = ["hard_sigmoid"]
