"""`tf.train.Checkpoint`: models, optimizers and variables in one file, by the path of each object.

The file is hornbook's file of a training state, named as TensorFlow's index (`ckpt-1.index`). The
text file `checkpoint` beside it names the latest. TensorFlow's own checkpoints are read as well.
What a file has for variables that do not exist yet is kept, and assigned when a layer or an
optimizer creates them.
"""

import os
import re
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.compat.attributes import Table
from hornbook.core.module import Module
from hornbook.core.variable import Variable
from hornbook.layers.base import Layer
from hornbook.optimizers import Optimizer
from hornbook.saving import bundle, checkpoint, layout, state_file
from hornbook.saving.bundle import Bundle
from hornbook.saving.files import replacing
from hornbook.saving.policy import MissingFile

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
NAMED = "/.value"  # in files of tf.train.Saver: names may begin with others, as those of slots do
INDEX = ".index"
STATE = "checkpoint"
NO_PATH = "tf.train.Checkpoint: {}={!r} cannot be saved: it is no variable, model, optimizer, list \
or dictionary of them. Wrap numbers that change in tf.Variable"
UNMATCHED = "{} in the checkpoint {!r} was not restored: {}"
WAITING: "weakref.WeakSet[Status]" = weakref.WeakSet()


# ---- the variables of objects


def _found(value: Any, path: str, where: str = "") -> Iterator[tuple[str, Variable]]:
    """The variables of an object, by path."""
    if isinstance(value, Variable):
        yield path, value
    elif isinstance(value, Checkpoint):
        for name, one in value._tracked().items():
            yield from _found(one, f"{path}/{name}" if path else name, name)
    elif isinstance(value, Module):
        for place, variable in _of_module(value):
            yield f"{path}/{place}" if path else place, variable
    elif isinstance(value, list | tuple | dict):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in items:
            yield from _found(one, f"{path}/{key}" if path else str(key), where)
    elif isinstance(getattr(value, "_seeds", None), Module):  # `tf.random.Generator`
        yield from _found(value._seeds, path)
    elif not hasattr(value, "__next__"):  # iterators of data sets start again
        raise ValueError(NO_PATH.format(where, value))


def _of_module(module: Module) -> Iterator[tuple[str, Variable]]:
    if module._is_metric:
        yield from ((str(k), one) for k, one in enumerate(module._owned_variables()))
        return
    for entry in layout.entries(module):
        for number, variable in enumerate(entry.variables):
            yield f"{entry.path}/{number}" if entry.path else str(number), variable


# ---- one checkpoint


