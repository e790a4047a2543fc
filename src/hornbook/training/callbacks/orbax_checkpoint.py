"""Save checkpoints with Orbax, in the background and from several hosts."""

import json
import os
import warnings
from typing import Any

import jax
import numpy as np

from hornbook.core.config import serialize, sharing
from hornbook.saving import orbax
from hornbook.saving.archive import numbered
from hornbook.training.callbacks.frequency import Batches, check_frequency
from hornbook.training.callbacks.monitor import Monitor
from hornbook.training.progress import say


class OrbaxCheckpoint(Monitor):
    """Save weights, optimizer and metrics as an Orbax checkpoint, and the model's config with it.

    `load_model(directory)` and `model.load_weights(directory)` read the latest one, here and in
    Keras. Needs Orbax: `pip install 'hornbook[orbax]'`.

    Args:
        directory: folder of the checkpoints, each in a folder named by its number: the epoch, from
            0, or the number of batches trained so far.
        monitor: a name in the logs; used only with `save_best_only`.
        verbose: 1 to print when it saves.
        save_best_only: whether to save only when the monitored value is the best so far.
        mode: `"min"`, `"max"` or `"auto"`: which direction is better; auto infers it from the name.
        save_freq: `"epoch"`, or a number of batches.
        initial_value_threshold: with `save_best_only`, the value to beat first.
        max_to_keep: number of latest checkpoints that are kept; `None` for all.
        save_on_background: whether training goes on while files are written.
        save_weights_only: whether to save weights alone, without optimizer, metrics and config.

    Raises:
        ImportError: if Orbax is not installed.
        ValueError: for an unknown `save_freq`.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> save = keras.callbacks.OrbaxCheckpoint("logs", max_to_keep=2)  # doctest: +SKIP
        >>> x = np.ones((4, 1))
        >>> model.fit(x, x, epochs=3, callbacks=[save])  # doctest: +SKIP
        >>> again = keras.saving.load_model("logs")  # doctest: +SKIP
    """

    backed_up = ("best", "_batches", "_total")

    def __init__(
        self,
        directory: str | os.PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ):
        super().__init__(monitor, mode, best=initial_value_threshold)
        check_frequency("OrbaxCheckpoint", save_freq)
        orbax.package()
        self.directory = os.path.abspath(directory)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_freq = save_freq
        self.max_to_keep = max_to_keep
        self.save_on_background = save_on_background
        self.save_weights_only = save_weights_only
        self.checkpointer: Any = None  # during a fit
        self._batches = Batches()
        self._total = 0
        self._last = -1

    @property
    def every_batch(self) -> bool:  # type: ignore[override]
        """Whether batches must be counted."""
        return self.save_freq != "epoch"

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Open the folder."""
        training = orbax.package().training
        keep = training.preservation_policies.LatestN(self.max_to_keep)
        self.checkpointer = training.Checkpointer(
            self.directory,
            preservation_policy=None if self.max_to_keep is None else keep,
            save_decision_policy=training.save_decision_policies.FixedIntervalPolicy(1),
        )
        optimizer = self.model.optimizer
        self._total = 0 if optimizer is None else int(optimizer.iterations)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Count batches from the start of the epoch."""
        self._last = -1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Save every `save_freq` batches."""
        self._total += batch - self._last
        self._last = batch
        if isinstance(self.save_freq, int) and self._batches.due(batch, self.save_freq):
            self._save(self._total, logs, batch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save after the epoch."""
        if self.save_freq == "epoch":
            self._save(epoch, logs, epoch)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Wait until everything is written, and close the folder."""
        if self.checkpointer is not None:
            self.checkpointer.close()
            self.checkpointer = None
            self._wait_for_hosts("close")

    def wait_until_finished(self) -> None:
        """Wait until everything is written, on all hosts."""
        if self.checkpointer is not None:
            self.checkpointer.wait()
            self._wait_for_hosts("wait")

    def is_multihost_enabled(self) -> bool:
        """Whether several processes train together, with `jax.distributed`."""
        return jax.distributed.is_initialized()

    def is_primary_host(self) -> bool:
        """Whether this is the first of those processes, or the only one."""
        return jax.process_index() == 0

    def _wait_for_hosts(self, key: str) -> None:
        if self.is_multihost_enabled():
            orbax.package().multihost.sync_global_processes(f"hornbook_orbax_{key}")

    def _save(self, step: int, logs: dict[str, Any] | None, index: int) -> None:
        if self.save_best_only:
            value = (logs or {}).get(self.monitor)
            if value is None:
                if self.is_due(index):
                    warnings.warn(self._missing(list(logs or {})), stacklevel=3)
                return
            if not self.improved(value, self.best):
                return
            self.best = value
        saved = self._saved()
        if self.save_on_background:
            self.checkpointer.save_checkpointables_async(step, saved)
        else:
            self.checkpointer.save_checkpointables(step, saved)
        if self.verbose:
            say(f"OrbaxCheckpoint: saved step {step} to {self.directory}")

    def _saved(self) -> dict[str, Any]:
        """What a checkpoint holds, in Keras's form."""
        tree = self.model.get_state_tree()
        if self.save_weights_only:
            tree = {name: tree[name] for name in orbax.WEIGHTS}
        saved = {"pytree": jax.tree.map(_kept, tree)}
        if self.save_weights_only:
            return saved
        with sharing():
            saved["model_config"] = {"config": json.dumps(numbered(serialize(self.model)))}
        assets = orbax.assets_of(self.model)
        return {**saved, "assets": assets} if assets else saved


def _kept(array: Any) -> Any:
    """A copy, which the next step cannot overwrite; arrays of several hosts stay as they are."""
    return np.array(array) if array.is_fully_addressable else array
