"""Write each epoch's logs to a CSV file."""

import csv
import os
import warnings
from pathlib import Path
from typing import Any, TextIO

from hornbook.training.callback import Callback
from hornbook.training.callbacks.monitor import validates

MISSING = "NA"


class CSVLogger(Callback):
    """Write the logs of each epoch as a line of a CSV file, flushed after each epoch.

    The columns are `epoch` (from 0) and the names that the first epoch reports; with `append`,
    those of the file. A value that an epoch lacks is written as `NA`.

    Args:
        filename: path of the file. Missing folders are created.
        separator: character between values.
        append: whether to append to an existing file, rather than overwrite it.

    Raises:
        ValueError: if the first epoch reports a name that the file to append to has no column for.

    Example:
        >>> log = keras.callbacks.CSVLogger("log.csv")
        >>> log.on_train_begin()
        >>> log.on_epoch_end(0, {"loss": 0.5})
        >>> log.on_train_end()
        >>> import pathlib
        >>> pathlib.Path("log.csv").read_text().splitlines()
        ['epoch,loss', '0,0.5']
    """

    only_first = True

    def __init__(self, filename: str | os.PathLike, separator: str = ",", append: bool = False):
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._file: TextIO | None = None
        self._columns: list[str] = []
        self._known: set[str] = set()  # names seen in this training

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Open the file, and read its columns if there are any."""
        self.on_train_end()
        path = Path(self.filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._columns, self._known = [], set()
        if self.append and path.exists():
            with path.open(newline="") as file:
                self._columns = next(csv.reader(file, delimiter=self.separator), [])
        self._file = path.open("a" if self.append else "w", newline="")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write a line."""
        if self._file is None:  # after training, or before
            return
        row = {"epoch": epoch, **(logs or {})}
        writer = csv.writer(self._file, delimiter=self.separator, lineterminator="\n")
        if not self._columns:
            self._columns = self._all_columns(epoch, list(row))
            writer.writerow(self._columns)
        self._check(epoch, row)
        writer.writerow([row.get(name, MISSING) for name in self._columns])
        self._file.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def _all_columns(self, epoch: int, names: list[str]) -> list[str]:
        """The columns, including those of a validation that first runs after a later epoch."""
        if validates(self.params, epoch):
            return names
        return names + [f"val_{name}" for name in names if name != "epoch"]

    def _check(self, epoch: int, row: dict[str, Any]) -> None:
        """Raise for names without a column in the first epoch, warn about them later."""
        first = not self._known
        extra = [name for name in row if name not in self._columns and name not in self._known]
        self._known.update(row)
        if not extra:
            return
        message = (
            f"CSVLogger: epoch {epoch} reports {', '.join(extra)}, but the columns of "
            f"{self.filename} are {', '.join(self._columns)}"
        )
        if first:
            self.on_train_end()
            raise ValueError(f"{message}. Write to another file, or pass append=False")
        warnings.warn(f"{message}; it is left out", stacklevel=2)