class Checkpoint:
    """Objects that are saved and restored together.

    Args:
        root: an object whose own paths are those of the checkpoint.
        **kwargs: models, optimizers, variables, and lists and dictionaries of them.
    """

    def __init__(self, root: Any = None, **kwargs: Any):
        self._root = root
        vars(self).update(kwargs)

    def _tracked(self) -> dict[str, Any]:
        return {name: one for name, one in vars(self).items() if not name.startswith("_")}

    def _variables(self) -> dict[str, Variable]:
        found = {} if self._root is None else dict(_found(self._root, ""))
        return found | dict(_found(self, ""))

    @property
    def save_counter(self) -> Variable:
        """How often `save` was called."""
        if "_counter" not in vars(self):
            self._counter = Variable(0, dtype="int64", trainable=False, name="save_counter")
        return self._counter

    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Write a file; return its path without `.index`."""
        return self._write(os.fspath(file_prefix), self._variables())

    def _write(self, path: str, variables: dict[str, Variable]) -> str:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        arrays = {name + VALUE: variable.numpy() for name, variable in variables.items()}
        with state_file.replaced(Path(path + INDEX), arrays, {}):
            pass
        return path

    def save(self, file_prefix: Any, options: Any = None) -> str:
        """Write a numbered file, and name it in the text file `checkpoint`; return its path."""
        path = self._save(os.fspath(file_prefix))
        note_latest(os.path.dirname(path), path, [path])
        return path

    def _save(self, prefix: str, number: Any = None) -> str:
        count = self.save_counter
        count.assign(int(count.numpy()) + 1)
        path = f"{prefix}-{int(count.numpy()) if number is None else int(number)}"
        return self._write(path, self._variables() | {"save_counter": count})

    def read(self, save_path: Any, options: Any = None) -> "Status":
        """Assign what a file has; return what fits."""
        return Status(self, os.fspath(save_path), read_arrays(os.fspath(save_path)))

    def _named(self, path: str) -> dict[str, Variable]:
        """The variables by the names that a file has for them."""
        if not bundle.is_bundle(path):
            return self._variables()
        found: dict[str, Variable] = {}
        names = Bundle(path)
        for root in (self._root, self._tracked()):
            found |= checkpoint.targets(root, names)[0]
        return {name.removesuffix(VALUE): variable for name, variable in found.items()}

    def restore(self, save_path: Any, options: Any = None) -> "Status":
        """Assign what a file has, also to variables that are created later.

        Args:
            save_path: what `save` returned; `None` restores nothing.
            options: ignored.
        """
        if save_path is None:
            return Status(self, "", {})
        arrays = read_arrays(os.fspath(save_path))
        counter = arrays.pop("save_counter", None)
        if counter is not None:
            self.save_counter.assign(counter)
        return Status(self, os.fspath(save_path), arrays)

    def sync(self) -> None:
        """Nothing: files are written at once."""


def read_arrays(path: str) -> dict[str, np.ndarray]:
    """The arrays of a file, by path; see `stored_arrays`."""
    return {name.removesuffix(VALUE): array for name, array in stored_arrays(path).items()}


def stored_arrays(path: str) -> dict[str, np.ndarray]:
    """The arrays of a file, by the names in it: those of objects end in `VALUE`.

    Raises:
        MissingFile: if there is none.
    """
    file = Path(path if path.endswith(INDEX) else path + INDEX)
    if not file.exists():
        raise MissingFile(f"there is no checkpoint {path!r}: {str(file)!r} is missing")
    if bundle.is_bundle(path):
        return Bundle(path).read_all()
    return {name.removesuffix(NAMED): array for name, array in state_file.read(file)[0].items()}


class Status:
    """What a restoration did; values without a variable wait for it.

    Args:
        checkpoint: what is restored.
        path: the file's.
        arrays: its values.
    """

    def __init__(self, checkpoint: Checkpoint, path: str, arrays: dict[str, np.ndarray]):
        self.checkpoint, self.path, self.left = checkpoint, path, dict(arrays)
        self.done: set[Variable] = set()
        self.assign()
        if self.left:
            WAITING.add(self)
            _keep(checkpoint, self)

    def assign(self) -> None:
        """Assign the values whose variables exist.

        Raises:
            ValueError: if a shape differs.
        """
        for name, variable in self.checkpoint._named(self.path).items():
            if name not in self.left or variable in self.done:
                continue
            value = self.left[name]
            if variable.shape != value.shape:
                raise ValueError(
                    f"{name!r} in the checkpoint {self.path!r} has shape {value.shape}; the "
                    f"variable {variable.path!r} has {tuple(variable.shape)}"
                )
            variable.assign(self.left.pop(name))
            self.done.add(variable)
        if not self.left:
            WAITING.discard(self)

    def expect_partial(self) -> "Status":
        """The status: values without a variable are no error here."""
        return self

    def assert_consumed(self) -> "Status":
        """The status, if every value has its variable, and every variable its value.

        Raises:
            AssertionError: otherwise.
        """
        self.assign()
        if self.left:
            raise AssertionError(UNMATCHED.format("a value", self.path, sorted(self.left)[:5]))
        return self.assert_existing_objects_matched()

    def assert_existing_objects_matched(self) -> "Status":
        """The status, if every variable that exists has a value.

        Raises:
            AssertionError: otherwise.
        """
        self.assign()
        lost = [k for k, v in self.checkpoint._variables().items() if v not in self.done]
        if lost:
            raise AssertionError(f"not in the checkpoint {self.path!r}: {lost[:5]}")
        return self

    def assert_nontrivial_match(self) -> "Status":
        """The status, if anything was restored.

        Raises:
            AssertionError: otherwise.
        """
        if not self.done:
            raise AssertionError(f"nothing in the checkpoint {self.path!r} fits")
        return self

    def initialize_or_restore(self, session: Any = None) -> None:
        """Nothing: values are assigned at once."""

    run_restore_ops = initialize_or_restore


def _keep(checkpoint: Checkpoint, status: Status) -> None:
    """Let a status live as long as the objects that it waits for."""
    vars(checkpoint)["_status"] = status
    for one in (checkpoint._root, *checkpoint._tracked().values()):
        if isinstance(one, Module):
            object.__setattr__(one, "_waiting_for", status)


def _then_assign(original: Callable) -> Callable:
    """A method that creates variables, after which those are restored that wait."""

    def build(self: Any, *args: Any, **options: Any) -> Any:
        made = original(self, *args, **options)
        for status in list(WAITING):
            status.assign()
        return made

    return build


def replaced() -> Table:
    """The methods that are replaced during a run."""
    return {
        Layer: {"_build": _then_assign(Layer._build)},
        Optimizer: {"build": _then_assign(Optimizer.build)},
    }


def attributes() -> Table:
    """Nothing is added to classes."""
    return {}


# ---- several checkpoints in a folder


def note_latest(folder: str, latest: str, paths: Sequence[str]) -> None:
    """Write the text file that names checkpoints, relative to its folder."""

    def inside(path: str) -> str:
        return os.path.relpath(path, folder or ".")

    lines = [f'model_checkpoint_path: "{inside(latest)}"']
    lines += [f'all_model_checkpoint_paths: "{inside(path)}"' for path in paths]
    with replacing(os.path.join(folder, STATE)) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def _state(folder: str, name: Any = None) -> dict[str, list[str]]:
    """What that file says."""
    file = Path(folder, name or STATE)
    try:
        with file.open(encoding="utf-8") as source:
            text = source.read(1 << 20)
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[str, list[str]] = {}
    for key, path in re.findall(r'^(\w+): "([^"\n]*)"', text, re.M):
        found.setdefault(key, []).append(os.path.join(folder, path))
    return found


def latest_checkpoint(checkpoint_dir: Any, latest_filename: Any = None) -> str | None:
    """The path of the latest checkpoint in a folder; `None` if there is none.

    Without a file `checkpoint` it is the newest weights file that `save_weights` wrote.
    """
    folder = os.fspath(checkpoint_dir)
    for path in _state(folder, latest_filename).get("model_checkpoint_path", []):
        if os.path.exists(path + INDEX):
            return path
    suffix = ".weights.h5"
    weights = sorted(Path(folder).glob(f"*{suffix}"), key=lambda one: one.stat().st_mtime_ns)
    return str(weights[-1]).removesuffix(suffix) if weights else None


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: Any = None) -> Any:
    """What the text file `checkpoint` says: `model_checkpoint_path` and all paths; or `None`."""
    found = _state(os.fspath(checkpoint_dir), latest_filename)
    return _CheckpointState(found) if found else None


class _CheckpointState:
    def __init__(self, found: dict[str, list[str]]):
        self.model_checkpoint_path = found.get("model_checkpoint_path", [""])[0]
        self.all_model_checkpoint_paths = found.get("all_model_checkpoint_paths", [])


class CheckpointManager:
    """Numbered checkpoints in a folder, of which the latest are kept.

    Args:
        checkpoint: what is saved.
        directory: the folder.
        max_to_keep: how many are kept; `None` for all.
        keep_checkpoint_every_n_hours: keep one every so many hours forever.
        checkpoint_name: the start of the files' names.
        step_counter, checkpoint_interval: save only if the counter grew by so much.
        init_fn: called by `restore_or_initialize` if there is no checkpoint.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: Any,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable | None = None,
    ):
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"max_to_keep must be a positive number or None, not {max_to_keep}")
        self._checkpoint, self._directory = checkpoint, os.fspath(directory)
        self._most, self._hours = max_to_keep, keep_checkpoint_every_n_hours
        self._prefix = os.path.join(self._directory, checkpoint_name)
        self._step, self._interval, self._init = step_counter, checkpoint_interval, init_fn
        self._last_step: int | None = None
        self._forever = time.time()
        known = _state(self._directory).get("all_model_checkpoint_paths", [])
        self._paths = [path for path in known if os.path.exists(path + INDEX)]

    @property
    def directory(self) -> str:
        """The folder."""
        return self._directory

    @property
    def checkpoint(self) -> Checkpoint:
        """What is saved."""
        return self._checkpoint

    @property
    def checkpoints(self) -> list[str]:
        """The paths of those that are kept, the latest last."""
        return list(self._paths)

    @property
    def latest_checkpoint(self) -> str | None:
        """The path of the latest; `None` before the first."""
        return self._paths[-1] if self._paths else None

    @property
    def checkpoint_interval(self) -> int | None:
        """By how much the counter has to grow."""
        return self._interval

    def save(
        self, checkpoint_number: Any = None, check_interval: bool = True, options: Any = None
    ) -> str | None:
        """Write a checkpoint and delete those too many; return its path, `None` if it is early."""
        step = None if self._step is None else int(self._step)
        last = self._last_step if check_interval and self._interval else None
        if step is not None and last is not None and step < last + (self._interval or 0):
            return None
        self._last_step = step
        path = self._checkpoint._save(self._prefix, checkpoint_number)
        self._paths = [one for one in self._paths if one != path] + [path]
        while self._most is not None and len(self._paths) > self._most:
            self._delete(self._paths.pop(0))
        note_latest(self._directory, path, self._paths)
        return path

    def _delete(self, path: str) -> None:
        file = Path(path + INDEX)
        if self._hours is not None and file.exists():
            written = file.stat().st_mtime
            if written - self._forever >= self._hours * 3600:
                self._forever = written
                return
        file.unlink(missing_ok=True)

    def restore_or_initialize(self) -> str | None:
        """Restore the latest checkpoint and return its path; call `init_fn` if there is none."""
        latest = self.latest_checkpoint
        if latest is not None:
            self._checkpoint.restore(latest)
        elif self._init is not None:
            self._init()
        return latest


