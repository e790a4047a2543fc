"""Locate the data of the examples."""

import os
import sys
from pathlib import Path


def find(name: str) -> Path:
    """The path of a data file; exits with a message if it is missing."""
    folder = Path(os.environ.get("HORNBOOK_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / name).exists():
        sys.exit(f"{name} is not in {folder}; set HORNBOOK_DATA to its folder")
    return folder / name
