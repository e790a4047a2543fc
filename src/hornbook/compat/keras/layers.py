"""Old layers: arguments, methods and attributes that today's do not have."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook import formulas, layers, random
from hornbook.compat.keras import initializations
from hornbook.compat.keras.closures import derives, read_by_layer, reading, run_through, through
from hornbook.compat.translate import translate
from hornbook.core import tree
from hornbook.core.module import Module, auto_name, to_snake_case
from hornbook.core.symbolic import has_symbolic
from hornbook.core.variable import Variable
from hornbook.dialects.files import format_of
from hornbook.layers.calling import arguments_of
from hornbook.saving.configs import transposed_to
from hornbook.saving.conversions import as_today, as_written

SEQUENCES = (layers.RNN, layers.Conv1D, layers.MaxPooling1D, layers.AveragePooling1D)
CHANNELS_LAST = (  # sequences, regardless of image_dim_ordering
    *(layers.Conv1D, layers.SeparableConv1D, layers.MaxPooling1D, layers.AveragePooling1D),
    *(layers.GlobalMaxPooling1D, layers.GlobalAveragePooling1D),
    *(layers.ZeroPadding1D, layers.Cropping1D),
)
SIZES = ("units", "filters", "kernel_size", "strides", "pool_size", "size", "depth_multiplier")
PADS = ("top_pad", "bottom_pad", "left_pad", "right_pad")
LAYOUTS = {"channels_first": "th", "channels_last": "tf"}
SHAPE_GIVEN = {"input_length", "input_shape", "batch_input_shape", "batch_shape"}
IGNORED = ("input_dtype",)  # a placeholder's dtype, which the data determine today


def old_name(cls: type, lowercase: bool) -> str:
    """An automatic name, counted from 1: `dense_1`, `dense_2`, ..."""
    prefix = cls.__name__.lower() if lowercase else to_snake_case(cls.__name__)
    name = auto_name(prefix)
    return auto_name(prefix) if name == prefix else name


# Old attributes of weights, and candidates for today's; the first that exists is used.
WEIGHTS = {
    "W": ("kernel", "embeddings", "depthwise_kernel"),
    "U": ("recurrent_kernel",),
    "b": ("bias",),
}


def renamed(old: str, new: str) -> property:
    """A property for a renamed attribute.

    Args:
        old: its old name.
        new: its name today.
    """

    def read(self):
        value = getattr(self, new) if hasattr(self, new) else vars(self)[old]
        return LAYOUTS.get(value, value) if old == "dim_ordering" else value

    def write(self, value):
        try:
            setattr(self, new, value)
        except AttributeError:  # before the layer is initialized
            vars(self)[old] = value

    return property(read, write, doc=f"`{new}` of today.")


class Inbound:
    """A node of the old graph: one call of a layer.

    Args:
        layer: the layer.
        node: the call.
    """

    def __init__(self, layer: Any, node: Any):
        self.outbound_layer = layer
        self.input_tensors, self.output_tensors = list(node.inputs), node.output_list
        self.inbound_layers = [one.node.op for one in node.inputs]
        self.node_indices, self.tensor_indices = [], []
        for one in node.inputs:
            calls = getattr(one.node.op, "_nodes", [one.node])
            self.node_indices.append(next((i for i, n in enumerate(calls) if n is one.node), 0))
            outputs = enumerate(one.node.output_list)
            self.tensor_indices.append(next((i for i, t in outputs if t is one), 0))
        self.input_shapes = [one.shape for one in self.input_tensors]
        self.output_shapes = [one.shape for one in self.output_tensors]


class OldNodes:
    """Mixin of old layers and models."""

    also_takes: tuple[str, ...] = ()  # arguments in addition to today's
    _names: Any
    _nodes: list

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign; layers also before `super().__init__()`, which Keras 1 and 2 did not mind."""
        Module.__setattr__(self, name, value)  # type: ignore[arg-type]

    def _before_init(self, given: dict) -> None:
        if given.get("name") is None:
            given["name"] = old_name(type(self), self._names.dialect.LOWERCASE_NAMES)

    def _after_init(self, extra: dict) -> None:
        weights = extra.get("weights")
        if weights is not None:
            _build_with(self, weights)
        if extra.get("output_shape") is not None:
            _build_to(self, extra["output_shape"])

    def _node(self, index: int) -> Any:
        """A call on symbolic tensors, by index."""
        try:
            return self._nodes[index]
        except IndexError:
            raise AttributeError(
                f"layer {self.name!r} has been called {len(self._nodes)} times on symbolic "  # type: ignore[attr-defined]
                f"tensors; there is no call {index}"
            ) from None

    def get_input_at(self, node_index: int) -> Any:
        """The symbolic input of a call.

        Raises:
            AttributeError: if there was no such call.
        """
        inputs = self._node(node_index).inputs
        return inputs[0] if len(inputs) == 1 else inputs

    def get_output_at(self, node_index: int) -> Any:
        """The symbolic output of a call.

        Raises:
            AttributeError: if there was no such call.
        """
        return self._node(node_index).outputs

    def get_input_shape_at(self, node_index: int) -> Any:
        """The input shape of a call."""
        found = self.get_input_at(node_index)
        return [one.shape for one in found] if isinstance(found, list) else found.shape

    def get_output_shape_at(self, node_index: int) -> Any:
        """The output shape of a call."""
        found = self.get_output_at(node_index)
        return [one.shape for one in found] if isinstance(found, list) else found.shape

    def get_output_shape_for(self, input_shape: Any) -> Any:
        """The output shape for an input shape."""
        return self.compute_output_shape(input_shape)  # type: ignore[attr-defined]

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add to the loss; `inputs` is ignored, as dependencies are inferred."""
        super().add_loss(losses)  # type: ignore[misc]

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Assign variables in this step, from pairs; results of `K.update` are done already."""
        for one in updates if isinstance(updates, list) else [updates]:
            if isinstance(one, tuple) and isinstance(one[0], Variable):
                one[0].assign(one[1])

    add_updates = add_update

    @property
    def updates(self) -> list:
        """Empty: see `add_update`."""
        return []

    @updates.setter
    def updates(self, value: list) -> None:
        self.add_update(list(value))

    state_updates = updates

    @property
    def losses(self) -> list:
        """The penalties and added losses; those of inner layers are found, and may be assigned.

        Raises:
            ValueError: if more are assigned than those of inner layers.
        """
        return super().losses  # type: ignore[misc]

    @losses.setter
    def losses(self, value: list) -> None:
        found = len(self.losses)
        if len(value) > 2 * found:  # `self.losses += inner.losses` repeats what is found
            raise ValueError(
                f"{self.name!r} has {found} losses, and {len(value)} were assigned. "  # type: ignore[attr-defined]
                "Losses that no inner layer has are added with self.add_loss(loss)"
            )

    def get_updates_for(self, inputs: Any) -> list:
        """Empty: see `add_update`."""
        return []

    def get_losses_for(self, inputs: Any) -> list:
        """The losses added by this layer, regardless of `inputs`."""
        return list(self.losses)

    @property
    def inbound_nodes(self) -> list["Inbound"]:
        """The calls on symbolic tensors."""
        return [Inbound(self, node) for node in self._nodes]

    _inbound_nodes = inbound_nodes
    outbound_nodes: Any = ()  # assigned by programs that remove layers


