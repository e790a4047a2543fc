"""Layers that bring activations to a known mean, size or spread."""
