"""`tf.summary`: event files for TensorBoard, with the writer of the `TensorBoard` callback."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from hornbook.compat.tensorflow.function import refuse
from hornbook.compat.tensorflow.tensors import plain
from hornbook.training.summary import SummaryWriter

NO_STEP = "no step: pass step=, or call tf.summary.experimental.set_step(step) before"
_now: dict[str, Any] = {"writers": [], "step": None, "record": [True], "scopes": []}


class Writer:
    """An event file, created when something is written into it.

    Args:
        logdir: the folder.
    """

    def __init__(self, logdir: str):
        self._logdir = logdir

    @functools.cached_property
    def file(self) -> SummaryWriter:
        """The writer of the file."""
        return SummaryWriter(self._logdir)

    @contextmanager
    def as_default(self, step: Any = None) -> Iterator["Writer"]:
        """A context in which this is the file that is written."""
        before = _now["step"]
        _now["writers"].append(self)
        _now["step"] = before if step is None else step
        try:
            yield self
        finally:
            _now["writers"].pop()
            _now["step"] = before
            self.flush()

    def set_as_default(self, step: Any = None) -> None:
        """Write this file from now on."""
        _now["writers"][:] = [self]
        _now["step"] = _now["step"] if step is None else step

    def init(self) -> None:
        """Nothing: the file is created by the first value."""

    def flush(self) -> None:
        """Write what is waiting to disk."""
        if "file" in vars(self):
            self.file.flush()

    def close(self) -> None:
        """Close the file."""
        if "file" in vars(self):
            self.file.close()
            del self.file


def create_file_writer(
    logdir: Any,
    max_queue: Any = None,
    flush_millis: Any = None,
    filename_suffix: Any = None,
    name: Any = None,
    experimental_trackable: bool = False,
) -> Writer:
    """A writer of an event file."""
    return Writer(str(plain(logdir).decode() if not isinstance(logdir, str) else logdir))


def create_noop_writer() -> Any:
    """A writer that writes nothing."""
    return _Nothing("")


class _Nothing(Writer):
    file: Any = None


def _written(kind: str) -> Callable:
    def write(
        name: str, data: Any, step: Any = None, description: Any = None, **options: Any
    ) -> bool:
        step = _now["step"] if step is None else step
        writer = _now["writers"][-1] if _now["writers"] else None
        recording = _now["record"][-1]
        recording = recording() if callable(recording) else bool(recording)
        if writer is None or isinstance(writer, _Nothing) or not recording:
            return False
        refuse()
        if isinstance(data, jax.core.Tracer):  # a value that the compiled step has, not the host
            return False
        if step is None:
            raise ValueError(NO_STEP)
        options = {k: v for k, v in options.items() if v is not None}
        value = _texts(data) if kind == "text" else np.asarray(data)
        path = "/".join([*_now["scopes"], name])
        getattr(writer.file, kind)(path, value, int(np.asarray(step)), **options)
        return True

    write.__name__ = kind
    write.__doc__ = f"Write a {kind} into the file that is the default; whether one was."
    return write


def _texts(data: Any) -> Any:
    array = np.asarray(data, object)
    return np.vectorize(lambda one: one.decode() if isinstance(one, bytes) else str(one))(array)


scalar, image, histogram, text = map(_written, ("scalar", "image", "histogram", "text"))
_audio = _written("audio")


def audio(name: str, data: Any, sample_rate: int, *settings: Any, **options: Any) -> bool:
    """Write sounds, (N, samples, channels), into the file that is the default.

    Args:
        name: their name.
        data: floats from -1 to 1.
        sample_rate: samples per second.
        settings, options: `step`, `max_outputs`, `encoding` (WAV) and `description`.

    Returns:
        Whether a file was written.
    """
    options |= dict(zip(("step", "max_outputs", "encoding", "description"), settings, strict=False))
    options.pop("encoding", None)
    return _audio(name, data, sample_rate=int(sample_rate), **options)


def flush(writer: Any = None, name: Any = None) -> None:
    """Write what is waiting to disk."""
    for one in [writer] if writer is not None else _now["writers"][-1:]:
        one.flush()


@contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """A context in which values are written only if a condition holds."""
    _now["record"].append(condition)
    try:
        yield
    finally:
        _now["record"].pop()


def should_record_summaries() -> bool:
    """Whether values are written."""
    last = _now["record"][-1]
    return bool(_now["writers"]) and bool(last() if callable(last) else last)


def trace_on(*args: Any, **options: Any) -> None:
    """Nothing: `jax.profiler` traces programs."""


trace_export = trace_off = trace_on


class experimental:
    """`tf.summary.experimental`: the default step."""

    @staticmethod
    def set_step(step: Any) -> None:
        """Set the step of values that are written without one."""
        _now["step"] = step

    @staticmethod
    def get_step() -> Any:
        """That step."""
        return _now["step"]

    @staticmethod
    @contextmanager
    def summary_scope(name: str, *args: Any, **options: Any) -> Iterator[tuple[str, str]]:
        """A context in which names begin with another name."""
        _now["scopes"].append(name)
        try:
            yield "/".join(_now["scopes"]), name
        finally:
            _now["scopes"].pop()
