"""Attention layers: each step of one sequence attends to the steps of another."""
