"""Recurrent layers: a cell is one step, a layer runs a cell over the steps of a sequence.

`loop.py` runs any cell; `cell.py` holds what the standard cells share. Each cell defines its step
and names the kernel that runs it over a whole sequence if it supports the cell's activations.
"""
