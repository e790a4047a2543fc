"""`import keras` in an old program: modules made from tables, hiding any installed Keras."""

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import hornbook
from hornbook.compat import attributes
from hornbook.core import settings
from hornbook.dialects import keras1, keras3

ROOT = "keras"
FINDER = "hornbook.compat"
# The tables of `dialects/` that each generation finds. Old Keras ran on Theano, and programs for it
# use both.
GENERATIONS = {
    "keras1": ("keras1", "theano", "tensorflow1"),
    "keras2": ("keras2", "theano", "tensorflow1"),
    "keras3": (),
    "tfkeras": ("tensorflow", "tensorflow1"),  # `tf.compat.v1`
    "tf1": ("tensorflow1",),
    "theano": ("theano",),
}

BACKENDS = ("theano", "tensorflow")  # what Keras 1 and 2 ran on
# The tables whose names are not made by `compat/names.py`.
OWN_NAMES = {
    "tensorflow1": "hornbook.compat.tensorflow1.names",
    "theano": "hornbook.compat.theano.names",
}

# The modules of `compat` that change classes during a run.
PATCHES = {
    "tfkeras": [
        f"tensorflow.{name}"
        for name in (
            "added tensors older datasets variables tape steps training checkpoints "
            "feature_columns ragged_words shown devices saved"
        ).split()
    ]
    + ["tensorflow1.compiled"],
    "tf1": ["tensorflow1.datasets", "tensorflow1.compiled"],
    **dict.fromkeys(("keras1", "keras2"), ["tensorflow.valued", "tensorflow1.compiled"]),
}

# The import paths that are another module, in most cases hornbook itself.
TODAY: dict[str, dict[str, str]] = {"keras3": {ROOT: "hornbook"}}
TODAY["tf1"] = dict.fromkeys(
    (ROOT, f"tensorflow.{ROOT}", "tf_keras", f"tensorflow.compat.v1.{ROOT}"), "hornbook"
)
TODAY["tfkeras"] = {**TODAY["tf1"], "tensorflow.compat.v2": "tensorflow"}

# Modules of tf.keras that are elsewhere today.
MOVED = {
    ".layers.experimental": ".compat.tensorflow.experimental",
    ".layers.experimental.preprocessing": ".layers",
    ".wrappers.scikit_learn": ".compat.keras.scikit_learn",
}

_state: dict[str, Any] = {"finders": [], "before": {}, "settings": {}, "attributes": []}


class OldModule(ModuleType):
    """A module with old names, each created on first use."""

    def __getattr__(self, name: str) -> Any:
        if "_places" not in vars(self):  # still being created
            raise AttributeError(name)
        place = self._places.get(name)
        if f"{self.__name__}.{name}" in self._known:
            return importlib.import_module(f"{self.__name__}.{name}")
        if place is None:
            raise AttributeError(
                f"{self.__name__} has no {name!r} among the names of {self._title} that are known"
            )
        value = place[0](*place[1:])
        setattr(self, name, value)
        return value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call a module that was also a function: `keras.layers.merge([a, b])`."""
        name = self.__name__.rpartition(".")[2]
        if name not in vars(self).get("_places", {}):
            raise TypeError(f"{self.__name__} is a module and cannot be called")
        place = self._places[name]
        return place[0](*place[1:])(*args, **kwargs)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *vars(self).get("_places", {})})


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finder for the import paths of one table.

    Args:
        name: a module of `dialects/`.
    """

    def __init__(self, name: str):
        self.dialect: Any = importlib.import_module(f"hornbook.dialects.{name}")
        self.modules: dict[str, str] = self.dialect.MODULES
        self.packages = {path.rpartition(".")[0] for path in self.modules}
        self.roots = {path.partition(".")[0] for path in self.modules}

    @functools.cached_property
    def names(self) -> Any:
        """The factory of the names, imported when a program first imports one of them."""
        own = OWN_NAMES.get(self.dialect.__name__.rpartition(".")[2])
        if own:
            return importlib.import_module(own).NAMES
        if self.dialect.__name__.endswith(".tensorflow"):
            ragged_ops = importlib.import_module("hornbook.compat.tensorflow.ragged_ops")
            return ragged_ops.RaggedNames(self.dialect)
        return importlib.import_module("hornbook.compat.names").Names(self.dialect)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a module of that generation; `None` for others."""
        if fullname not in self.modules:
            return None
        package = fullname in self.packages
        return importlib.util.spec_from_loader(fullname, self, origin=FINDER, is_package=package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """An empty module."""
        return OldModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Say which names it has."""
        dialect = self.dialect
        places: dict[str, tuple] = {}
        for family in reversed(self.modules[module.__name__].split()):
            places |= self._names_of(family)
        public = [name for name in places if not name.startswith("_")]
        known = {*self.modules, *getattr(dialect, "ALSO", ())}
        vars(module).update(_places=places, _known=known, _title=dialect.TITLE)
        if "." not in module.__name__:
            vars(module)["__version__"] = attributes.Release(dialect.VERSION)
            children = [m.split(".")[1] for m in self.modules if m.count(".") == 1]
            public += [child for child in children if child not in public]
        vars(module)["__all__"] = public

    def _names_of(self, family: str) -> dict[str, tuple]:
        dialect = self.dialect
        found: dict[str, tuple]
        if family == "top":
            groups: dict[str, Any] = {kind: named.split() for kind, named in dialect.TOP.items()}
        elif family == "leaks":  # names that a star import leaked
            found = {
                name: (importlib.import_module, f"{ROOT}.{name}") for name in dialect.LEAKS.split()
            }
            return found | {"K": (importlib.import_module, f"{ROOT}.backend")}
        else:
            groups = {family: dialect.FAMILIES[family]}
        found = {
            name: (self.names.get, kind, name) for kind, named in groups.items() for name in named
        }
        libraries = keras1.LIBRARIES.get(family, {})
        return found | {name: (importlib.import_module, path) for name, path in libraries.items()}


