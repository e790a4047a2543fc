"""The formats of HDF5 files, one a generation: versions, names, and where weights stood."""

from types import ModuleType
from typing import Any, NamedTuple

from hornbook.dialects import keras1, keras2


class Joined(NamedTuple):
    """Weights that stood apart, a set for each gate, and are joined along the last axis today.

    Args:
        gates: one name a gate, in the old order.
        order: which gates stand in a weight of today, in its order.
        kinds: what each gate has, in the old order.
    """

    gates: str
    order: str
    kinds: tuple[str, ...] = ("W", "U", "b")

    @property
    def parts(self) -> list[list[int]]:
        """For each weight of today, the places of the old ones in it."""
        size = len(self.kinds)
        return [[self.gates.index(g) * size + kind for g in self.order] for kind in range(size)]


class Format(NamedTuple):
    """How a generation wrote HDF5 files.

    Args:
        version: what is written as `keras_version`.
        backend: what is written as `backend`; empty if nothing was.
        rows: the module with the names of that generation; `None` if they are today's.
        suffix: what names of weights end in.
        top: whether there is a group for weights that are in no layer.
        joined: by today's layer, weights that stood apart.
        transposed: by today's layer and data format, how old axes of its kernels are arranged
            today.
        names: by today's name of a weight, the old one.
        foreign: keywords that the rows take and that were another generation's.
        changed: arguments whose values are written as they were.
        beside: the arguments that all its layers took.
        listed: whether a Sequential is a list of layers, and a place in a graph has no arguments.
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
        """The old value of an argument, if it is written as it was."""
        table = self.rows.VALUES.get(key, {}) if self.rows and key in self.changed else {}
        return next((old for old, new in table.items() if new == value), value)


# Of "channels_first", Keras 1 kept (filters, channels, *sizes); today it is (*sizes, channels,
# filters) whatever the data format.
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
FLIPPED = {"theano"}  # backends whose convolutions turned their kernels by half a turn
TURNED = "Conv1D Conv2D Conv3D Conv2DTranspose ConvLSTM2D".split()
FUSED = {"LSTM": 4, "GRU": 3}  # layers that a kernel of cuDNN computed, and their gates


def format_of(version: Any) -> Format:
    """The format of a version of Keras: `"2.2.4-tf"` is one of Keras 2's.

    Args:
        version: what a file says; without it, the file is one of Keras 1.
    """
    first = str(version or "1").partition(".")[0]
    return FORMATS.get("1" if first == "0" else first, FORMATS["3"])


# ---- configs

MODELS = ("Model", "Functional", "Sequential")
DROPPED = ("compat.keras.dropped", "compat.keras.local")  # where layers are that are none of today
PACKAGE = "hornbook.compat>"  # what their registered names begin with
LAYERS_IN = ("layer", "backward_layer", "forward_layer", "cell", "cells")  # arguments with layers
FAMILIES = {"initializers": ("initializations",), "losses": ("objectives",)}  # where else rows are
# Arguments that an old config repeats: the shape of the input is in `batch_input_shape`.
REPEATED = ("input_dim", "input_length", "input_dtype")
# Layers that took their initial state as more inputs beside the first.
WITH_STATES = "RNN SimpleRNN LSTM GRU ConvLSTM1D ConvLSTM2D ConvLSTM3D Bidirectional".split()
# The modes of Keras 1's `Merge`: the layer of today, and its arguments by Merge's name.
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
# Arguments of classes above, which say nothing where today's class does not know them.
INHERITED = (
    "groups kernel_initializer kernel_regularizer kernel_constraint query_shape key_shape "
    "value_shape jit_compile is_legacy_optimizer fn"
).split()
# Initializers and regularizers that had no class of their own, by today's class.
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
