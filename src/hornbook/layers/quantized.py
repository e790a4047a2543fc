"""Kernels of layers in fewer bits: which variables take a kernel's place, and how it is read.

`KERNELS` says by which equation a layer multiplies its kernels. The rest follows: one scale holds
for all values that are summed up.
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.dtype import (
    DTypePolicy,
    DTypePolicyMap,
    QuantizedFloat8DTypePolicy,
    check_mode,
    get_policy,
)
from hornbook.core.variable import Variable
from hornbook.quantizers import (
    AbsMaxQuantizer,
    Float8QuantizationConfig,
    Int4QuantizationConfig,
    Int8QuantizationConfig,
    QuantizationConfig,
    abs_max_quantize_grouped_with_zero_point,
    pack_int4,
)
from hornbook.quantizers.integers import INT4
from hornbook.quantizers.stored import Floats8, Integers, Stored, aligned, expanded

COLUMNS, ROWS = "...a,ab->...b", "...b,ab->...a"  # a scale for each column, for each row
KERNELS: dict[str, dict[str, str | None]] = {  # `None`: the equation of the layer
    "Dense": {"kernel": COLUMNS},
    "EinsumDense": {"kernel": None},
    "Embedding": {"embeddings": ROWS},
    "ReversibleEmbedding": {"embeddings": ROWS, "reverse_embeddings": COLUMNS},
}
CONFIGS = {
    config.mode: config
    for config in (Int8QuantizationConfig, Int4QuantizationConfig, Float8QuantizationConfig)
}
FLOAT8 = ("inputs", "kernel", "outputs_grad")


class Kernel(NamedTuple):
    """A kernel of a layer, and the equation by which the layer multiplies it."""

    layer: Any
    name: str
    shape: tuple[int, ...]

    @property
    def axis(self) -> int:
        """The axis of the matrix over which values are summed up."""
        return -1 if self._equation() == ROWS else 0

    @property
    def pairs(self) -> int:
        """The axis of the matrix whose values share bytes, two by two."""
        return 0 if self.name == "reverse_embeddings" else -1

    def _equation(self) -> str | None:
        return _equations(self.layer)[self.name]

    def letters(self) -> tuple[str, str]:
        """The axes of the kernel, and those of its scale, which are the output's."""
        equation = self._equation()
        if equation is not None:
            _, kernel, out = expanded(equation, 1)
        else:
            rank = len(self.layer.get_build_config()["input_shape"])
            _, kernel, out = expanded(self.layer.equation, rank)
        return kernel, out

    def matrix(self) -> tuple[int, ...]:
        """The shape of the matrix of 4-bit integers."""
        if self._equation() is not None:
            return self.shape
        _, kernel, out = expanded(self.layer.equation, 0)
        sizes = zip(kernel, self.shape, strict=True)
        rows = math.prod(size for letter, size in sizes if letter not in out)
        return rows, math.prod(self.shape) // rows

    def block_size(self) -> int | None:
        """The number of values with one scale and zero, in a kernel with blocks."""
        config = self.layer.quantization_config
        given = config if isinstance(config, Int4QuantizationConfig) else _policy(self.layer)
        size = getattr(given, "block_size", None)
        return None if size == -1 else size

    # ---- variables

    def values(self) -> dict[str, Any]:
        """Shape and dtype of the integers, as arguments of `add_weight`."""
        shape = [*self.shape]
        if self.layer.quantization_mode == "int4":
            shape = [*self.matrix()]
            shape[self.pairs] = -(-shape[self.pairs] // 2)
        return {"shape": tuple(shape), "dtype": "int8", "initializer": "zeros", "trainable": False}

    def parts(self) -> dict[str, dict[str, Any]]:
        """The variables beside the integers, as arguments of `add_weight`."""
        if self.layer.quantization_mode == "float8":
            return _float8_parts(_policy(self.layer))
        if self.layer.quantization_mode == "int8":
            kernel, out = self.letters()
            sizes = dict(zip(kernel, self.shape, strict=True))
            return {f"{self.name}_scale": _fixed(tuple(sizes.get(letter, 1) for letter in out))}
        shape, size = [*self.matrix()], self.block_size()
        summed = shape[self.axis]
        if size is None:
            del shape[self.axis]
            return {f"{self.name}_scale": _fixed(tuple(shape))}
        shape[self.axis] = math.ceil(summed / size)
        found = {f"{self.name}_scale": _fixed(tuple(shape))}
        zeros = None if self.name == "reverse_embeddings" else "int8"  # the dtypes of Keras's files
        found[f"{self.name}_zero"] = _fixed(tuple(shape), "zeros", zeros)
        if "g_idx" not in vars(self.layer):
            found["g_idx"] = _fixed(
                (summed,), np.arange(summed, dtype="float32") // size, "float32"
            )
        return found

    # ---- conversion

    def quantized(self, kernel: Any) -> dict[str, Any]:
        """The value of each variable for a kernel of floats, an array; computed on the host."""
        config = self.layer.quantization_config
        mode, size = self.layer.quantization_mode, self.block_size()
        quantizer = config and config.weight_quantizer
        scale_name, zero_name = f"{self.name}_scale", f"{self.name}_zero"
        if mode == "int8":
            letters, out = self.letters()
            axes = tuple(axis for axis, letter in enumerate(letters) if letter not in out)
            values, scale = (quantizer or AbsMaxQuantizer(axes))(kernel, to_numpy=True)
            return {self.name: values, scale_name: aligned(scale, letters, out)}
        kernel = kernel.reshape(self.matrix())
        if size is None:
            quantizer = quantizer or AbsMaxQuantizer(self.axis, INT4)
            values, scale = quantizer(kernel, to_numpy=True)
            found = {scale_name: jnp.squeeze(scale, self.axis)}
        else:
            flip = self.axis == -1
            block = abs_max_quantize_grouped_with_zero_point(
                kernel.T if flip else kernel, size, to_numpy=True
            )
            values, scale, zero = (each.T if flip else each for each in block)
            found = {scale_name: scale, zero_name: zero}
        return {self.name: pack_int4(values, self.pairs)[0], **found}

    def read(self, delta: tuple[Array, Array] | None) -> Stored:
        """The kernel as the formulas of layers take it."""
        layer, own = self.layer, vars(self.layer)
        mode, values = layer.quantization_mode, own[f"_{self.name}"]
        if mode == "float8":
            pairs = [(own[f"{of}_scale"].value, own[f"{of}_amax_history"].value) for of in FLOAT8]
            return Floats8(values.value, pairs[0], pairs[1], pairs[2])
        config, four = layer.quantization_config, mode == "int4"
        scale, (letters, out) = own[f"{self.name}_scale"].value, self.letters()
        zero = own.get(f"{self.name}_zero")
        shape = self.matrix() if four else ()
        by_default = mode == "int8" or "reverse_embeddings" in _equations(layer)
        quantizer = AbsMaxQuantizer() if by_default else None
        return Integers(
            values.value,
            scale if four else aligned(scale, out, letters),
            None if zero is None else zero.value,
            None if zero is None else own["g_idx"].value,
            delta,
            packed=(self.pairs, shape[self.pairs]) if four else None,
            axis=self.axis,
            form=self.shape if four and self._equation() is None else None,
            quantizer=config.activation_quantizer if config else quantizer,
            compute=layer.compute_dtype,
        )


def _float8_parts(policy: Any) -> dict[str, dict[str, Any]]:
    default = QuantizedFloat8DTypePolicy.default_amax_history_length
    length = getattr(policy, "amax_history_length", default)
    same = {"dtype": "float32", "autocast": False, "overwrite_with_gradient": True}
    return {
        name: {"shape": shape, "initializer": initializer, **same}
        for of in FLOAT8
        for name, shape, initializer in (
            (f"{of}_scale", (), "ones"),
            (f"{of}_amax_history", (length,), "zeros"),
        )
    }


def _fixed(shape: tuple[int, ...], initializer: Any = "ones", dtype: Any = None) -> dict[str, Any]:
    return {"shape": shape, "initializer": initializer, "dtype": dtype, "trainable": False}


def _kind(layer: Any) -> tuple[str, type | None]:
    """The first of a layer's classes that is in `KERNELS`, and its name there."""
    kinds = {cls.__name__: cls for cls in type(layer).__mro__}
    return next(((name, cls) for name, cls in kinds.items() if name in KERNELS), ("", None))


def _equations(layer: Any) -> dict[str, str | None]:
    return KERNELS.get(_kind(layer)[0], {})


def _policy(layer: Any) -> Any:
    return layer._policy.of(layer.path)


def kernels(layer: Any) -> list[str]:
    """The names of the kernels that `quantize` stores in another form."""
    tied = getattr(layer, "tie_weights", False)
    return [name for name in _equations(layer) if not (tied and name == "reverse_embeddings")]


def policy_with_parts(layer: Any) -> DTypePolicy:
    """A layer's policy; a map of policies if layers inside are quantized, as files need it."""
    inside = [one for one in layer._all_modules() if getattr(one, "quantization_mode", None)]
    policies = {one.path: _policy(one) for one in inside if one is not layer}
    known = not policies or isinstance(layer.dtype_policy, DTypePolicyMap)
    return layer.dtype_policy if known else DTypePolicyMap(layer.dtype_policy, policies)


def can(layer: Any, type_check: bool, mode: str) -> bool:
    """Whether a layer has a quantized form: its class is in `KERNELS`, or computes as one there."""
    name, kind = _kind(layer)
    if kind is None or (mode == "float8" and "embeddings" in KERNELS[name]):
        return False
    return type(layer) is kind if type_check else type(layer).call is vars(kind)["call"]


def hide(layer: Any, name: str) -> Variable:
    """Rename a kernel's attribute to `_kernel`, so that the class's property is read."""
    own = vars(layer)
    if name in own:
        setattr(layer, f"_{name}", own[name])
        delattr(layer, name)
    return own[f"_{name}"]


def complete(layer: Any) -> None:
    """Add the variables beside the kernels to a layer that was built with a quantized policy."""
    if not can(layer, False, layer.quantization_mode):
        return
    for name in kernels(layer):
        if name in vars(layer):
            shape = layer._forms.setdefault(name, vars(layer)[name].shape)
            hide(layer, name)
            _add_parts(Kernel(layer, name, shape))


def _add_parts(kernel: Kernel) -> None:
    for name, arguments in kernel.parts().items():
        setattr(kernel.layer, name, add_beside(kernel.layer, kernel.name, name, **arguments))


def add_beside(layer: Any, kernel: str, name: str, **arguments: Any) -> Variable:
    """A new variable of a layer, with a path beside that of its kernel."""
    variable = layer.add_weight(**arguments, name=name)
    variable.path = "/".join((*vars(layer)[f"_{kernel}"].path.split("/")[:-1], name))
    return variable


def in_file_order(layer: Any, variables: list[Variable]) -> list[Variable]:
    """The variables of a quantized layer as files number them."""
    order = [
        part
        for name in kernels(layer)
        for part in (name, "bias", f"{name}_scale", f"{name}_zero", "g_idx")
    ]
    if layer.quantization_mode == "float8":
        order = order[:2]
    last = len(order)
    return sorted(variables, key=lambda v: order.index(v.name) if v.name in order else last)


def settings(mode: Any, config: Any) -> Any:
    """The settings for the arguments of `quantize`."""
    if isinstance(config, str):
        mode, config = config, None
    if config is None:
        check_mode(mode, "")
        return CONFIGS[mode]()
    if not isinstance(config, QuantizationConfig):
        raise ValueError(f"config of quantize must be a QuantizationConfig, not {config!r}")
    if mode not in (None, config.mode):
        raise ValueError(f"quantize got mode={mode!r} and a config of mode {config.mode!r}")
    return config


def quantize(layer: Any, config: Any) -> None:
    """Store the kernels of a built layer in fewer bits.

    Args:
        layer: a layer whose class is in `KERNELS`.
        config: settings.

    Raises:
        ValueError: if the layer cannot be quantized, or is already.
    """
    who, mode = f"layer {layer.name!r} ({type(layer).__name__})", config.mode
    if not layer.built:
        raise ValueError(f"{who} is not built: quantize needs its kernel")
    if layer._forms:
        raise ValueError(f"{who} is already quantized, with the policy {_policy(layer).name!r}")
    check_mode(mode, layer.compute_dtype)
    if mode == "float8" and layer.lora_enabled:
        raise ValueError(f"{who} is adapted (enable_lora), which float8 does not support")
    size = getattr(config, "block_size", None)
    name = f"int4/{size or -1}" if mode == "int4" else mode
    layer.quantization_config = config
    layer._forms = {name: hide(layer, name).shape for name in kernels(layer)}
    if layer.quantization_mode is None:
        layer.dtype_policy = get_policy(f"{name}_from_{_policy(layer).name}")
    for name, shape in layer._forms.items():
        variable = vars(layer)[f"_{name}"]
        kernel = Kernel(layer, name, shape)
        if mode != "float8":
            found = kernel.quantized(variable.numpy())
            layer._added = [one for one in layer._added if one is not variable]
            setattr(layer, f"_{name}", add_beside(layer, name, name, **kernel.values()))
        _add_parts(kernel)
        if mode != "float8":
            for part, value in found.items():
                vars(layer)[f"_{name}" if part == name else part].assign(value)