class Today(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finder that serves one module under the path of another: hornbook itself as keras.

    Args:
        path: the import path, such as `"keras"` or `"tensorflow.keras"`.
        module: what it is.
    """

    def __init__(self, path: str = ROOT, module: str = "hornbook"):
        self.path, self.module = path, module
        self.roots = (path.partition(".")[0],)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of the module that it is; `None` if there is none."""
        ours = fullname == self.path or fullname.startswith(f"{self.path}.")
        if not ours or importlib.util.find_spec(self._todays(fullname)) is None:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=FINDER)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """A placeholder that `exec_module` replaces."""
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Replace it with the module that it is, so that each exists once."""
        sys.modules[module.__name__] = importlib.import_module(self._todays(module.__name__))

    def _todays(self, name: str) -> str:
        rest = name.removeprefix(self.path)
        return f"{self.module}{MOVED.get(rest, rest)}"


def _keras() -> Any:
    """The installed finder of an old Keras; `None` if there is none."""
    known = (finder for finder in _state["finders"] if ROOT in finder.roots)
    return next((finder for finder in known if isinstance(finder, Finder)), None)


def installed_generation() -> str | None:
    """The old Keras that `import keras` means now; `None` for the installed package."""
    finder = _keras()
    return None if finder is None else finder.dialect.__name__.rpartition(".")[2]


def installed_names() -> Any:
    """The names of that generation."""
    finder = _keras()
    return None if finder is None else finder.names


def _user_settings() -> dict[str, Any]:
    """The settings of the user's `keras.json`, under today's names."""
    folder = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    try:
        with open(os.path.join(folder, "keras.json"), encoding="utf-8") as file:
            said = json.load(file)
    except (OSError, ValueError):
        return {}
    ordering = {"th": "channels_first", "tf": "channels_last"}
    layout = ordering.get(said.get("image_dim_ordering"), said.get("image_data_format"))
    return {**said, "image_data_format": layout}


def _take_out(finders: list) -> dict[str, ModuleType]:
    """Remove the modules of the finders' libraries from `sys.modules` and return them."""
    roots = {root for finder in finders for root in finder.roots}
    ours = [name for name in sys.modules if name.partition(".")[0] in roots]
    return {name: sys.modules.pop(name) for name in ours}


