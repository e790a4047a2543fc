"""Model configs in HDF5 files of any Keras, converted to today's.

The rows of `dialects/` map old names, arguments and values to today's; running old programs uses
the same rows.
"""

import inspect
from typing import Any

from hornbook.core.config import get_registered_object, resolve
from hornbook.core.settings import standardize_data_format
from hornbook.dialects.files import (
    DROPPED,
    FAMILIES,
    INHERITED,
    LAMBDA_ONLY,
    LAYERS_IN,
    MERGE,
    MERGE_ONLY,
    MODELS,
    PACKAGE,
    REPEATED,
    WITH_STATES,
    Format,
)
from hornbook.dialects.row import Row
from hornbook.kernels.conv_transpose import output_padding
from hornbook.saving.policy import FileError

TENSOR = "__keras_tensor__"
WAY = "Create the model in Python as its program does, and load the weights with load_weights"
NO_CODE = (
    "the Lambda layer {0!r} is stored as compiled code, which is never run. Pass its "
    "function by the layer's name, custom_objects={{{0!r}: fn}}, or create the model in Python as "
    "its program does and load the weights with load_weights"
)
OPERATIONS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "ClassMethod")
TENSORFLOW = (
    "{!r} is not a layer but a TensorFlow operation on a tensor, {}, which cannot be read. {}"
)
# Functions of `Lambda` layers saved by this process, by name or, for a lambda, by its code in the
# file, so that this process can read its own files.
dumped: dict[str, Any] = {}
IN_A_MODEL = ("name", "inbound_nodes")  # keys beside a layer's config in a graph


def is_described_by_layers(model: Any) -> bool:
    """Whether a model's config lists its layers, so that an HDF5 file can hold it."""
    return hasattr(model, "_stack") or (
        getattr(model, "_recorded", None) is not None and model._is_functional()
    )


# ---- to today's


def model_today(config: dict, written: Format) -> dict:
    """A model's config in a file, as `deserialize` takes it.

    Args:
        config: its class and config.
        written: the format of the file.

    Raises:
        FileError: for a layer that cannot be made from data.
    """
    return config if written.rows is None else _layer_today(config, written)


def object_today(data: Any, family: str, written: Format) -> Any:
    """The description of an object in an old file, in terms of today's registry.

    Args:
        data: its class and config, or a list of them; anything else is returned as it is.
        family: the family of its row, such as `"initializers"`.
        written: the format of the file.
    """
    if isinstance(data, list):
        return [object_today(one, family, written) for one in data]
    if isinstance(data, dict) and "class_name" not in data and "name" in data:  # Keras 1
        data = {"class_name": data["name"], "config": {k: data[k] for k in data if k != "name"}}
    if not isinstance(data, dict) or "class_name" not in data:
        return data
    if family == "layers":
        return _layer_today(data, written)
    name, config = str(data["class_name"]), data.get("config") or {}
    if get_registered_object(name) is not None or not isinstance(config, dict):
        return data
    name = name.rpartition(">")[2]
    row = _row(family, name, written)
    if row is not None:
        config = {**row.defaults, **_renamed(config, row)}
        name = row.new.rpartition(".")[2]
    config = {key: _value_today(key, value, written) for key, value in config.items()}
    described = {"module": f"keras.{family}", "class_name": name, "config": config}
    return {**described, "config": _without_off(described, family)}


def _layer_today(data: dict, written: Format) -> dict:
    name, config = data["class_name"], data.get("config")
    beside = {key: data[key] for key in IN_A_MODEL if key in data}
    if name in MODELS or isinstance(config, list):
        return _model_today(data, beside, written)
    if not isinstance(config, dict):
        raise FileError(f"the config of a layer is a dictionary, not {config!r:.60}")
    if get_registered_object(name) is not None:
        return data
    if name in OPERATIONS:
        function = config.get("function", config.get("node_def"))
        raise FileError(TENSORFLOW.format(config.get("name"), str(function)[:60], WAY))
    if name == "Merge":
        name, config = _merge_today(config)
    row = _row("layers", name, written)
    if row is not None:
        name = row.new.rpartition(".")[2]
        config = {**row.defaults, **_renamed(config, row)}
    config = {key: _value_today(key, value, written) for key, value in config.items()}
    if name == "Lambda":
        config = _lambda_today(config)
    if name == "Conv2DTranspose" and "output_shape" in config:
        shape = config.pop("output_shape")
        config |= transposed_to(shape, config) if isinstance(shape, list) else {}
    if name != "Embedding":
        config = {key: value for key, value in config.items() if key not in REPEATED}
    dropped = row is not None and row.new.startswith(DROPPED)
    place = {"registered_name": f"{PACKAGE}{name}"} if dropped else {"module": "keras.layers"}
    described = {**place, "class_name": name, "config": config}
    return {**described, "config": _without_off(described, "layers"), **beside}


