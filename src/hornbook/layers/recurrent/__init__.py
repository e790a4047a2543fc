"""Recurrent layers: a cell is one step, a layer runs a cell over the steps of a sequence.

`loop.py` runs any cell; `cell.py` is what the standard cells share: each writes its step down once,
and names the kernel that runs it over a whole sequence when its activations are the usual ones.
"""
