"""A minimal `bcolz`: arrays in folders. bcolz itself does not support current Python."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.saving.files import replacing

DATA = "data.npy"
FOREIGN = (
    "{path} was written by bcolz itself, whose compressed blocks cannot be read; write it again "
    "with the program that made it"
)


class carray:
    """`bcolz.carray`: an array, optionally stored in a folder.

    Args:
        array: the data.
        rootdir: the folder; `None` keeps it in memory.
        mode: `"w"` replaces existing data, `"a"` and `"r"` keep it.
        **options: of bcolz; ignored: nothing is compressed.
    """

    def __init__(self, array: Any = None, rootdir: Any = None, mode: str = "a", **options: Any):
        self.rootdir = None if rootdir is None else Path(rootdir)
        self.mode = mode
        if array is None and self.rootdir is not None:
            self.array = _read(self.rootdir)
        else:
            self.array = np.asarray(array)
            if self.rootdir is not None and mode == "w":
                self.rootdir.mkdir(parents=True, exist_ok=True)
                self.flush()

    def append(self, rows: Any) -> None:
        """Add rows at the end."""
        self.array = np.concatenate([self.array, np.asarray(rows, self.array.dtype)])

    def flush(self) -> None:
        """Write it."""
        if self.rootdir is not None and self.mode != "r":
            with replacing(self.rootdir / DATA) as path, path.open("wb") as file:
                np.save(file, self.array, allow_pickle=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        """The type of its numbers."""
        return self.array.dtype

    @property
    def chunklen(self) -> int:
        """The number of rows that bcolz would store per block."""
        return max(1, min(len(self.array), 2**19 // max(1, self.array[:1].nbytes)))

    def __getitem__(self, key: Any) -> Any:
        return np.array(self.array[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.array.flags.writeable:
            self.array = np.array(self.array)
        self.array[key] = value

    def __len__(self) -> int:
        return len(self.array)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.array, dtype)

    def __repr__(self) -> str:
        return f"carray({self.shape}, {self.dtype})\n{self.array}"


def open_array(rootdir: Any, mode: str = "a") -> carray:
    """`bcolz.open`."""
    return carray(rootdir=rootdir, mode=mode)


def _read(folder: Path) -> np.ndarray:
    if not (folder / DATA).is_file():
        if (folder / "meta" / "sizes").is_file():
            sizes = json.loads((folder / "meta" / "sizes").read_text())
            raise ValueError(FOREIGN.format(path=f"{folder} ({sizes.get('shape')})"))
        raise FileNotFoundError(f"there is no array in {folder}")
    return np.load(folder / DATA, mmap_mode="r", allow_pickle=False)
