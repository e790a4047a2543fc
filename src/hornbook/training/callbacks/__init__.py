"""Callbacks: watch and steer training from outside the loop.

One file per callback or family. The base class, the table of events and the list that dispatches
them are in `training/callback.py` and `training/events.py`.
"""
