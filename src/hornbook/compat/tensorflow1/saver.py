"""`tf.train.Saver`: variables of a session in one file, by name.

The file is that of `tf.train.Checkpoint` (`compat/tensorflow/checkpoints.py`), with the names of
variables: named arrays with checksums, no code. TensorFlow cannot read it.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.compat.tensorflow.checkpoints import INDEX, NAMED, note_latest, read_arrays
from hornbook.compat.tensorflow1.graph import get_default_graph, saved
from hornbook.compat.tensorflow1.running import symbol_of
from hornbook.compat.tensorflow1.variables import global_variables
from hornbook.saving import state_file
from hornbook.saving.files import replacing

META = ".meta"
NO_GRAPH = (
    "tf.train.import_meta_graph: the file {!r} has the names of operations, and no graph, and \
this process did not write it: a file that could rebuild a graph could run code. Run the program's \
lines that build the graph, then tf.train.Saver().restore(sess, path)"
)
NO_SCOPE = (
    "tf.train.import_meta_graph(import_scope={!r}): operations keep their names here; leave it"
)
NO_VARIABLES = "No variables to save"
MISSING = "Key {} not found in checkpoint {!r}, which has {}"


class Saver:
    """`tf.train.Saver`: saves and restores variables.

    Args:
        var_list: variables, or a dictionary of them by name; default all that there are now.
        reshape: whether a value of another shape is reshaped.
        max_to_keep: how many files of `save` are kept; 0 or `None` for all.
        options: accepted and ignored.
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: Any = None,
        **options: Any,
    ):
        self._given, self._reshape, self._most = var_list, reshape, max_to_keep
        self._paths: list[str] = []
        self._known: dict[str, Any] = {}
        if not options.get("defer_build"):
            self.build()

    def build(self) -> None:
        """Choose the variables: later ones are not saved.

        Raises:
            ValueError: if there are none.
        """
        given = self._given
        if given is None:
            given = [*global_variables(), *get_default_graph().get_collection("saveable_objects")]
        if not isinstance(given, dict):
            given = {symbol_of(one).op.name: one for one in given}
        self._known = {name: symbol_of(one) for name, one in given.items()}
        if not self._known:
            raise ValueError(NO_VARIABLES)

    def _variables(self) -> dict[str, Any]:
        if not self._known:
            self.build()
        return self._known

    @property
    def last_checkpoints(self) -> list[str]:
        """The paths of what was saved, the latest last."""
        return list(self._paths)

    def save(
        self,
        sess: Any,
        save_path: Any,
        global_step: Any = None,
        latest_filename: Any = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        **options: Any,
    ) -> str:
        """Write the values of a session.

        Args:
            sess: the session.
            save_path: the path of the file, without `.index`.
            global_step: a number, or a variable, that is appended.
            latest_filename: name of the text file of the latest, default `"checkpoint"`.
            write_meta_graph: whether the names of operations are written beside it.
            write_state: whether the text file is written.
            meta_graph_suffix, options: ignored.

        Returns:
            The path.
        """
        path = os.fspath(save_path)
        if global_step is not None:
            number = (
                global_step if isinstance(global_step, int | np.integer) else sess.run(global_step)
            )
            path = f"{path}-{int(number)}"
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        variables = self._variables()
        values = sess.run(list(variables.values()))
        arrays = {name + NAMED: value for name, value in zip(variables, values, strict=True)}
        with state_file.replaced(Path(path + INDEX), arrays, {}):
            pass
        if write_meta_graph:
            names = [op.name for op in sess.graph.operations]
            with replacing(path + META) as temporary:
                temporary.write_text(json.dumps({"hornbook": 1, "operations": names}))
            saved[os.path.abspath(path + META)] = sess.graph
        self._paths = [one for one in self._paths if one != path] + [path]
        while self._most and len(self._paths) > self._most:
            old = self._paths.pop(0)
            for end in (INDEX, META):
                Path(old + end).unlink(missing_ok=True)
            saved.pop(os.path.abspath(old + META), None)
        if write_state:
            note_latest(os.path.dirname(path), path, self._paths)
        return path

    def restore(self, sess: Any, save_path: Any) -> None:
        """Set the values of a session.

        Raises:
            ValueError: if the file lacks a name, or a shape differs.
        """
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        path = os.fspath(save_path)
        arrays = read_arrays(path)
        for name, variable in self._variables().items():
            if name not in arrays:
                raise ValueError(MISSING.format(name, path, sorted(arrays)[:8]))
            value = arrays[name]
            value = value.reshape(tuple(variable.shape)) if self._reshape else value
            if not variable.static.is_compatible_with(value.shape):
                raise ValueError(
                    f"{name!r} in the checkpoint {path!r} has shape {value.shape}; the variable "
                    f"{variable.name!r} has {variable.static}"
                )
            if hasattr(variable, "of"):
                variable.of.assign(value)
            else:
                sess.store(variable, value)


def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: Any = None, **ignored: Any
) -> Saver:
    """`tf.train.import_meta_graph`: the graph that this process saved, and a saver.

    Args:
        meta_graph_or_file: the path of the file that `save` wrote.
        clear_devices, ignored: ignored.
        import_scope: must be empty.

    Raises:
        NotImplementedError: if another process wrote the file, and the current graph lacks
            operations of it.
        ValueError: if the current graph has other operations of the same names.
    """
    if import_scope:
        raise NotImplementedError(NO_SCOPE.format(import_scope))
    path = Path(os.fspath(meta_graph_or_file))
    try:
        names = json.loads(path.read_text())["operations"]
    except (OSError, ValueError, KeyError, UnicodeDecodeError):
        names = [None]
    graph = get_default_graph()
    known = {op.name for op in graph.operations}
    if not set(names) <= known:
        source = saved.get(os.path.abspath(path))
        if source is None:
            raise NotImplementedError(NO_GRAPH.format(str(path)))
        graph.take_over(source)
    return Saver()


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """`tf.train.checkpoint_exists`."""
    return Path(os.fspath(checkpoint_prefix) + INDEX).exists()
