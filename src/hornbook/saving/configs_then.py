"""Configs in an older generation's format: the inverse of `configs.py`, by the same rows."""

import base64
import inspect
import marshal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hornbook.core.arguments import defaults
from hornbook.core.config import resolve, serialize
from hornbook.dialects.files import (
    DROPPED,
    LAYERS_IN,
    MERGE,
    MODELS,
    PACKAGE,
    WITHOUT_A_CLASS,
    Format,
)
from hornbook.dialects.row import Row
from hornbook.layers import Lambda
from hornbook.saving.configs import TENSOR, dumped

NO_LAYER = (
    "{!r} in the graph is not a layer, and {} had layers only: compute it in a Lambda layer, or "
    "save the model with save('model.keras')"
)
LAMBDA = "lambda of "
NOT_WRITTEN = ("weights", "input_shape", "mask")  # stored differently, or not at all


def model_then(model: Any, written: Format) -> dict:
    """The config of a model in a generation's format.

    Args:
        model: a Functional or Sequential model.
        written: the format.

    Raises:
        TypeError: for objects that cannot be serialized, or did not exist in that generation.
    """
    if written.rows is None:
        described = serialize(model)
        return {"class_name": described["class_name"], "config": described["config"]}
    with _lambdas_named(model) as lambdas:
        return _Writer(written, lambdas).layer(serialize(model))


def json_then(model: Any, written: Format) -> dict:
    """The output of that generation's `to_json`: the config and the version."""
    more = {"backend": written.backend} if written.backend else {}
    return {**model_then(model, written), "keras_version": written.version, **more}


def object_then(data: Any, family: str, written: Format) -> Any:
    """The description of an object in a generation's format.

    Args:
        data: the result of `serialize`; anything else is returned as it is.
        family: such as `"optimizers"`.
        written: the format.
    """
    return _Writer(written, {}).object(data, family)


@contextmanager
def _lambdas_named(model: Any) -> Iterator[dict[str, Any]]:
    """Give the lambdas of `Lambda` layers unique names inside the block, for use in configs.

    Named functions are remembered, so that this process can find them when it loads the file.
    """
    functions = {one: one.function for one in model._all_modules() if isinstance(one, Lambda)}
    lambdas = {}
    for layer, function in functions.items():
        name = getattr(function, "__name__", "")
        if name == "<lambda>":
            lambdas[f"{LAMBDA}{layer.name}"] = function
        else:
            dumped[name] = function
    try:
        for name, function in lambdas.items():
            function.__name__ = name
        yield lambdas
    finally:
        for function in lambdas.values():
            function.__name__ = "<lambda>"


