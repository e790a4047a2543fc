"""Continue a training that was killed, as if it had not been."""

import os
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from hornbook.core import placement
from hornbook.core.random import random_state, set_random_state
from hornbook.core.variable import Variable
from hornbook.saving import state_file
from hornbook.saving.layout import entries
from hornbook.saving.policy import FileError
from hornbook.training.callback import Callback
from hornbook.training.callbacks.frequency import Batches, check_frequency
from hornbook.training.programs import all_paths

KEEPS = "The file stays as it is. Delete the folder {!r} to train from the beginning"
FELL_BACK = "{}. Training continues from the backup before it"


class BackupAndRestore(Callback):
    """Save the state of a training, and continue it when the program is started again.

    A fit that was killed goes on bit for bit where the last backup was made, inside an epoch too:
    weights, optimizer, metrics, random state, the position in the data and their order, the
    history, and what other callbacks remember (their class's `backed_up`).

    Sources of batches: an iterator with `get_state` and `set_state` knows its position; a source
    that can be read again must yield the same batches from the same random state; of a new
    generator, the batches of the earlier run are skipped. `CSVLogger` needs `append=True`.

    Args:
        backup_dir: folder of the backup, `latest.weights.h5`; use it for nothing else.
        save_freq: `"epoch"`, or a number of batches.
        double_checkpoint: whether to keep the backup before the last one too, as
            `latest.weights.h5.bkp`; it is used if the last one is damaged.
        delete_checkpoint: whether to delete the backup when training has finished. After Ctrl-C or
            an error it stays.

    Raises:
        ValueError: for an empty `backup_dir` or an unknown `save_freq`; when training begins, for a
            backup that is damaged or of another model, which stays as it is.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> class Fail(keras.callbacks.Callback):
        ...     def on_epoch_begin(self, epoch, logs=None):
        ...         if epoch == 2:
        ...             raise RuntimeError
        >>> x = np.ones((4, 1))
        >>> backup = keras.callbacks.BackupAndRestore("backup")
        >>> try:
        ...     model.fit(x, x, epochs=3, verbose=0, callbacks=[backup, Fail()])
        ... except RuntimeError:
        ...     pass
        >>> model.fit(x, x, epochs=3, verbose=0, callbacks=[backup]).epoch
        [0, 1, 2]
    """

    runs_last = True

    def __init__(
        self,
        backup_dir: str | os.PathLike,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        if not backup_dir:
            raise ValueError(
                f"BackupAndRestore: backup_dir={backup_dir!r} must be the path of a folder"
            )
        check_frequency("BackupAndRestore", save_freq)
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._latest = Path(self.backup_dir, "latest.weights.h5")
        self._previous = Path(f"{self._latest}.bkp")
        self._batches = Batches()
        self._epoch = 0
        self._again: tuple | None = None  # what to restore once more after `on_epoch_begin`

    @property
    def every_batch(self) -> bool:  # type: ignore[override]
        """Whether batches must be counted."""
        return self.save_freq != "epoch"

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Restore the last backup, if there is one."""
        self._batches, self._epoch, self._again = Batches(), 0, None
        for left in self._latest.parent.glob(f".{self._latest.name}.*.tmp"):
            left.unlink()  # the process was killed while it wrote
        problem = None
        for path in filter(Path.exists, (self._latest, self._previous)):
            try:
                found = self._resumed(path)
            except FileError as error:
                problem = problem or error
                continue
            if problem:
                warnings.warn(FELL_BACK.format(problem), stacklevel=2)
                os.replace(path, self._latest)
            self._epoch = found[1]["epoch"]
            self._again = found if found[1]["batch"] else None
            return
        if problem:
            raise FileError(f"{problem}. {KEEPS.format(self.backup_dir)}") from None

    def _resumed(self, path: Path) -> tuple[dict[Variable, Any], dict[str, Any]]:
        """Continue from a backup: the values of variables, and the rest of the state.

        Raises:
            FileError: if it is damaged, or of another training.
        """
        arrays, state = state_file.read(path)
        values = self._matched(arrays, path)
        try:
            run = self.model._training_state.run
            run.resume(state["epoch"], state["position"], state["logs"])
            self._restore(values, state)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            why = error if isinstance(error, ValueError) else f"it lacks {error}"
            raise FileError(f"{str(path)!r} is a backup of another training: {why}") from None
        return values, state

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """In the middle of an epoch, undo what callbacks did at its beginning once more."""
        self._epoch = epoch
        if self._again:
            self._restore(*self._again)
            self._again = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Save every `save_freq` batches."""
        if isinstance(self.save_freq, int) and self._batches.due(batch, self.save_freq):
            self._save(self._epoch, batch + 1, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save after the epoch."""
        self._epoch = epoch + 1
        if self.save_freq == "epoch":
            self._save(self._epoch, 0, logs)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Delete the backup, unless training was interrupted."""
        run = self.model._training_state.run
        finished = self._epoch >= run.epochs or self.model.stop_training
        if self.delete_checkpoint and finished and placement.is_first():
            self._latest.unlink(missing_ok=True)
            self._previous.unlink(missing_ok=True)
            with suppress(OSError):  # there are other files in it, or it does not exist
                self._latest.parent.rmdir()

    def _save(self, epoch: int, batch: int, logs: dict[str, Any] | None) -> None:
        run = self.model._training_state.run
        state = {
            "epoch": epoch,
            "batch": batch,
            "logs": dict(logs or {}),
            "position": run.position(whole=not batch),
            "random": random_state(),
            "batches": list(self._batches),
            "callbacks": {
                name: {key: getattr(callback, key) for key in type(callback).backed_up}
                for name, callback in self._others().items()
            },
        }
        arrays = {place: variable.numpy() for place, variable in self._places().items()}
        if not placement.is_first():
            return
        self._latest.parent.mkdir(parents=True, exist_ok=True)
        with state_file.replaced(self._latest, arrays, state):
            if self.double_checkpoint and self._latest.exists():
                os.replace(self._latest, self._previous)

    def _places(self) -> dict[str, Variable]:
        """Every variable of model, optimizer and metrics, by its path in the file.

        Those of a weights file lie where `load_weights` finds them.
        """
        places = {
            f"{entry.path}/vars/{number}".lstrip("/"): variable
            for entry in entries(self.model)
            for number, variable in enumerate(entry.variables)
        }
        known = set(places.values())
        more = [v for v in all_paths(self.model, "train").values() if v not in known]
        return places | {f"{state_file.GROUP}/more/{i}": v for i, v in enumerate(more)}

    def _others(self) -> dict[str, Any]:
        """Callbacks with a state, by their class's name, numbered."""
        counts: Counter[str] = Counter()
        found = {}
        for callback in self.model._training_state.run.events.callbacks:
            name = type(callback).__name__
            counts[name] += 1
            if getattr(type(callback), "backed_up", ()):
                found[f"{name}_{counts[name]}"] = callback
        return found

    def _matched(self, arrays: dict[str, Any], path: Path) -> dict[Variable, Any]:
        """The values of the variables.

        Raises:
            FileError: if the backup is of another model.
        """
        places = self._places()
        wanted = {place: (v.shape, str(v.dtype)) for place, v in places.items()}
        found = {place: (array.shape, array.dtype.name) for place, array in arrays.items()}
        for place in [*wanted, *found]:
            if wanted.get(place) != found.get(place):
                what = f"{places[place].path!r} ({place})" if place in places else place
                raise FileError(
                    f"{str(path)!r} is a backup of another model, optimizer or metrics: {what} is "
                    f"{_shown(wanted.get(place))} here and {_shown(found.get(place))} in the backup"
                )
        return {variable: arrays[place] for place, variable in places.items()}

    def _restore(self, values: dict[Variable, Any], state: dict[str, Any]) -> None:
        """Restore the random state, the variables and what callbacks remember."""
        set_random_state(state["random"])
        for variable, value in values.items():
            variable.assign(value)
        self.model._training_state.run.program.variables.own()
        self._batches[:] = state["batches"]
        others = self._others()
        for name, attributes in state["callbacks"].items():
            for key in set(attributes) & set(getattr(type(others.get(name)), "backed_up", ())):
                kept, value = getattr(others[name], key), attributes[key]
                if isinstance(kept, list) and isinstance(value, list):
                    kept[:] = value  # keeps its class
                else:
                    setattr(others[name], key, value)


def _shown(spec: Any) -> str:
    return "missing" if spec is None else f"{spec[0]} {spec[1]}"
