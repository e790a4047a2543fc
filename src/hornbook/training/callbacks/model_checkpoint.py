"""Save the model, or its weights, during training."""

import copy
import os
from collections import defaultdict
from pathlib import Path
from string import Formatter
from typing import Any

from hornbook.core.config import nearest
from hornbook.saving import files, kinds
from hornbook.saving.files import written_by_first
from hornbook.training.callbacks.frequency import Batches, check_frequency
from hornbook.training.callbacks.monitor import Monitor
from hornbook.training.progress import say


class ModelCheckpoint(Monitor):
    """Save the model or its weights after each epoch, each better epoch, or every N batches.

    Args:
        filepath: path of the file. Names in braces are filled in: `epoch` (from 1), `batch` (from
            1) and every name in the logs: `"best-{epoch:02d}-{val_loss:.2f}.keras"`. Missing
            folders are created.
        monitor: a name in the logs; used only with `save_best_only`.
        verbose: 1 to print when it saves.
        save_best_only: whether to save only when the monitored value is the best so far.
        save_weights_only: whether to call `model.save_weights` instead of `model.save`.
        mode: `"min"`, `"max"` or `"auto"`: which direction is better; auto infers it from the name.
        save_freq: `"epoch"`, or a number of batches.
        initial_value_threshold: with `save_best_only`, the value to beat first.

    With `save_best_only`, an epoch without the monitored value gives a warning and is saved.

    Raises:
        ValueError: for an unknown `save_freq`, or a `filepath` that has the wrong suffix or cannot
            be filled in; during training, for a name in it that is not in the logs.
        OSError: if the file cannot be written.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> save = keras.callbacks.ModelCheckpoint("{epoch}.weights.h5", save_weights_only=True)
        >>> _ = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[save])
        >>> import os
        >>> sorted(os.listdir())
        ['1.weights.h5', '2.weights.h5']
    """

    suffixes = (kinds.suffixes("write_model"), kinds.suffixes("write_weights"))
    backed_up = ("best", "_batches")
    first_epoch = 1  # in file names and messages

    def __init__(
        self,
        filepath: str | os.PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode, best=initial_value_threshold)
        check_frequency("ModelCheckpoint", save_freq)
        by_batch = save_freq != "epoch"
        path = os.fspath(filepath)
        wanted = {name for name in _names_in(path) if name not in ("epoch", "batch")}
        wanted |= {monitor} if save_best_only else set()
        late = sorted(name for name in wanted if name.startswith("val_"))
        if by_batch and late:
            raise ValueError(
                f"ModelCheckpoint: {late[0]!r} is only known after an epoch, but "
                f"save_freq={save_freq} asks for it after a batch. Pass save_freq='epoch', or "
                f"monitor={late[0].removeprefix('val_')!r}"
            )
        if not by_batch and "batch" in _names_in(path):
            raise ValueError(
                f"ModelCheckpoint: filepath={path!r} asks for the batch, which save_freq='epoch' "
                "does not know: pass a number of batches"
            )
        suffixes = self.suffixes[bool(save_weights_only)]
        _check_place(files.place(path, suffixes), suffixes)
        self.filepath = path
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._current_epoch = 0
        self._batches = Batches()

    @property
    def every_batch(self) -> bool:  # type: ignore[override]
        """Whether batches must be counted."""
        return self.save_freq != "epoch"

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Remember the epoch."""
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Save every `save_freq` batches."""
        if self._should_save_on_batch(batch):
            self._save_model(self._current_epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save after the epoch."""
        if self.save_freq == "epoch":
            self._save_model(epoch, None, logs)

    # Libraries' subclasses call these three, so they have Keras's names and arguments.

    def _should_save_on_batch(self, batch: int) -> bool:
        return isinstance(self.save_freq, int) and self._batches.due(batch, self.save_freq)

    def _save_model(
        self, epoch: int, batch: int | None = None, logs: dict[str, Any] | None = None
    ) -> None:
        number = epoch + self.first_epoch
        value = self.read(epoch, logs) if self.save_best_only else None
        if value is None and self.save_best_only and not self.is_due(epoch):
            return
        if value is not None:
            best = "none" if self.best is None else f"{self.best:.5f}"
            if not self.improved(value, self.best):
                self._report(f"Epoch {number}: {self.monitor} did not improve from {best}")
                return
            self._report(f"Epoch {number}: {self.monitor} improved from {best} to {value:.5f}")
            self.best = value
        suffixes = self.suffixes[bool(self.save_weights_only)]
        path = Path(files.place(self._get_file_path(epoch, batch, logs), suffixes))
        if path.is_dir():
            raise IsADirectoryError(f"ModelCheckpoint: {path} is a folder; pass the path of a file")
        save = self.model.save_weights if self.save_weights_only else self.model.save
        with written_by_first(path) as place:
            place.parent.mkdir(parents=True, exist_ok=True)
            save(str(place), overwrite=True)
        self._report(f"Epoch {number}: saved to {path}")

    def _get_file_path(
        self, epoch: int, batch: int | None = None, logs: dict[str, Any] | None = None
    ) -> str:
        names = copy.copy(logs) if logs else {}  # keeps its class, which may map old names
        names |= {"epoch": epoch + self.first_epoch}
        names |= {} if batch is None else {"batch": batch + 1}
        try:
            return self.filepath.format_map(names)
        except KeyError as error:
            name = error.args[0]
            raise ValueError(
                f"ModelCheckpoint: filepath={self.filepath!r} asks for {name!r}, which is not "
                f"known here. There are: {', '.join(names)}. {nearest(name, names)}"
            ) from None

    def _report(self, message: str) -> None:
        if self.verbose:
            say(message)


def _names_in(path: str) -> set[str]:
    """The names in braces.

    Raises:
        ValueError: if the format string is invalid.
    """
    try:
        fields = [field for _, field, _, _ in Formatter().parse(path) if field is not None]
        path.format_map(defaultdict(lambda: 1.0, epoch=1, batch=1))
    except (ValueError, IndexError) as error:
        raise ValueError(
            f"ModelCheckpoint: filepath={path!r} cannot be filled in: {error}"
        ) from None
    return {field.partition(".")[0].partition("[")[0] for field in fields}


def _check_place(path: str, suffixes: tuple[str, ...]) -> None:
    """Raise if a path cannot be saved to."""
    if Path(path).is_dir():
        raise IsADirectoryError(f"ModelCheckpoint: {path} is a folder; pass the path of a file")
    if not path.endswith((*suffixes, "}")):
        raise ValueError(
            f"ModelCheckpoint: filepath={path!r} must end in {' or '.join(suffixes)}. Pass "
            + (
                "save_weights_only=False to save the model"
                if path.endswith(".keras")
                else f"{Path(path).stem + suffixes[0]!r}"
            )
        )
    folder = next(p for p in Path(path.partition("{")[0] + "x").absolute().parents if p.exists())
    if not folder.is_dir():
        raise NotADirectoryError(f"ModelCheckpoint: {folder} is no folder, but {path} is in it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"ModelCheckpoint: the folder {folder} cannot be written to")