class OldLayer(OldNodes):
    """Mixin of layers: old methods, and old arguments common to all layers."""

    also_takes = ("weights", "input_length", "dropout", "mode")

    @staticmethod
    def _adapt_arguments(today: type, given: dict) -> dict:
        for name in IGNORED:
            given.pop(name, None)
        extra = {}
        if not issubclass(today, layers.Embedding):
            extra["weights"] = given.pop("weights", None)
            length = given.pop("input_length", None)
            several = length is not None or issubclass(today, SEQUENCES)
            if given.get("input_dim") is not None and several:
                given["input_shape"] = (length, given.pop("input_dim"))
        elif not SHAPE_GIVEN & {*given}:
            given["input_shape"] = (None,)  # so that a model starting with it is built at once
        if issubclass(today, CHANNELS_LAST):
            given.setdefault("data_format", "channels_last")
        if issubclass(today, layers.ZeroPadding1D | layers.ZeroPadding2D) and "padding" in given:
            given["padding"] = _padding(today, given["padding"])
        if issubclass(today, layers.Conv2DTranspose):
            shape = tree.map_structure(_whole, given.pop("output_shape", None))
            extra["output_shape"] = shape
            given |= transposed_to(shape or (), given)
        for name, value in given.items():
            if name.endswith("initializer"):
                given[name] = initializations.today(value)
            elif name in SIZES:  # n / 2 was accepted like n // 2
                given[name] = tree.map_structure(_whole, value)
        return extra

    def __getattr__(self, name: str) -> Any:
        for new in WEIGHTS.get(name, ()):
            if hasattr(self, new):
                return getattr(self, new)
        # reading a failed property again raises its own error
        return object.__getattribute__(self, name)

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "get_output_shape_for" in own and "compute_output_shape" not in own:
            setattr(cls, "compute_output_shape", own["get_output_shape_for"])  # noqa: B010

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer; symbolic tensors that it captures become inputs too."""
        if has_symbolic(args) or has_symbolic(kwargs):
            function = getattr(self, "function", None)
            read = read_by_layer(self)
            if function is not None and derives(function):
                made = function(*args, **self.arguments)
                kwargs["graph"], kwargs["reads"] = through(made, args)
                vars(self)["call"] = run_through
            elif read:
                vars(self)["call"] = reading(self, read)
                kwargs["reads"] = read
        return super().__call__(*args, **kwargs)  # type: ignore[misc]

    def _with_flags(self, args: tuple, kwargs: dict, training: bool | None) -> dict:
        """A program's own layer gets a list of masks for a list of inputs, if only of `None`."""
        given = super()._with_flags(args, kwargs, training)  # type: ignore[misc]
        masks = self._no_masks(args[0]) if len(args) == 1 else None
        if masks and "mask" in arguments_of(type(self).call):  # type: ignore[attr-defined]
            given.setdefault("mask", masks)
        return given

    def _pass_mask(self, inputs: Any, outputs: Any, travelling: Any, masks: Any) -> None:
        masks = self._no_masks(inputs) if masks is None else masks
        super()._pass_mask(inputs, outputs, travelling, masks)  # type: ignore[misc]

    def _no_masks(self, inputs: Any) -> list | None:
        several = isinstance(inputs, list | tuple) and "_row" not in vars(type(self))
        return [None] * len(inputs) if several else None

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """Add a variable, with arguments in the old order."""
        today = bool(args) and not isinstance(args[0], str | None)
        dialect = self._names.dialect
        row = dialect.METHODS["Layer.add_weight"]
        if today and row.positions[0].new == "name":
            return super().add_weight(*args, **kwargs)  # type: ignore[misc]
        given = translate("add_weight", row, dialect.VALUES, args, kwargs)
        if "initializer" in given:
            given["initializer"] = initializations.today(given["initializer"])
        return super().add_weight(**given)  # type: ignore[misc]

    @property
    def trainable_weights(self) -> list:
        """The trainable weights; an assigned list becomes the layer's."""
        return super().trainable_weights  # type: ignore[misc]

    @trainable_weights.setter
    def trainable_weights(self, value: list) -> None:
        self._given_weights = list(value)

    @property
    def non_trainable_weights(self) -> list:
        """The non-trainable weights."""
        return super().non_trainable_weights  # type: ignore[misc]

    @non_trainable_weights.setter
    def non_trainable_weights(self, value: list) -> None:
        for variable in value:
            variable.trainable = False
            variable.kind = "state" if variable.kind == "weight" else variable.kind
        self._given_fixed_weights = list(value)

    @property
    def batch_input_shape(self) -> tuple:
        """The batch shape that the layer was created with.

        Raises:
            AttributeError: if it was given none.
        """
        if self._batch_input_shape is None:
            raise AttributeError(f"layer {self.name!r} was not given an input shape")
        return tuple(self._batch_input_shape)

    @batch_input_shape.setter
    def batch_input_shape(self, value: Any) -> None:
        self._batch_input_shape = tuple(value)

    @property
    def input_shape(self) -> Any:
        """The input shape of the first call."""
        return self.get_input_shape_at(0)

    @property
    def output_shape(self) -> Any:
        """The output shape of the first call."""
        return self.get_output_shape_at(0)

    def get_weights(self) -> list:
        """The weights in the old layout: see `dialects.files`."""
        if not self._names.dialect.LAID_OUT:
            return super().get_weights()  # type: ignore[misc]
        return [value for _, value in as_written(self, format_of(self._names.dialect.VERSION))]

    def set_weights(self, weights: list) -> None:
        """Assign the weights, from values in the old layout.

        Raises:
            ValueError: if their number or a shape differs.
        """
        values = [np.asarray(value) for value in weights]
        if self._names.dialect.LAID_OUT:
            values = as_today(self, values, format_of(self._names.dialect.VERSION))
        super().set_weights(values)  # type: ignore[misc]


