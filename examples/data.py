"""Where the examples find their data."""

import os
import sys
from pathlib import Path


def find(name: str) -> Path:
    """The path of a data file; ends the program with a message where it is absent."""
    folder = Path(os.environ.get("HORNBOOK_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / name).exists():
        sys.exit(f"{name} is not in {folder}; name its folder with HORNBOOK_DATA")
    return folder / name
