"""Layers in which each step of a sequence looks at the steps of another one."""
