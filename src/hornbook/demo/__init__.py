"""`hornbook demo`: a character model trained from start to end."""

from hornbook.demo.corpus import DemoError
from hornbook.demo.model import Sizes
from hornbook.demo.run import Result, run

__all__ = ["DemoError", "Result", "Sizes", "run"]
