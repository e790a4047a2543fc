"""Layers that slide a kernel over one, two or three spatial axes."""