def _without_off(described: dict, family: str) -> dict:
    """A config without the falsy arguments that today's class does not have."""
    config = described["config"]
    try:
        known = inspect.signature(resolve(described, family)).parameters
    except (ValueError, TypeError):
        return config
    return {
        key: value
        for key, value in config.items()
        if key in known or key == "name" or value and key not in INHERITED
    }


def _model_today(data: dict, beside: dict, written: Format) -> dict:
    name, config = data["class_name"], data["config"]
    if isinstance(config, list):  # a Sequential of Keras 1, or of Keras 2 until 2.2.2
        config = {"layers": config}
    elif not isinstance(config, dict):
        raise FileError(f"the config of a model is a dictionary, not {config!r:.60}")
    layers = config.get("layers", [])
    if name == "Sequential" and layers and layers[0].get("class_name") == "Merge":
        return {**_merged_today(config, written), **beside}
    if name == "Sequential" and layers and _has_inputs(layers[0]):
        return {**_continued_today(config, written), **beside}
    kinds = [str(one.get("class_name")) for one in layers]
    config = {**config, "layers": [_layer_today(one, written) for one in layers]}
    if "output_layers" in config:
        config = _graph_today(config, kinds)
        name = "Functional"
    return {**beside, "class_name": name, "config": config}


def _graph_today(config: dict, kinds: list[str]) -> dict:
    """The config of a functional model, with today's call indices and named arguments.

    In old Keras, a nested model's first call was the one made at its creation.

    Args:
        config: the config, with converted layers.
        kinds: the original classes of the layers.
    """
    layers = config["layers"]
    named = zip(layers, kinds, strict=True)
    names = {one.get("name") or one["config"]["name"]: kind for one, kind in named}
    nested = {name for name, kind in names.items() if kind in MODELS}

    def is_place(data: Any) -> bool:
        return isinstance(data, list) and len(data) == 3 and str(data[0]) in names

    def ends(data: Any) -> Any:
        if is_place(data):
            name, call, output = data
            return [name, max(call - (names[name] == "Sequential"), 0), output]
        return [ends(one) for one in data]

    def argument(data: Any) -> Any:
        if is_place(data):
            name, call, output = data
            history = [name, max(call - (name in nested), 0), output]
            return {"class_name": TENSOR, "config": {"keras_history": history}}
        if isinstance(data, list):
            return [argument(one) for one in data]
        return {k: argument(v) for k, v in data.items()} if isinstance(data, dict) else data

    def call(kind: str, nodes: list) -> list:
        nodes = [[*node[:3], *map(argument, node[3:])] for node in nodes]
        if kind not in WITH_STATES or len(nodes) == 1:
            return nodes
        first, *states = nodes
        more = {"initial_state": [argument(node[:3]) for node in states]}
        return [[*first[:3], {**(first[3] if len(first) > 3 else {}), **more}]]

    layers = [
        {**one, "inbound_nodes": [call(one["class_name"], n) for n in one.get("inbound_nodes", ())]}
        for one in layers
    ]
    inputs, outputs = ends(config["input_layers"]), ends(config["output_layers"])
    if len(outputs) == 1 and isinstance(outputs[0], list):  # a call returned no list of one
        outputs = outputs[0]
    return {**config, "layers": layers, "input_layers": inputs, "output_layers": outputs}


def _has_inputs(data: Any) -> bool:
    """Whether a layer of a file is a functional model with several inputs."""
    config = data.get("config") if isinstance(data, dict) else None
    inputs = config.get("input_layers") if isinstance(config, dict) else None
    return isinstance(inputs, list) and len(inputs) > 1


def _continued_today(config: dict, written: Format) -> dict:
    """A Sequential whose first layer is a multi-input model, as a functional model."""
    first, *rest = config["layers"]
    graph = _layer_today(first, written)["config"]
    layers, outputs = [*graph["layers"]], graph["output_layers"]
    outputs = [outputs] if isinstance(outputs[0], str) else outputs
    for one in rest:
        made = _layer_today(one, written)
        layers.append({**made, "inbound_nodes": [outputs]})
        outputs = [[made["config"]["name"], 0, 0]]
    more = {"name": config.get("name", graph["name"]), "layers": layers, "output_layers": outputs}
    return {"class_name": "Functional", "config": {**graph, **more}}