def install(generation: str, backend: str | None = None) -> None:
    """Make `import keras` and `import theano`, with all submodules, mean old versions from now on.

    On Theano, `K.backend()` is `"theano"` and convolutions flipped their kernels: those in weight
    files of Keras 1, in `get_weights()` and `set_weights()`, and arguments of `K.conv2d` are
    flipped here. `KERAS_BACKEND` comes first, then the argument, then the user's `keras.json`.

    Args:
        generation: `"keras1"`, `"keras2"`, `"theano"` for Theano alone, `"keras3"` for hornbook
            under the name of keras, `"tfkeras"` for hornbook as `tensorflow.keras`, or
            `"tf1"` for TensorFlow 1.
        backend: what Keras 1 or 2 ran on, `"theano"` or `"tensorflow"`; default: unknown.

    Raises:
        ValueError: for any other generation or backend.

    Example:
        >>> install("keras1")
        >>> from keras.layers import Convolution2D
        >>> Convolution2D(64, 3, 3, border_mode="same").padding
        'same'
        >>> uninstall()
    """
    if generation not in GENERATIONS:
        raise ValueError(f"generation is one of {(*GENERATIONS,)}, not {generation!r}")
    if backend not in (None, *BACKENDS):
        raise ValueError(f"backend is one of {BACKENDS} or None, not {backend!r}")
    uninstall()
    finders: list = [Finder(name) for name in GENERATIONS[generation]]
    if generation in TODAY:
        finders = [*itertools.starmap(Today, TODAY[generation].items()), *finders]
    _state["before"] = _take_out(finders)
    _state["settings"] = {
        settings.set_epsilon: settings.epsilon(),
        settings.set_image_data_format: settings.image_data_format(),
        settings.set_floatx: settings.floatx(),
        settings.set_unstated_backend: settings.unstated_backend(),
        settings.set_broadcast_targets: settings.broadcast_targets(),
    }
    for finder in finders:
        if hasattr(getattr(finder, "dialect", None), "EPSILON"):
            settings.set_epsilon(finder.dialect.EPSILON)
    if "theano" in GENERATIONS[generation]:
        _put_on(attributes.evaluated())
    if {"tensorflow", "tensorflow1"} & {*GENERATIONS[generation]}:
        added, changed = attributes.traced(generation)
        _put_on(added)
        _replace(changed)
    for name in PATCHES.get(generation, ()):
        patches = importlib.import_module(f"hornbook.compat.{name}")
        _put_on(patches.attributes())
        _replace(patches.replaced())
    if generation in TODAY:  # what other libraries ask `keras` for
        hornbook.__version__ = keras3.VERSION
        _put_on(attributes.masked())
    _state["finders"] = finders
    sys.meta_path[:0] = finders
    if _keras() is not None:
        said = _user_settings()
        for name in ("floatx", "image_data_format"):  # today's Keras writes its epsilon there
            if said.get(name):
                getattr(settings, f"set_{name}")(said[name])
        chosen = (os.environ.get("KERAS_BACKEND"), backend, said.get("backend"))
        settings.set_unstated_backend(next((one for one in chosen if one in BACKENDS), None))
        settings.set_broadcast_targets(True)
        _put_on(attributes.KERAS)


def _put_on(table: attributes.Table) -> None:
    attributes.put_on(table)
    _state["attributes"].append(table)


def _replace(table: attributes.Table) -> None:
    """Replace methods until `uninstall`."""
    for cls, methods in table.items():
        for name, value in methods.items():
            _state["settings"][functools.partial(setattr, cls, name)] = getattr(cls, name)
            setattr(cls, name, value)


def uninstall() -> None:
    """Undo `install`: the installed Keras, if any, is found again."""
    if not _state["finders"]:
        return
    for finder in _state["finders"]:
        sys.meta_path.remove(finder)
    for table in _state["attributes"]:
        attributes.take_off(table)
    _take_out(_state["finders"])
    sys.modules.update(_state["before"])
    vars(hornbook).pop("__version__", None)  # it is lazy
    for restore, value in reversed(_state["settings"].items()):  # the first value comes last
        restore(value)
    theano = sys.modules.get("hornbook.compat.theano.config")
    if theano is not None:  # settings do not carry over to the next program
        vars(theano.config).update(vars(theano.Config()))
    graphs = sys.modules.get("hornbook.compat.tensorflow1.graph")
    if graphs is not None:
        graphs.begin_again()
    _state.update(finders=[], before={}, settings={}, attributes=[])


@contextmanager
def installed(generation: str, backend: str | None = None) -> Iterator[None]:
    """A context in which `import keras` means an old Keras; undone at its end.

    Args:
        generation, backend: see `install`.

    Example:
        >>> with installed("keras2"):
        ...     import keras
        ...     keras.layers.Conv2D(8, 3, 3).kernel_size
        (3, 3)
    """
    outer, ran_on = installed_generation(), settings.unstated_backend()
    install(generation, backend)
    try:
        yield
    finally:
        uninstall()
        if outer is not None:
            install(outer, ran_on)
