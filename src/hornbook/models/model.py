"""`Model`: a trainable graph of layers, made from symbolic tensors or by subclassing."""

import inspect
import json
from typing import Any

from hornbook.core import tree
from hornbook.core.config import custom_object_scope, nearest, register_alias, serialize
from hornbook.core.errors import door
from hornbook.core.graph import Graph
from hornbook.core.mask import set_mask
from hornbook.core.messages import tell
from hornbook.core.module import RESERVED, auto_name, derived
from hornbook.core.symbolic import Node, SymbolicTensor, outputs_of, symbolic_leaves
from hornbook.core.variable import Variable
from hornbook.layers.base import Layer
from hornbook.layers.calling import arguments_of, as_shape, shape_of, tree_of_symbols
from hornbook.models import functional
from hornbook.models.deployment import Deployable
from hornbook.models.host import Prepared, given, prepared, split
from hornbook.models.inputs import fitted, in_order, only_looked_up, without_more, without_none
from hornbook.models.state_tree import set_state_tree, state_tree
from hornbook.models.summary import summarize
from hornbook.saving import kinds
from hornbook.training.protocol import Known
from hornbook.training.trainer import Trainer


class Model(Deployable, Trainer):
    """A trainable layer made of other layers.

    Args:
        inputs: a symbolic tensor from `Input`, or a list or dict of them.
        outputs: symbolic tensors computed from them. Without `inputs` and `outputs`, a subclass
            defines `call`.
        name: default the class's name in snake case, numbered.

    Raises:
        ValueError: if an output depends on an input that is not listed.

    Example:
        >>> import hornbook as keras
        >>> x = keras.Input((4,))
        >>> model = keras.Model(x, keras.layers.Dense(2)(x))
        >>> model(np.ones((3, 4))).shape
        (3, 2)
    """

    @door
    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, **kwargs):
        if (inputs is None) != (outputs is None):
            raise ValueError("a functional Model needs both inputs and outputs")
        Layer.__init__(self, name=name or self._default_name(inputs), **kwargs)
        self.supports_masking = True
        self._recorded: Any = None  # a `Graph`, in a functional model
        self._call_graph: Any = None  # the same graph, with added losses
        self._stage: Any = None  # a `HostStage`, if the graph has host layers
        self._symbolic_losses: list[SymbolicTensor] = []
        self._strict_shapes = self._strict_ranks = True
        if inputs is not None:
            self._set_graph(inputs, outputs)

    _lists_one = True  # whether a symbolic call returns a list of one; old Keras did not

    def _default_name(self, inputs: Any) -> str | None:
        return auto_name("functional") if type(self) is Model and inputs is not None else None

    def _set_graph(self, inputs: Any, outputs: Any) -> None:
        for what, structure in (("inputs", inputs), ("outputs", outputs)):
            wrong = [leaf for leaf in tree.walk(structure) if not isinstance(leaf, SymbolicTensor)]
            if wrong or not symbolic_leaves(structure):
                raise ValueError(
                    f"the {what} of a Model are symbolic tensors, made with Input and layers; "
                    f"got {wrong[0] if wrong else structure!r}"
                )
        self._recorded = self._call_graph = Graph(inputs, outputs)
        self._stage = split(self._recorded)
        self.built = True
        self._casts_inputs = False  # each input has a dtype of its own
        self._only_looked_up = only_looked_up(self._recorded)
        self._check_names()

    def _check_names(self) -> None:
        functional.check_names([op for op in self._recorded.operations() if isinstance(op, Layer)])

    # ---- structure

    def _owned(self):
        graph = self.__dict__.get("_call_graph")
        if graph is not None:
            yield "_graph_layers", [op for op in graph.operations() if isinstance(op, Layer)]
            arguments = [(node.args, node.kwargs) for node in graph.nodes]
            yield "_graph_variables", [v for v in tree.walk(arguments) if isinstance(v, Variable)]
        yield from super()._owned()

    @property
    def layers(self) -> list[Layer]:
        """The layers directly below this one; in a functional model, inputs first."""
        return self._layers_below()

    @layers.setter
    def layers(self, value: Any):
        raise AttributeError(RESERVED.format(type(self).__name__, "layers"))

    @derived
    def operations(self) -> list[Any]:
        """The layers and ops of a functional model, inputs first."""
        return self._known("operations").operations()

    def _layers_below(self) -> list[Layer]:
        return [child for child in self._child_modules() if isinstance(child, Layer)]

    def _known(self, what: str) -> Graph:
        if self._recorded is None:
            raise AttributeError(
                f"{type(self).__name__} {self.name!r} has no {what}: only a model that is made "
                "from symbolic inputs and outputs has it, or a built Sequential"
            )
        return self._recorded

    @derived
    def inputs(self) -> list:
        """The symbolic inputs, flat."""
        return self._known("inputs").input_list

    @derived
    def outputs(self) -> list:
        """The symbolic outputs, flat."""
        return self._known("outputs").output_list

    @property
    def input(self) -> Any:
        """The symbolic inputs, in the structure given to the constructor."""
        return self._recorded.inputs if self._recorded else super().input

    @property
    def output(self) -> Any:
        """The symbolic outputs, in the structure given to the constructor."""
        return self._recorded.outputs if self._recorded else super().output

    @derived
    def input_shape(self) -> Any:
        """The shapes of the inputs, `None` where unknown."""
        return tree.map_structure(lambda t: t.shape, bare(self._known("input_shape").inputs))

    @derived
    def output_shape(self) -> Any:
        """The shapes of the outputs, `None` where unknown."""
        return tree.map_structure(lambda t: t.shape, bare(self._known("output_shape").outputs))

    @derived
    def input_names(self) -> list[str]:
        """The names by which inputs can be passed in a dict."""
        return [t.name for t in self._known("input_names").input_list]

    @derived
    def output_names(self) -> list[str]:
        """The names under which outputs' losses and metrics are reported."""
        return functional.known_outputs(self._known("output_names")).names or []

    def _known_graph(self) -> Graph | None:
        """The graph of a functional model, or its device part if it has host layers.

        `None` if the model overrides `call` or has symbolic losses.
        """
        own = not type(self).call.__module__.startswith("hornbook.models.")
        stage = self._host
        graph = stage.after if stage is not None and self.built else self._recorded
        return None if own or self._symbolic_losses else graph

    @property
    def _host(self) -> Any:
        """The `HostStage`, if the graph has host layers; else `None`."""
        return self._stage if self._recorded is not None else None

    def _known_outputs(self) -> Known:
        """What the graph knows about the outputs: names, symbolic tensors and activations."""
        return functional.known_outputs(self._recorded) if self._recorded else Known()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by name or by index.

        Raises:
            ValueError: if there is no such layer, with the nearest names.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError("get_layer takes either a name or an index")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"{self.name!r} has {len(layers)} layers; there is none at index {index}"
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        known = [layer.name for layer in layers]
        raise ValueError(f"{self.name!r} has no layer named {name!r}. {nearest(str(name), known)}")

    @door
    def summary(
        self,
        line_length: int | None = None,
        positions: list | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: list | tuple | None = None,
    ) -> None:
        """Print the layers with output shapes, parameters and connections.

        Args:
            line_length: width in characters; default the terminal's, at most 100.
            positions: ends of the columns, in characters or as fractions of the width.
            print_fn: called with each line instead of printing it.
            expand_nested: whether to list the layers of nested models too.
            show_trainable: whether to add a column that shows which layers are trainable.
            layer_range: the first and last layer to list: names, or regular expressions for them.
        """
        text = summarize(self, line_length, positions, expand_nested, show_trainable, layer_range)
        for line in text.split("\n"):
            (print_fn or tell)(line)

    def reset_states(self) -> None:
        """Reset the states of stateful layers."""
        for layer in self._all_modules():
            reset = getattr(layer, "reset_states", None)
            if layer is not self and callable(reset):
                reset()

    # ---- files

    @door
    def save(
        self,
        filepath: Any,
        overwrite: bool = True,
        zipped: bool | None = None,
        include_optimizer: bool = True,
        save_format: str | None = None,
        **old: Any,
    ) -> None:
        """Write model, weights, compile arguments and optimizer to a `.keras` or `.h5` file.

        See `saving.save_model`.
        """
        kinds.save_model(self, filepath, overwrite, zipped, include_optimizer, save_format, **old)

    @door
    def save_weights(
        self, filepath: Any, overwrite: bool = True, max_shard_size: Any = None
    ) -> None:
        """Write the weights to a `.weights.h5` or `.h5` file; see `saving.save_weights`."""
        kinds.save_weights(self, filepath, overwrite, max_shard_size)

    @door
    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False
    ) -> None:
        """Read the weights from an HDF5 or `.keras` file; see `saving.load_weights`."""
        kinds.load_weights(self, filepath, skip_mismatch, by_name)

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, dict]:
        """The values of all variables as nested dictionaries, by group and path.

        Args:
            value_format: `"backend_tensor"` for arrays of JAX, or `"numpy_array"`.

        Raises:
            ValueError: if two variables have the same path.
        """
        return state_tree(self, value_format)

    def set_state_tree(self, state_tree: dict[str, dict]) -> None:
        """Assign values that `get_state_tree` returned, all of them or some.

        Raises:
            ValueError: for a path that is not in the model, before anything is assigned.
        """
        set_state_tree(self, state_tree)

    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON, without weights, for `models.model_from_json`.

        Args:
            **kwargs: for `json.dumps`.
        """
        return json.dumps(serialize(self), **kwargs)

    # ---- config

    def _is_functional(self) -> bool:
        """Whether the model is fully described by its graph and name."""
        own = arguments_of(type(self).__init__)
        as_graph = own.keys() == arguments_of(Model.__init__).keys()
        takes_any = {p.kind for p in own.values()} >= {
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        }
        return self._recorded is not None and (as_graph or takes_any)

    @property
    def _stated_class(self) -> dict:
        """The class as named in files, if that differs from the class's name."""
        if type(self) is not Model or self._recorded is None:
            return {}
        module, name = "keras.src.models.functional", "Functional"
        return {"module": module, "class_name": name, "registered_name": name}

    def get_config(self) -> dict:
        """The graph of a functional model, else the constructor arguments, as plain data."""
        return functional.get_config(self) if self._is_functional() else super().get_config()

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Any:
        """A model with new weights from the result of `get_config`.

        Args:
            config: plain data.
            custom_objects: classes and functions by name, in addition to the registered ones.
        """
        with custom_object_scope(custom_objects or {}):
            if functional.is_functional_config(config):
                return functional.from_config(cls, config)
            return super().from_config(config)

    # ---- building

    @door
    def build(self, input_shape: Any = None) -> None:
        """Create the weights of a model with a `call` method, for inputs of this shape.

        Args:
            input_shape: including the batch size (`None` for any); a list or dict of shapes for
                several inputs.
        """
        if self._recorded is None and input_shape is not None:
            self._build_by_call({"input_shape": input_shape})

    def build_from_config(self, config: dict) -> None:
        """Build from the result of `get_build_config`."""
        if self._recorded is None and type(self).build is Model.build:
            self._build_by_call(config.get("shapes_dict", config))
        else:
            super().build_from_config(config)

    def _build(self, shapes: dict[str, Any]) -> None:
        if type(self).build is not Model.build:
            return super()._build(shapes)
        self.built = True  # the call that follows builds the layers
        first = next(iter(shapes.values()), None)
        self._build_shapes = {"input_shape": first} if len(shapes) == 1 else shapes

    def _build_by_call(self, shapes: dict[str, Any]) -> None:
        """Build the layers by calling the model on symbolic inputs of these shapes."""
        errors: list[Exception] = []
        self.built = True  # the call builds the layers, not the model again
        for dtype in (self.compute_dtype, "int32"):
            symbols = {
                key.removesuffix("_shape"): tree_of_symbols(as_shape(shape), dtype)
                for key, shape in shapes.items()
                if shape is not None
            }
            first = [symbols.pop("input")] if "input" in symbols else []
            try:
                self.compute_output_spec(*first, **symbols)
                return
            except Exception as error:
                errors.append(error)
        self.built = False
        raise errors[0]

    # ---- copies

    def __getstate__(self) -> dict:
        state = super().__getstate__()
        if symbolic_leaves(state["_arguments"]):
            state["_arguments"] = ((), {})  # the graph is enough
        graph = state.pop("_call_graph", None)
        state |= {"_recorded": None, "_symbolic_losses": bool(self._symbolic_losses)}
        state["_stage"] = None
        state["_packed"] = graph and functional.pack(graph)
        return state

    def __setstate__(self, state: dict) -> None:
        state = dict(state)
        packed, has_losses = state.pop("_packed"), state.pop("_symbolic_losses")
        vars(self).update(state)
        graph = packed and functional.unpack(packed)
        self._recorded = self._call_graph = graph
        self._only_looked_up = only_looked_up(graph) if graph else set()
        self._symbolic_losses = []
        if has_losses:
            self._recorded = Graph(graph.inputs, graph.outputs["outputs"])
            self._symbolic_losses = graph.outputs["losses"]
        self._stage = split(self._call_graph) if graph else None

    # ---- calling

    def _only_transforms(self) -> bool:
        """Whether its layers only transform data, as for augmentation."""
        if self._recorded is None or self._host is not None or self._symbolic_losses:
            return False
        return bool(self.layers) and all(layer._only_transforms() for layer in self.layers)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Run the graph of a functional model."""
        if self._call_graph is None:
            raise NotImplementedError(
                f"{type(self).__name__} is not made from inputs and outputs, and has no "
                "call(self, inputs) method"
            )
        if isinstance(inputs, Prepared):
            result = self._stage.finish(inputs)
        else:
            values = self._match(inputs)
            if mask is not None:
                for value, one in zip(values, tree.flatten(mask), strict=False):
                    if one is not None:
                        set_mask(value, one)
            stage = self._stage
            result = stage.finish(stage.prepare(values)) if stage else self._call_graph.run(values)
        if self._symbolic_losses:
            result, losses = result["outputs"], result["losses"]
            for loss in losses:
                super().add_loss(loss)
        return bare(result)

    def _record(self, args: tuple, kwargs: dict, *ask: Any) -> Any:
        """Record a call; as in Keras 3, a single output stays in the list it was declared in."""
        if self._host is not None:
            return self._record_stage(args, kwargs)
        outputs, form = (
            super()._record(args, kwargs, *ask),
            self._recorded and self._recorded.outputs,
        )
        one = isinstance(form, list | tuple) and len(form) == 1 and not tree.is_nested(outputs)
        return type(form)([outputs]) if one and self._lists_one else outputs

    def _record_stage(self, args: tuple, kwargs: dict) -> Any:
        """A symbolic call of a model with host layers; outputs have the recorded specs."""
        if self._recorded is None:
            self._build({"input_shape": shape_of(args[0])})
        self._match(*args)
        node = Node(self, args, kwargs)
        outputs_of(node, self._recorded.outputs)
        pairs = zip(node.output_list, self._recorded.output_list, strict=True)
        for tensor, inner in pairs:
            tensor.mask = inner.mask
        self._nodes.append(node)
        return node.outputs

    def _host_arrays(self, value: Any) -> Any:
        """The inputs of a model with host layers, as numpy arrays."""
        return given(self, value)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """`None`: outputs keep the masks that the layers set."""
        return None

    def add_loss(self, loss: Any) -> None:
        """`Layer.add_loss`, which in a functional model also takes symbolic tensors."""
        for one in loss if isinstance(loss, list | tuple) else [loss]:
            if not isinstance(one, SymbolicTensor):
                super().add_loss(one)
                continue
            if self._recorded is None:
                raise ValueError(f"{self.name!r} has no graph to add a symbolic loss to")
            self._symbolic_losses = [*self._symbolic_losses, one]
            self._call_graph = Graph(
                self._recorded.inputs,
                {"outputs": self._recorded.outputs, "losses": self._symbolic_losses},
            )
            self._stage = split(self._call_graph)

    def _match(self, inputs: Any) -> list:
        """The input values in the graph's order, checked."""
        values = zip(in_order(self, inputs), self._recorded.input_list, strict=True)
        return [fitted(self, value, symbol) for value, symbol in values]

    def _inputs_in_order(self, x: Any) -> list:
        """Data as one value for each input of the graph."""
        return list(x.values) if isinstance(x, Prepared) else in_order(self, x)

    def _adapt_inputs(self, x: Any) -> Any:
        """Data as the model's inputs, after the host stage; wrong names and shapes raise."""
        if self._stage is not None:
            return prepared(self, x)
        if self._recorded is None or not tree.is_nested(x):
            return x
        x = without_none(self, x)
        if isinstance(x, dict):
            return without_more(self, x)
        if isinstance(x, list | tuple) and len(self._recorded.input_list) == 1 and len(x) == 1:
            return x[0]
        return x


def bare(values: Any) -> Any:
    """The item of a list of one; anything else as it is."""
    listed = type(values) in (list, tuple) and len(values) == 1
    return values[0] if listed else values


register_alias("models", "Functional", Model)