def _merged_today(config: dict, written: Format) -> dict:
    """A Keras 1 Sequential that begins with several branches, as a functional model.

    The branches' layers become its own, as in its weights files.
    """
    merge, *rest = config["layers"]
    layers: list[dict] = []
    inputs: list[list] = []

    def chain(described: list, before: str | None) -> str:
        for one in described:
            made = _layer_today(one, written)
            name = made["config"]["name"]
            if before is None:
                shape = made["config"].pop("batch_input_shape")
                dtype = "int32" if made["class_name"] == "Embedding" else "float32"
                source = {"batch_shape": shape, "dtype": dtype, "name": f"{name}_input"}
                before = source["name"]
                inputs.append([before, 0, 0])
                layers.append({"class_name": "InputLayer", "config": source, "inbound_nodes": []})
            layers.append({**made, "inbound_nodes": [[[before, 0, 0]]]})
            before = name
        return str(before)

    ends = []
    for branch in merge["config"].get("layers", ()):
        inner = branch["config"]
        stack = inner if isinstance(inner, list) else inner["layers"]
        if branch["class_name"] != "Sequential" or stack[0]["class_name"] == "Merge":
            raise FileError(f"a branch of a Merge is {branch['class_name']!r}. {WAY}")
        ends.append(chain(stack, None))
    joined = _layer_today(merge, written)
    layers.append({**joined, "inbound_nodes": [[[end, 0, 0] for end in ends]]})
    last = chain(rest, joined["config"]["name"])
    graph = {"name": config.get("name", "sequential"), "layers": layers, "input_layers": inputs}
    return {"class_name": "Functional", "config": {**graph, "output_layers": [[last, 0, 0]]}}


def _row(family: str, name: str, written: Format) -> Row | None:
    rows: Any = written.rows
    where = [rows.FAMILIES.get(one, {}) for one in (family, *FAMILIES.get(family, ()))]
    return next((table[name] for table in where if name in table), None)


def _renamed(config: dict, row: Row) -> dict:
    """Arguments under today's names."""
    given: dict = dict(config)
    found: dict = {}
    for argument in row.arguments:
        if all(old in given for old in argument.old):
            values = [given.pop(old) for old in argument.old]
            if argument.new:
                found.setdefault(argument.new, values[0] if len(values) == 1 else values)
    return {**given, **found}


def _value_today(key: str, value: Any, written: Format) -> Any:
    changed: dict = written.rows.VALUES.get(key, {})  # type: ignore[union-attr]
    if value is None or isinstance(value, str):
        value = changed.get(value, value)
    if isinstance(value, str) and value.startswith("compat."):
        return function_named(f"hornbook.compat>{value.rpartition('.')[2]}")
    family = "layers" if key in LAYERS_IN else f"{key.rpartition('_')[2]}s"
    if family in ("layers", "initializers", "regularizers", "constraints", "activations"):
        return object_today(value, family, written)
    if key == "dtype" and isinstance(value, dict):
        return value["config"]["name"]
    if key == "axis" and isinstance(value, list) and len(value) == 1:
        return value[0]
    return value


def function_named(name: str) -> dict:
    """The description of a registered or user-defined function."""
    return {"class_name": "function", "config": name, "registered_name": name}


def transposed_to(shape: Any, config: dict) -> dict:
    """The `output_padding` that gives Keras 1's `output_shape`.

    Args:
        shape: the output shape, including batch and channels.
        config: the other arguments of the `Conv2DTranspose`, in today's form.
    """
    form = standardize_data_format(config.get("data_format"))
    sizes = tuple(shape)[2:4] if form == "channels_first" else tuple(shape)[1:3]
    if len(shape) != 4 or None in sizes:
        return {}
    kernel, strides = (
        (one, one) if isinstance(one, int) else tuple(one)
        for one in (config["kernel_size"], config.get("strides", 1))
    )
    padding = str(config.get("padding", "valid")).lower()
    extra = tuple(map(output_padding, sizes, kernel, strides, (padding, padding)))
    fits = all(0 <= e < s for e, s in zip(extra, strides, strict=True))
    return {"output_padding": extra} if fits else {}


def _lambda_today(config: dict) -> dict:
    """The config of a `Lambda`. Code in a file is never run: a function is looked up by name."""
    config = {key: value for key, value in config.items() if key not in LAMBDA_ONLY}
    function = config["function"]
    own = get_registered_object(str(config.get("name")))
    if isinstance(function, str):
        known = get_registered_object(function) is not None or function not in dumped
        config["function"] = function_named(function) if known else dumped[function]
    elif callable(own):  # stored code is identified only by the layer's name
        config["function"] = function_named(str(config["name"]))
    elif isinstance(function, list) and function and str(function[0]) in dumped:
        config["function"] = dumped[str(function[0])]
    elif isinstance(function, list):
        raise FileError(NO_CODE.format(config.get("name")))
    shape = config.get("output_shape")
    return {**config, "output_shape": None if isinstance(shape, list) else shape}


def _merge_today(config: dict) -> tuple[str, dict]:
    """The layer class and config for the mode of a Keras 1 `Merge`."""
    mode = config.get("mode", "sum")
    if not isinstance(mode, str) or mode not in MERGE:
        raise FileError(f"the Merge layer {config.get('name')!r} has the mode {mode!r:.60}. {WAY}")
    kind, arguments, more = MERGE[mode]
    given = {new: config[old] for old, new in arguments.items() if old in config}
    kept = {key: value for key, value in config.items() if key not in MERGE_ONLY}
    return kind, {**kept, **given, **more}
