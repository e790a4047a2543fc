"""Dropped functions of other libraries, reimplemented; dialects/libraries.py maps them."""
