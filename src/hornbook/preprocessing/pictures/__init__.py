"""Layers that change pictures: sizes, crops, and random augmentation."""
