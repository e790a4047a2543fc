"""`hornbook demo`: trains a character model end to end."""

from hornbook.demo.corpus import DemoError
from hornbook.demo.experiment import run
from hornbook.demo.model import Sizes
from hornbook.demo.report import Result

__all__ = ["DemoError", "Result", "Sizes", "run"]
