"""Write the course of a training for TensorBoard."""

import os
import time
import warnings
from pathlib import Path
from typing import Any

import jax
import numpy as np

from hornbook.core import placement
from hornbook.core.settings import image_data_format
from hornbook.core.variable import Variable
from hornbook.layers.embedding import Embedding
from hornbook.training.callback import Callback
from hornbook.training.summary import NO_TENSORBOARD, SummaryWriter


class TensorBoard(Callback):
    """Write losses, metrics, weights, pictures, the graph and profiles for TensorBoard.

    Training values go to `log_dir/train`, validation values to `log_dir/validation`, under Keras's
    names: `epoch_loss`, `batch_loss`, `evaluation_loss_vs_iterations`, `dense/kernel/histogram`.
    View them with `tensorboard --logdir log_dir`. `writer("train")` is where hooks of your own can
    write numbers, pictures, histograms and text.

    Needs tensorboard: `pip install 'hornbook[tensorboard]'`; TensorFlow is not needed.

    Args:
        log_dir: folder of the files.
        histogram_freq: write histograms of all weights every this many epochs; 0 for never.
        write_graph: whether to write the layers of a functional or sequential model.
        write_images: whether to write weights as pictures too, with the histograms.
        write_steps_per_second: whether to write the speed, after epochs and batches.
        update_freq: `"epoch"`, `"batch"`, or a number of batches after which losses and metrics
            are written too.
        profile_batch: a batch, counted from 1 in the fit, or the first and last one, to profile
            with `jax.profiler`; 0 for none. Reading the profile needs the package xprof.
        embeddings_freq: write the tables of embedding layers for the projector every this many
            epochs; 0 for never.
        embeddings_metadata: path of a file with a name for each row of the tables, relative to
            `log_dir`; or a dictionary of them by the layers' names.

    Raises:
        ImportError: if tensorboard is not installed.
        ValueError: for an invalid `update_freq` or `profile_batch`, or metadata of an unknown
            layer.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> x = np.ones((4, 1))
        >>> callback = keras.callbacks.TensorBoard("logs", histogram_freq=1)
        >>> history = model.fit(x, x, epochs=2, verbose=0, callbacks=[callback])
        >>> sorted(os.listdir("logs"))
        ['train']
    """

    backed_up = ("_train_batch",)
    only_first = True

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ):
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        known = isinstance(self.update_freq, int) and self.update_freq > 0
        if self.update_freq != "epoch" and not known:
            raise ValueError(
                f"TensorBoard: update_freq={update_freq!r} must be 'epoch', 'batch' or a number of "
                "batches"
            )
        self._first, self._last = _batches(profile_batch)
        self._writers: dict[str, SummaryWriter] = {}
        self._train_batch = 0
        self._tracing = False
        self._began = (0.0, 0)  # time and iterations at the start of the epoch
        self._batch_began = 0.0
        _check_installed()

    @property
    def every_batch(self) -> bool:  # type: ignore[override]
        """Whether it writes or profiles single batches."""
        return self.update_freq != "epoch" or self._first > 0

    def writer(self, part: str = "train") -> SummaryWriter:
        """The writer of a part of the logs, opened when it is first asked for.

        Args:
            part: `"train"`, `"validation"` or another subfolder of `log_dir`.
        """
        if part not in self._writers:
            self._writers[part] = SummaryWriter(os.path.join(self.log_dir, part))
        return self._writers[part]

    def set_model(self, model: Any) -> None:
        """Set the model, and write its graph and the projector's settings."""
        super().set_model(model)
        self._close()
        if self.write_graph and model._known_graph() is not None:
            try:
                self.writer().graph(model)
            except (TypeError, ValueError, NotImplementedError) as error:
                warnings.warn(f"TensorBoard: the graph is not written: {error}", stacklevel=2)
        if self.embeddings_freq:
            self._configure_projector()

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Count batches from the start."""
        self._train_batch = 0

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close the files."""
        self._stop_profiler()
        self._close()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Note the time."""
        if self.write_steps_per_second:
            self._began = time.perf_counter(), int(self.model.optimizer.iterations)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write the values of an epoch, weights and embeddings."""
        logs = logs or {}
        train = {name: value for name, value in logs.items() if not name.startswith("val_")}
        if train:
            train = _learning_rates(getattr(self.model, "optimizer", None)) | train
            if self.write_steps_per_second:
                seconds = time.perf_counter() - self._began[0]
                steps = int(self.model.optimizer.iterations) - self._began[1]
                train["steps_per_second"] = steps / seconds
            self._scalars("train", "epoch_{}", train, epoch)
        held_out = {n.removeprefix("val_"): v for n, v in logs.items() if n.startswith("val_")}
        self._scalars("validation", "epoch_{}", held_out, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            for layer in self._embeddings():
                table = np.asarray(layer.embeddings, "float32")
                np.savetxt(self._tensor_path(layer), table, "%.6g", "\t")
        for writer in self._writers.values():
            writer.flush()

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Start to profile, if it is time."""
        self._batch_began = time.perf_counter()
        if self._first and self._train_batch + 1 == self._first:
            jax.profiler.start_trace(self.writer().log_dir)
            self._tracing = True

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Write the values of a batch; stop profiling, if it is time."""
        self._train_batch += 1
        if self.update_freq != "epoch" and self._train_batch % self.update_freq == 0:
            values = dict(logs or {})
            if self.write_steps_per_second:
                values["steps_per_second"] = 1 / (time.perf_counter() - self._batch_began)
            self._scalars("train", "batch_{}", values, self._train_batch)
        if self._train_batch >= self._last:
            self._stop_profiler()

    def on_test_end(self, logs: dict | None = None) -> None:
        """Write the values of an evaluation, over the number of training steps."""
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None:
            step = int(optimizer.iterations)
            self._scalars("validation", "evaluation_{}_vs_iterations", logs or {}, step)
            self.writer("validation").flush()

    def _scalars(self, part: str, form: str, values: dict[str, Any], step: int) -> None:
        for name, value in values.items():
            if np.ndim(value) == 0:
                self.writer(part).scalar(form.format(name), value, step)

    def _write_weights(self, epoch: int) -> None:
        for layer in self.model.layers:
            for weight in filter(_is_here, layer.weights):
                name, value = weight.path.replace(":", "_"), weight.numpy()
                self.writer().histogram(f"{name}/histogram", value, epoch)
                picture = _as_pictures(value) if self.write_images else None
                if picture is not None:
                    self.writer().image(f"{name}/image", picture, epoch)

    def _embeddings(self) -> list[Embedding]:
        found = [layer for layer in self.model.layers if isinstance(layer, Embedding)]
        return [layer for layer in found if not layer.built or _is_here(layer.embeddings)]

    def _tensor_path(self, layer: Embedding) -> Path:
        return Path(self.log_dir, f"{layer.name}.tsv")

    def _configure_projector(self) -> None:
        """Write the settings of the projector.

        Keras names a variable of a checkpoint of TensorFlow, and writes HDF5, which the projector
        cannot read. It can read the tables written here.
        """
        from google.protobuf import text_format
        from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

        metadata = self.embeddings_metadata or {}
        layers = self._embeddings()
        if isinstance(metadata, str | os.PathLike):
            metadata = {layer.name: os.fspath(metadata) for layer in layers}
        if unknown := set(metadata) - {layer.name for layer in layers}:
            raise ValueError(
                f"TensorBoard: embeddings_metadata names {sorted(unknown)}; the Embedding layers "
                f"of the model are {[layer.name for layer in layers]}"
            )
        config = ProjectorConfig()
        for layer in layers:
            config.embeddings.add(
                tensor_name=f"{layer.name}/embeddings",
                tensor_path=self._tensor_path(layer).name,
                metadata_path=metadata.get(layer.name),
            )
        Path(self.log_dir).mkdir(parents=True, exist_ok=True)
        path = Path(self.log_dir, "projector_config.pbtxt")
        path.write_text(text_format.MessageToString(config))

    def _stop_profiler(self) -> None:
        if self._tracing:
            jax.profiler.stop_trace()
            self._tracing = False

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def _check_installed() -> None:
    """Raise where the callback is made, rather than when training has begun."""
    try:
        import tensorboard  # noqa: F401
    except ImportError as error:
        raise ImportError(NO_TENSORBOARD) from error


def _batches(given: Any) -> tuple[int, int]:
    """The first and last batch to profile; `(0, 0)` for none."""
    try:
        numbers = given.split(",") if isinstance(given, str) else given
        numbers = [numbers] if isinstance(numbers, int) else numbers
        first, last = (int(numbers[0]), int(numbers[-1])) if len(numbers) <= 2 else (-1, -1)
    except (TypeError, ValueError, IndexError):
        first = last = -1
    if not 0 <= first <= last:
        raise ValueError(
            f"TensorBoard: profile_batch={given!r} must be the number of a batch, from 1, or the "
            "numbers of the first and the last one; 0 for none"
        )
    return first, last


def _learning_rates(optimizer: Any) -> dict[str, float]:
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if hasattr(optimizer, "optimizers"):
        several = optimizer.optimizers
        return {f"learning_rate_{one.name}": float(one.learning_rate) for one in several}
    return {} if optimizer is None else {"learning_rate": float(optimizer.learning_rate)}


def _as_pictures(weight: np.ndarray) -> np.ndarray | None:
    """A weight as (N, height, width, channels); `None` if it is no picture."""
    array = np.squeeze(weight)
    if array.ndim == 1:
        array = array[None, :, None, None]
    elif array.ndim == 2:
        array = (array.T if array.shape[0] > array.shape[1] else array)[None, ..., None]
    elif array.ndim == 3:
        last = image_data_format() == "channels_last"
        array = (array.transpose(2, 0, 1) if last else array)[..., None]
    return array if array.ndim == 4 and array.shape[-1] in (1, 3, 4) else None


def _is_here(weight: Variable) -> bool:
    """Whether this process, which writes alone, has all of a weight; else warn."""
    if placement.is_here(weight.raw):
        return True
    warnings.warn(f"TensorBoard: {weight.path} is split over processes; left out", stacklevel=4)
    return False
