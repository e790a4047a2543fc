"""Assets: a layer's own files in a `.keras` archive, such as a vocabulary.

Each layer has a folder below `assets/`, at its path in the layout. A layer writes them to a folder
(`save_assets`) and reads them from one (`load_assets`); it never sees the archive.
"""

import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from hornbook.core.module import Module
from hornbook.saving.layout import entries
from hornbook.saving.policy import FileError, member

FOLDER = "assets"
MOST = 10_000  # files


def write(model: Module, archive: zipfile.ZipFile) -> None:
    """Write the assets of all layers of a model."""
    for entry in entries(model):
        save: Any = getattr(entry.owner, "save_assets", None)
        if save is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            save(folder)
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    inside = PurePosixPath(FOLDER, entry.path, path.relative_to(folder).as_posix())
                    archive.write(path, str(inside), zipfile.ZIP_DEFLATED)


def names(model: Module) -> list[str]:
    """The names of a model's layers that have assets."""
    found = []
    for entry in entries(model):
        save: Any = getattr(entry.owner, "save_assets", None)
        if save is not None:
            with tempfile.TemporaryDirectory() as folder:
                save(folder)
                if any(Path(folder).iterdir()):
                    found.append(getattr(entry.owner, "name", ""))
    return found


def read(model: Module, archive: zipfile.ZipFile, shown: str) -> None:
    """Load the assets of all layers of a model.

    Raises:
        FileError: if a name leads out of its folder, or a compression ratio is implausible.
    """
    names = [name for name in archive.namelist() if name.startswith(f"{FOLDER}/")]
    if len(names) > MOST:
        raise FileError(f"refused: {shown!r} has {len(names)} assets")
    for entry in entries(model):
        load: Any = getattr(entry.owner, "load_assets", None)
        place = f"{PurePosixPath(FOLDER, entry.path)}/"
        own = [name for name in names if name.startswith(place) and not name.endswith("/")]
        if load is None or not own:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for name in own:
                _extract(archive, name, Path(folder), name.removeprefix(place), shown)
            load(folder)


def _extract(archive: Any, name: str, folder: Path, inside: str, shown: str) -> None:
    if any(part in ("", ".", "..") or set(part) & set('\\:*?"<>|') for part in inside.split("/")):
        raise FileError(f"refused: the name {name!r} in {shown!r} may lead out of its folder")
    info = member(archive, name, shown)
    target = folder / inside
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy)