# ---- values of a file


class _Reader:
    """The values of a checkpoint by name."""

    def __init__(self, path: str):
        self._bundle = Bundle(path) if bundle.is_bundle(path) else None
        self._arrays = {} if self._bundle else stored_arrays(path)
        self._shapes: dict[str, Any] = {name: one.shape for name, one in self._arrays.items()}
        self._dtypes: dict[str, Any] = {name: one.dtype for name, one in self._arrays.items()}
        if self._bundle:  # arrays are read when they are asked for
            self._shapes = {name: one.shape for name, one in self._bundle.entries.items()}
            self._dtypes = {name: self._bundle.dtype(name) for name in self._shapes}

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shape of each value."""
        return {name: list(shape) for name, shape in self._shapes.items()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        """The dtype of each value."""
        return dict(self._dtypes)

    def has_tensor(self, name: str) -> bool:
        """Whether there is a value of this name."""
        return name in self._shapes

    def get_tensor(self, name: str) -> np.ndarray:
        """A value."""
        return self._bundle.read(name) if self._bundle else self._arrays[name]


def load_checkpoint(ckpt_dir_or_file: Any) -> _Reader:
    """The values of a checkpoint, or of the latest one in a folder."""
    path = os.fspath(ckpt_dir_or_file)
    return _Reader((latest_checkpoint(path) or path) if os.path.isdir(path) else path)


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """The names and shapes of the values of a checkpoint."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def load_variable(ckpt_dir_or_file: Any, name: str) -> np.ndarray:
    """A value of a checkpoint."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name)
