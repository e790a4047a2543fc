"""Layers that normalize the mean, variance or norm of activations."""
