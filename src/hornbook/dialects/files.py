"""HDF5 file formats, one per generation: versions, names and weight layouts."""

from types import ModuleType
from typing import Any, NamedTuple

from hornbook.dialects import keras1, keras2


class Joined(NamedTuple):
    """Weights that were separate for each gate and are concatenated on the last axis today.

    Args:
        gates: one letter per gate, in the old order.
        order: the gates in a weight of today, in order.
        kinds: the weights of each gate, in the old order.
    """

    gates: str
    order: str
    kinds: tuple[str, ...] = ("W", "U", "b")

    @property
    def parts(self) -> list[list[int]]:
        """For each weight of today, the indices of its old parts."""
        size = len(self.kinds)
        return [[self.gates.index(g) * size + kind for g in self.order] for kind in range(size)]


class Format(NamedTuple):
    """How a generation wrote HDF5 files.

    Args:
        version: written as `keras_version`.
        backend: written as `backend`; empty for none.
        rows: the module with the names of that generation; `None` if they are today's.
        suffix: the suffix of weight names.
        top: whether there is a group for weights outside layers.
        joined: weights that were separate, by today's layer.
        transposed: the permutation from old to new kernel axes, by today's layer and data format.
        names: the old names of weights, by today's.
        foreign: keywords that the rows accept but that belong to another generation.
        changed: arguments whose values are written in their old form.
        beside: the arguments common to all its layers.
        listed: whether a Sequential is a list of layers, and graph nodes have no arguments.
    """

    version: str
    backend: str
    rows: ModuleType | None = None
    suffix: str = ""
    top: bool = True
    joined: dict[str, Joined] = {}
    transposed: dict[tuple[str, str], tuple[int, ...]] = {}
    names: dict[str, str] = {}
    foreign: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    beside: tuple[str, ...] = ("name", "trainable", "dtype", "batch_input_shape")
    listed: bool = False

    def then(self, key: str, value: Any) -> Any:
        """The old form of an argument's value, if that is what is written."""
        table = self.rows.VALUES.get(key, {}) if self.rows and key in self.changed else {}
        return next((old for old, new in table.items() if new == value), value)


# For "channels_first", Keras 1 stored (filters, channels, *sizes); today kernels are (*sizes,
# channels, filters) for either data format.
SQUARE, CUBE = (2, 3, 1, 0), (2, 3, 4, 1, 0)
FORMATS: dict[str, Format] = {
    "1": Format(
        keras1.VERSION,
        "",
        keras1,
        top=False,
        joined={
            "LSTM": Joined("icfo", "ifco"),
            "GRU": Joined("zrh", "zrh"),
            "ConvLSTM2D": Joined("icfo", "ifco"),
        },
        transposed={
            ("Conv2D", "channels_first"): SQUARE,
            ("Conv3D", "channels_first"): CUBE,
            ("SeparableConv2D", "channels_first"): SQUARE,
            ("Conv2DTranspose", "channels_first"): (2, 3, 0, 1),
            ("Conv2DTranspose", "channels_last"): (0, 1, 3, 2),
            ("ConvLSTM2D", "channels_first"): SQUARE,
        },
        names={
            "kernel": "W",
            "recurrent_kernel": "U",
            "bias": "b",
            "embeddings": "W",
            "moving_mean": "running_mean",
            "moving_variance": "running_std",
            "alpha": "alphas",
        },
        changed=tuple(keras1.VALUES),
        beside=("name", "trainable", "batch_input_shape"),
        listed=True,
    ),
    "2": Format(
        keras2.VERSION,
        "tensorflow",
        keras2,
        suffix=":0",
        top=False,
        foreign=(*keras1.SIGNS["keywords"], *"input_dtype kernel_dim1".split()),
        changed=("loss",),
    ),
    "3": Format("3.15.0", "jax"),
}
FLIPPED = {"theano"}  # backends whose convolutions flipped their kernels
TURNED = "Conv1D Conv2D Conv3D Conv2DTranspose ConvLSTM2D".split()
FUSED = {"LSTM": 4, "GRU": 3}  # layers with a cuDNN version, and their number of gates


def format_of(version: Any) -> Format:
    """The format of a version of Keras: `"2.2.4-tf"` is Keras 2.

    Args:
        version: as stated in the file; without one, the file is Keras 1's.
    """
    first = str(version or "1").partition(".")[0]
    return FORMATS.get("1" if first == "0" else first, FORMATS["3"])


# ---- configs

MODELS = ("Model", "Functional", "Sequential")
DROPPED = ("compat.keras.dropped", "compat.keras.local")  # modules of removed layers
PACKAGE = "hornbook.compat>"  # their registered names start so
LAYERS_IN = ("layer", "backward_layer", "forward_layer", "cell", "cells")  # holding layers
FAMILIES = {"initializers": ("initializations",), "losses": ("objectives",)}  # also searched
# Redundant arguments of old configs: the input shape is in `batch_input_shape`.
REPEATED = ("input_dim", "input_length", "input_dtype")
# Layers that took initial states as additional inputs.
WITH_STATES = "RNN SimpleRNN LSTM GRU ConvLSTM1D ConvLSTM2D ConvLSTM3D Bidirectional".split()
# The modes of Keras 1's `Merge`: today's layer, and its arguments by their names in Merge.
MERGE: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "sum": ("Add", {}, {}),
    "mul": ("Multiply", {}, {}),
    "ave": ("Average", {}, {}),
    "max": ("Maximum", {}, {}),
    "concat": ("Concatenate", {"concat_axis": "axis"}, {}),
    "dot": ("Dot", {"dot_axes": "axes"}, {}),
    "cos": ("Dot", {"dot_axes": "axes"}, {"normalize": True}),
}
MERGE_ONLY = (
    "mode mode_type concat_axis dot_axes output_shape output_shape_type output_mask "
    "output_mask_type arguments node_indices tensor_indices layers"
).split()
# Arguments of base classes, ignored where today's class does not have them.
INHERITED = (
    "groups kernel_initializer kernel_regularizer kernel_constraint query_shape key_shape "
    "value_shape jit_compile is_legacy_optimizer fn"
).split()
# Initializers and regularizers that were not separate classes, by today's class.
WITHOUT_A_CLASS: dict[str, tuple[str, dict[str, Any]]] = {
    **{
        f"{kind}{drawn}": (
            "VarianceScaling",
            {"scale": scale, "mode": mode, "distribution": drawn.lower()},
        )
        for kind, scale, mode in (
            ("Glorot", 1.0, "fan_avg"),
            ("He", 2.0, "fan_in"),
            ("Lecun", 1.0, "fan_in"),
        )
        for drawn in ("Uniform", "Normal")
    },
    "L1": ("L1L2", {"l2": 0.0}),
    "L2": ("L1L2", {"l1": 0.0}),
}
LAMBDA_ONLY = ("function_type", "output_shape_type", "module", "output_shape_module", "mask_type")

# ---- compile arguments

REDUCTIONS = {"auto": "sum_over_batch_size"}