def _padding(today: type, value: Any) -> Any:
    """Today's padding, from the forms that Keras 1 accepted."""
    if isinstance(value, dict):
        sides = PADS[-2:] if issubclass(today, layers.ZeroPadding1D) else PADS
        unknown = {*value} - {*sides}
        if unknown:
            raise ValueError(f"padding has the keys {', '.join(sides)}; not {unknown}")
        value = [value.get(side, 0) for side in sides]
    if isinstance(value, list | tuple) and len(value) == 4:
        return (tuple(value[:2]), tuple(value[2:]))
    return value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _build_to(layer: Any, shape: Any) -> None:
    """Make a layer with an `output_shape` raise if its input does not produce that shape."""
    first, before = layer.build, vars(layer).get("build")

    def build(input_shape):
        if before is None:
            del vars(layer)["build"]
        first(input_shape)
        made = layer.compute_output_shape(input_shape)
        pairs = zip(made[1:], shape[1:])
        if len(shape) != len(made) or any(
            None not in pair and pair[0] != pair[1] for pair in pairs
        ):
            raise ValueError(
                f"layer {layer.name!r} has output_shape {shape}, which does not fit its input "
                f"{input_shape}: with kernel_size {layer.kernel_size}, strides {layer.strides}, "
                f"padding {layer.padding!r} and {layer.data_format!r} it gives {made}"
            )

    vars(layer)["build"] = build