class _Writer:
    """Writes configs in one format."""

    def __init__(self, written: Format, lambdas: dict[str, Any]):
        self.written = written
        self.lambdas = lambdas

    def object(self, data: Any, family: str) -> Any:
        if isinstance(data, list):
            return [self.object(one, family) for one in data]
        if not isinstance(data, dict) or "class_name" not in data:
            return data
        if data["class_name"] == "function":
            return str(data.get("registered_name") or data["config"]).rpartition(">")[2]
        if family == "layers":
            return self.layer(data)
        name = data.get("registered_name") or data["class_name"]
        if self.written.rows is None or data.get("registered_name"):
            return {"class_name": name, "config": data["config"]}
        name, row = self._row(family, name)
        config = self._arguments(data, row, ())
        if name in WITHOUT_A_CLASS:
            name, more = WITHOUT_A_CLASS[name]
            config |= more
        if self.written.listed and family == "initializers":
            return config.get("name", name.lower())
        if self.written.listed and family in ("regularizers", "constraints"):
            return {"name": f"{name}Regularizer" if name == "L1L2" else name, **config}
        return {"class_name": name, "config": config}

    def layer(self, data: dict) -> dict:
        name, config = data["class_name"], data["config"]
        if str(data.get("module")).startswith(("keras.src.ops", "keras.ops")):
            shown = config.get("name", name) if isinstance(config, dict) else name
            raise TypeError(NO_LAYER.format(shown, self.written.rows.TITLE))  # type: ignore[union-attr]
        if name in MODELS:
            return self._model(name, config)
        if not str(data.get("registered_name") or PACKAGE).startswith(PACKAGE):
            return {"class_name": name, "config": config}
        if self.written.listed and (merge := self._merge(name, config)):
            return merge
        name, row = self._row("layers", name)
        config = self._arguments(data, row, self.written.beside)
        if isinstance(config.get("subsample"), int):  # always a tuple in Keras 1
            config["subsample"] = [config["subsample"]] * (3 if name.endswith("3D") else 2)
        return {"class_name": name, "config": self._lambda(config) if name == "Lambda" else config}

    def _row(self, family: str, today: str) -> tuple[str, Row | None]:
        """The old name of a class, and its row."""
        rows: Any = self.written.rows
        found = rows.FAMILIES.get(family, {}).items()
        return next(
            ((name, row) for name, row in found if _is_of(row, family, today)), (today, None)
        )

    def _arguments(self, data: dict, row: Row | None, beside: tuple[str, ...]) -> dict:
        """Arguments under their old names; newer ones only if they differ from the default."""
        cls: Any = resolve(data, None)
        unset = {key: serialize(v, strict=False) for key, v in defaults(cls).items()}
        old: dict[str, tuple[str, ...]] = {key: (key,) for key in beside}
        for argument in row.arguments if row else ():
            if argument.new and not set(argument.old) & set(self.written.foreign):
                old.setdefault(argument.new, argument.old)
        known = {*old, *(row.defaults if row else ())}
        made: dict[str, Any] = {}
        assumed = {key: unset[key] for key in [*old][len(beside) :] if row and key in unset}
        for key, value in {**assumed, **data["config"]}.items():
            unknown = key == "dtype" or row is not None and value == unset.get(key)
            if (
                key not in known
                and unknown
                or key in NOT_WRITTEN
                or value is None
                and key in beside
            ):
                continue
            value, names = self._value(key, value), old.get(key, (key,))
            made |= dict(zip(names, value, strict=True)) if len(names) > 1 else {names[0]: value}
        return made

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, str | bool | type(None)):
            value = self.written.then(key, value)
        if key in ("activation", "recurrent_activation") and value is None:
            return "linear"
        if key in LAYERS_IN:
            return self.object(value, "layers")
        if isinstance(value, dict) and value.get("class_name") == "function":
            name = value["config"]
            return name if name in self.lambdas else self.object(value, "")
        family = f"{key.rpartition('_')[2]}s"
        return self.object(value, family) if isinstance(value, dict) else value

    # ---- models

    def _model(self, name: str, config: dict) -> dict:
        if name == "Sequential":
            layers = self._stack(config["layers"])
            stack = {"name": config["name"], "layers": layers}
            return {"class_name": name, "config": layers if self.written.listed else stack}
        nested = {
            one["name"]: one["class_name"]
            for one in config["layers"]
            if one["class_name"] in MODELS
        }
        layers = [
            {
                **self.layer(one),
                "name": one["name"],
                "inbound_nodes": [self._call(call, nested) for call in one["inbound_nodes"]],
            }
            for one in config["layers"]
        ]
        ends = {
            key: [
                [name, call + (nested.get(name) == "Sequential"), output]
                for name, call, output in _places(config[key])
            ]
            for key in ("input_layers", "output_layers")
        }
        return {"class_name": "Model", "config": {"name": config["name"], "layers": layers} | ends}

    def _stack(self, layers: list) -> list:
        """The layers of a Sequential; the first one holds the input shape."""
        first, *rest = layers
        if first["class_name"] != "InputLayer" or not rest:
            return [self.layer(one) for one in layers]
        made = [self.layer(one) for one in rest]
        if rest[0]["class_name"] not in MODELS:
            made[0]["config"]["batch_input_shape"] = first["config"]["batch_shape"]
        return made

    def _call(self, call: dict, nested: dict) -> list:
        """A call as a list of its input tensors, with other arguments attached to the first."""

        def place(tensor: dict) -> list:
            name, number, output = tensor["config"]["keras_history"]
            return [name, number + (name in nested), output]

        def plain(value: Any) -> Any:
            if _is_tensor(value):
                return place(value)
            return [plain(one) for one in value] if isinstance(value, list) else value

        kwargs = {key: value for key, value in call["kwargs"].items() if value is not None}
        given = [*call["args"], *kwargs.pop("initial_state", ())]
        tensors = [t for one in given for t in (one if isinstance(one, list) else [one])]
        if not all(map(_is_tensor, tensors)):
            raise TypeError(NO_LAYER.format("an argument by place", "an older Keras"))
        nodes = [place(tensor) for tensor in tensors]
        if not self.written.listed:
            nodes = [[*node, {}] for node in nodes]
            nodes[0][3] = {key: plain(value) for key, value in kwargs.items()}
        return nodes

    # ---- special layers

    def _merge(self, name: str, config: dict) -> dict | None:
        """The Keras 1 `Merge` equivalent of a merging layer."""
        for mode, (kind, arguments, more) in MERGE.items():
            off = mode == "dot" and config.get("normalize")
            if kind == name and not off and all(config.get(k) == v for k, v in more.items()):
                old = {before: config[today] for before, today in arguments.items()}
                kept = {"name": config["name"], "mode": mode, "mode_type": "raw"}
                return {"class_name": "Merge", "config": {**kept, **old}}
        return None

    def _lambda(self, config: dict) -> dict:
        function = config["function"]
        kind = "lambda" if function in self.lambdas else "function"
        if kind == "lambda":
            config["function"] = _dump(self.lambdas[function])
        more = {"function_type": kind, "output_shape": None, "output_shape_type": "raw"}
        return {**config, "arguments": config.get("arguments") or {}, **more}


def _is_of(row: Row, family: str, today: str) -> bool:
    """Whether a row names this class, current or dropped."""
    place, _, name = row.new.rpartition(".")
    return name == today and place in (family, *DROPPED)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == TENSOR


def _places(data: Any) -> list:
    """The places in a structure of inputs or outputs, flat."""
    if isinstance(data, dict):
        data = list(data.values())
    if len(data) == 3 and isinstance(data[0], str):
        return [list(data)]
    return [place for one in data for place in _places(one)]


def _dump(function: Any) -> list:
    """The code of a lambda in Keras 2's format. It is never run; it only identifies the lambda."""
    code = base64.b64encode(marshal.dumps(function.__code__)).decode() + "\n"
    dumped[code] = function
    kept = inspect.getclosurevars(function).nonlocals.values()
    plain = all(isinstance(value, int | float | str | type(None)) for value in kept)
    return [code, None, list(kept) if kept and plain else None]
