"""Callbacks: what can watch and steer a training from outside the loop.

One file a callback or family. The base class, the table of events and the list that passes them on
stand beside the loop, in `training/callback.py` and `training/events.py`.
"""