def _build_with(layer: Any, weights: list) -> None:
    """Set these weights when the layer is built."""

    def build(*args, **kwargs):
        del vars(layer)["build"]
        result = layer.build(*args, **kwargs)
        layer.set_weights(weights)
        return result

    vars(layer)["build"] = build


class DropoutEmbedding(layers.Embedding):
    """An embedding that drops whole words in training, with equal probability.

    Args:
        dropout: the fraction of words to drop, from 0 to 1.
    """

    def __init__(self, *args: Any, dropout: float = 0.0, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.dropout = dropout

    def call(self, inputs: Any, training: bool = False) -> Any:
        rows = super().call(inputs)
        if not training:
            return rows
        kept = random.binomial((self.input_dim,), 1.0, 1.0 - self.dropout)
        share = jnp.take(kept, inputs.astype("int32"))[..., None] / (1.0 - self.dropout)
        return rows * share.astype(rows.dtype)


class ModeBatchNormalization(layers.BatchNormalization):
    """Batch normalization with Keras 1's `mode`.

    Args:
        mode: 1 normalizes each sample by its own moments, 2 each batch by its own moments, in
            inference as in training.
    """

    def __init__(self, *args: Any, mode: int = 2, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.mode = mode

    def call(self, inputs: Any, training: bool | None = False, mask: Any = None) -> Any:
        if self.mode == 2:
            return super().call(inputs, True, mask)
        mean = jnp.mean(inputs, -1, keepdims=True)
        deviation = jnp.sqrt(jnp.var(inputs, -1, keepdims=True) + self.epsilon)
        gamma, beta = self.gamma.value, self.beta.value  # type: ignore[union-attr]
        normal = (inputs - mean) / deviation
        return formulas.scaled(normal, gamma, beta, self.axis, self.compute_dtype)


VARIANTS: dict[type, tuple[str, type]] = {
    layers.Embedding: ("dropout", DropoutEmbedding),
    layers.BatchNormalization: ("mode", ModeBatchNormalization),
}
