"""A minimal `bcolz`: arrays in folders. bcolz itself does not support current Python."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.datasets.reading import read_npy
from hornbook.saving.files import replacing

DATA, ROWS = "data.npy", "chunklen"
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
        chunklen: rows per chunk; default: as many as fit into half a megabyte.
        **options: of bcolz; ignored: nothing is compressed.
    """

    def __init__(
        self,
        array: Any = None,
        rootdir: Any = None,
        mode: str = "a",
        chunklen: int | None = None,
        **options: Any,
    ):
        self.rootdir = None if rootdir is None else Path(rootdir)
        self.mode = mode
        self._chunklen = chunklen
        if array is None and self.rootdir is not None:
            self.array = _read(self.rootdir)
            stored = self.rootdir / ROWS
            self._chunklen = chunklen or (int(stored.read_text()) if stored.is_file() else None)
        else:
            self.array = _array(array)
            if self.rootdir is not None and mode == "w":
                self.rootdir.mkdir(parents=True, exist_ok=True)
                self.flush()

    def append(self, rows: Any) -> None:
        """Add rows, or one row, at the end."""
        rows = np.asarray(rows, self.array.dtype)
        rows = rows[None] if rows.ndim < self.array.ndim else rows
        self.array = np.concatenate([self.array, rows])

    def flush(self) -> None:
        """Write it."""
        if self.rootdir is not None and self.mode != "r":
            with replacing(self.rootdir / DATA) as path, path.open("wb") as file:
                np.save(file, self.array, allow_pickle=self.array.dtype.hasobject)
            (self.rootdir / ROWS).write_text(str(self.chunklen))

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
        """The number of rows per chunk."""
        default = max(1, min(len(self.array), 2**19 // max(1, self.array[:1].nbytes)))
        return self._chunklen or default

    @property
    def nchunks(self) -> int:
        """The number of full chunks."""
        return len(self.array) // self.chunklen

    @property
    def chunks(self) -> list[np.ndarray]:
        """The full chunks."""
        size = self.chunklen
        return [self.array[n * size : (n + 1) * size] for n in range(self.nchunks)]

    @property
    def leftover_elements(self) -> int:
        """The number of rows after the last full chunk."""
        return len(self.array) % self.chunklen

    @property
    def leftover_array(self) -> np.ndarray:
        """The rows after the last full chunk."""
        return self.array[self.nchunks * self.chunklen :]

    @property
    def ndim(self) -> int:
        """Its number of axes."""
        return self.array.ndim

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return self.array.nbytes

    @property
    def size(self) -> int:
        """Its number of elements."""
        return self.array.size

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


def _array(value: Any) -> np.ndarray:
    """An array; of objects for a list of arrays of different shapes."""
    try:
        return np.asarray(value)
    except ValueError:
        array = np.empty(len(value), object)
        for place, one in enumerate(value):
            array[place] = one
        return array


def _read(folder: Path) -> np.ndarray:
    if not (folder / DATA).is_file():
        if (folder / "meta" / "sizes").is_file():
            sizes = json.loads((folder / "meta" / "sizes").read_text())
            raise ValueError(FOREIGN.format(path=f"{folder} ({sizes.get('shape')})"))
        raise FileNotFoundError(f"there is no array in {folder}")
    try:
        return np.load(folder / DATA, mmap_mode="r", allow_pickle=False)
    except ValueError:  # objects
        return read_npy((folder / DATA).read_bytes())
