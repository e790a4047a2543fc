"""Kernels in C++ that XLA calls, where its own CPU code is far from the machine's peak.

They are compiled when hornbook is installed, if there is a C++ compiler, and used if the CPU has
the instruction set they were compiled for. Everywhere else, and with `HORNBOOK_NATIVE=0`,
`available()` is false and callers use their formulation for XLA.

Every function takes and returns float32. Its caller defines the derivatives.
"""

import ctypes
import functools
import math
import os
import platform
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.placement import current as distribution
from hornbook.core.processor import flags
from hornbook.kernels import filled, in_one_function
from hornbook.kernels.native.bilinear import bilinear as bilinear
from hornbook.kernels.native.sources import digest

# Builds of the library and the CPU flags each needs; the first that fits is loaded.
BUILDS = {
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "x86-64-v3": {"avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
    "aarch64": {"asimd"},
}
TARGETS = ("row_dots", "log_sum_exp", "adam", "adam_lookup", "adam_rows", "adam_table")
TARGETS += ("attention", "attention_back", "conv", "conv_kernel", "cut", "depthwise_kernel")
TARGETS += ("gru", "gru_back", "gru_before", "gru_before_back", "lstm", "lstm_back")
TARGETS += ("normalize", "normalize_back", "dense", "pack", "product", "product_packed")
TARGETS += ("gelu", "gelu_slope", "take", "sum_rows", "descent_rows", "largest")
TARGETS += ("moments", "centered_sums", "max_pool_back", "max_of_steps", "max_of_steps_back")
STALE = """{path} was compiled {what} and is not used: everything works, more slowly. \
To compile it again: pip install --force-reinstall --no-deps hornbook, or pip install -e . in a \
checkout."""


@functools.cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels, registered with XLA; `None` if there are none for this CPU."""
    if os.environ.get("HORNBOOK_NATIVE") == "0":
        return None
    known = flags() | ({"asimd"} if platform.machine() == "arm64" else set())
    for build, needed in BUILDS.items():
        path = Path(__file__).with_name("compiled") / f"libhornbook-{build}.so"
        if needed <= known and path.exists():
            found = ctypes.CDLL(str(path))
            problem = _problem(found)
            if problem:
                warnings.warn(STALE.format(path=path, what=problem), stacklevel=3)
            return None if problem else found
    return None


def _problem(found: ctypes.CDLL) -> str:
    """The reason why a library cannot be used; registers it with XLA if it can."""
    if not _up_to_date(found):
        return "from other sources"
    try:
        for name in TARGETS:
            capsule = jax.ffi.pycapsule(getattr(found, f"hornbook_{name}"))
            jax.ffi.register_ffi_target(f"hornbook_{name}", capsule, platform="cpu")
    except jax.errors.JaxRuntimeError as error:
        return f"for another JAX than {jax.__version__} ({error})"
    return ""


def _up_to_date(found: ctypes.CDLL) -> bool:
    if not hasattr(found, "hornbook_sources"):
        return False
    found.hornbook_sources.restype = ctypes.c_uint64
    return found.hornbook_sources() == digest(Path(__file__).parent)


def instructions() -> str | None:
    """The architecture of the kernels in use, such as `"x86-64-v4"`; `None` without kernels."""
    found = library()
    return Path(found._name).stem.removeprefix("libhornbook-") if found else None


def available() -> bool:
    """Whether code traced now can call the compiled kernels.

    Not if arrays lie on several devices: XLA cannot split a kernel, so each device would compute
    all of it. This is the only place that asks.
    """
    if in_one_function() or distribution() is not None or jax.default_backend() != "cpu":
        return False
    return library() is not None


def lanes() -> int:
    """The number of float32 lanes in a vector register."""
    return _columns() // 2


def _columns() -> int:
    """The number of columns in a packed panel of a matrix."""
    found = library()
    return found.hornbook_columns() if found else 0


def suits(*arrays: Array) -> bool:
    """Whether the compiled kernels can take these arrays."""
    return available() and are_simple(*arrays)


def are_simple(*arrays: Array) -> bool:
    """Whether these arrays are float32, with known shapes, and not empty."""
    return filled(*arrays) and all(a.dtype == jnp.float32 for a in arrays)


def differentiated_as(formula: Callable, function: Callable, *args: Any) -> Any:
    """`function(*args)`, which has no derivatives, with those of an equivalent formula."""
    call = jax.custom_vjp(function)
    call.defvjp(
        lambda *args: (function(*args), args), lambda args, d: jax.vjp(formula, *args)[1](d)
    )
    return call(*args)


def with_gradients(formula: Callable, forward: Callable, backward: Callable, *args: Any) -> Any:
    """`forward(*args)` with the gradients `backward(args, results, d_results)`.

    Higher derivatives come from `formula`, a plain version of `forward`.
    """

    def of_formula(args: tuple, results: Any, d: Any) -> tuple:
        return jax.vjp(formula, *args)[1](d)

    def keep(*args: Any) -> tuple:
        results = differentiated_as(formula, forward, *args)
        return results, (args, results)

    call = jax.custom_vjp(forward)
    call.defvjp(keep, lambda kept, d: differentiated_as(of_formula, backward, *kept, d))
    return call(*args)


def product(a: Array, b: Array, a_transposed: bool = False, b_transposed: bool = False) -> Array:
    """The product of two matrices, or stacks of them, each optionally transposed."""
    shape = *a.shape[:-2], a.shape[-1 if a_transposed else -2], b.shape[-2 if b_transposed else -1]
    return _call("product", *shape)(a, b, a_transposed=a_transposed, b_transposed=b_transposed)


def row_dots(a: Array, b: Array) -> Array:
    """The row-wise dot products of two matrices."""
    return _call("row_dots", len(a))(a, b)


def log_sum_exp(x: Array) -> Array:
    """The logarithm of the sum of exponentials of each row of a matrix."""
    return _call("log_sum_exp", len(x))(x)


def gelu(x: Array, bias: Array | None = None) -> Array:
    """`z` times the normal CDF at `z = x + bias`, of a matrix and one bias for each column."""
    return _call("gelu", *x.shape)(x, _optional(bias, 1))


def gelu_slope(x: Array, bias: Array | None = None) -> tuple[Array, Array]:
    """`gelu` and its derivative with respect to `x`."""
    out, slope = kernel_call("gelu_slope", [x, x])(x, _optional(bias, 1))
    return out, slope


def take(a: Array, ids: Array, nan: bool = False) -> Array:
    """Rows of an array of any dtype by index, int32.

    Indices out of range give NaN if `nan` (float32 only), and are clipped otherwise.
    """
    result = jax.ShapeDtypeStruct((*ids.shape, *a.shape[1:]), a.dtype)
    return kernel_call("take", [result])(a, ids, nan=nan)[0]


def sum_rows(d: Array, ids: Array, rows: int) -> Array:
    """The segment sum of the rows of `d`: `out[i]` is the sum of rows whose id (int32) is `i`.

    Ids are clipped to `0 .. rows - 1`.
    """
    return _call("sum_rows", rows, d.shape[1])(d, ids)


def dense(x: Array, kernel: Array, bias: Array) -> Array:
    """`max(x kernel + bias, 0)`, of matrices and one bias for each column."""
    return _call("dense", x.shape[0], kernel.shape[1])(x, kernel, bias)


def pack(b: Array, transposed: bool = False) -> Array:
    """`b`, optionally transposed, packed for `product_packed`: `(panels, depth, panel width)`."""
    width = _columns()
    depth, columns = b.shape[::-1] if transposed else b.shape
    return _call("pack", -(-columns // width), depth, width)(b, transposed=transposed)


def product_packed(a: Array, packed: Array, columns: int) -> Array:
    """`a b`, for a packed matrix b with this number of columns."""
    return _call("product_packed", a.shape[0], columns)(a, packed)


Arrays = tuple[Array, ...]


def recurrence(
    name: str,
    widths: tuple[int, ...],
    activations: dict[str, str],
    x: Array,
    states: Arrays,
    kernels: Arrays,
    bias: Array | None,
    mask: Array | None,
) -> tuple[Arrays, Arrays, Arrays]:
    """A recurrent cell over all timesteps, including the input projection.

    Args:
        name: `"lstm"`, gates in the order i, f, c, o; `"gru"`, z, r, h, with four sums: z, r, and
            the input's and the state's contributions to the candidate; or `"gru_before"`, whose
            reset gate is applied before the product, where the fourth sum is unused.
        widths: widths of the arrays saved at each timestep, in units.
        activations: `activation` and `recurrent_activation`, by their names in `gates.h`.
        x: inputs, `(steps, batch, features)`; or int32 `(steps, batch)`, each a one-hot vector,
            that is a row of the input kernel.
        states: the initial states, `(batch, units)`.
        kernels: `(features, gates * units)` for the input and `(units, gates * units)` for h.
        bias: `(sums * units,)`.
        mask: booleans, `(steps, batch)`; where false, a timestep keeps its states.

    Returns:
        The saved arrays, `(steps, batch, width * units)`; the states before each timestep, `(steps,
        batch, units)`; and the final states.
    """
    steps, (batch, units) = x.shape[0], states[0].shape
    kept = [_float32((steps, batch, width * units)) for width in widths]
    before = [_float32((steps, batch, units)) for _ in states]
    ids = jnp.zeros(0, jnp.int32) if x.ndim == 3 else x.reshape(-1)
    x = x if x.ndim == 3 else jnp.zeros((steps, batch, 0), jnp.float32)
    results = kernel_call(name, [*kept, *before, *states])(
        x, ids, *kernels, _optional(bias, 1), _flat(mask), *states, **activations
    )
    first, last = len(kept), len(kept) + len(states)
    return tuple(results[:first]), tuple(results[first:last]), tuple(results[last:])


def recurrence_back(
    name: str,
    sums: int,
    activations: dict[str, str],
    d_hs: Array | None,
    d_final: Arrays,
    saved: Arrays,
    old: Arrays,
    final: Arrays,
    recurrent_kernel: Array,
    mask: Array | None,
) -> tuple[Arrays, Arrays, Array]:
    """The gradients of `recurrence`.

    Args:
        name, activations: as for `recurrence`.
        sums: number of sums for each unit and timestep.
        d_hs: gradients of the outputs of all timesteps, or `None`.
        d_final: gradients of the final states.
        saved, old, final: the results of `recurrence`.

    Returns:
        The gradients of the initial states; of the sums, which overwrite `saved`; and of the bias,
        the sum of these over timesteps and samples.
    """
    of_bias = _float32((sums * final[0].shape[1],))
    first = 5 + len(d_final)
    results = kernel_call(
        f"{name}_back", [*saved, *final, of_bias], {first + i: i for i in range(len(saved))}
    )(
        *(_optional(d_hs, 3), old[-1], final[-1], recurrent_kernel, _flat(mask)),
        *d_final,
        *saved,
        **activations,
    )
    *results, d_bias = results
    return tuple(results[len(saved) :]), tuple(results[: len(saved)]), d_bias


def _optional(a: Array | None, ndim: int) -> Array:
    return jnp.zeros((0,) * ndim, jnp.float32) if a is None else a


def attention(query: Array, key: Array, value: Array, causal: bool = False) -> tuple[Array, Array]:
    """`softmax(query key^T / sqrt(size)) value` for each head.

    Args:
        query, key, value: `(batch, steps, heads, size)`.
        causal: whether a query attends to the key of its own step and earlier ones only.

    Returns:
        The output, `(batch, queries, heads, size of a value)`, and the base-2 logarithm of each
        softmax denominator, `(batch, heads, queries)`.
    """
    batch, queries, heads, size = query.shape
    results = map(_float32, ((batch, queries, heads, value.shape[3]), (batch, heads, queries)))
    scale = np.float32(1 / math.sqrt(size))
    return tuple(kernel_call("attention", results)(query, key, value, scale=scale, causal=causal))


def attention_back(args: tuple, results: tuple, d: tuple, causal: bool = False) -> tuple:
    """The gradients of `attention` with respect to its arguments."""
    scale = np.float32(1 / math.sqrt(args[0].shape[3]))
    call = kernel_call("attention_back", args)
    return tuple(call(*args, *results, d[0], scale=scale, causal=causal))


def normalize(x: Array, gamma: Array, beta: Array, epsilon: float) -> Array:
    """`gamma (x - mean) / sqrt(variance + epsilon) + beta`, for each row.

    Args:
        x: `(rows, features)`, where features are a multiple of `lanes()`.
        gamma, beta: `(features,)`.
    """
    return _call("normalize", *x.shape)(x, gamma, beta, epsilon=np.float32(epsilon))


def normalize_back(args: tuple, results: Array, d: Array, epsilon: float) -> tuple:
    """The gradients of `normalize` with respect to its arguments."""
    x, gamma, _ = args
    return tuple(kernel_call("normalize_back", args)(x, gamma, d, epsilon=np.float32(epsilon)))


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and variance of each column of a matrix."""
    mean, variance = kernel_call("moments", [_float32(x.shape[1:])] * 2)(x)
    return mean, variance


def centered_sums(d: Array, x: Array, mean: Array) -> tuple[Array, Array]:
    """The sums over rows of `d` and of `d (x - mean)`, for two matrices and a mean per column."""
    sums, products = kernel_call("centered_sums", [mean, mean])(d, x, mean)
    return sums, products


def _flat(mask: Array | None) -> Array:
    return jnp.zeros(0, bool) if mask is None else mask.reshape(-1)


Pair = tuple[int, int]


def conv(
    x: Array,
    kernel: Array,
    strides: Pair,
    before: Pair,
    dilation: Pair,
    out: Pair,
    turned: bool = False,
    bias: Array | None = None,
) -> Array:
    """2-D convolution, channels last.

    Args:
        x: `(batch, height, width, channels)`.
        kernel: `(*taps, channels, filters)`; with `turned`, `(*taps, filters, channels)` and
            flipped.
        strides, before, dilation: down and across; `before` is the padding at the top and on the
            left, the other sides follow from `out`.
        out: height and width of the output.
        bias: `(filters,)`; if given, the result is `max(convolution + bias, 0)`.
    """
    shape = x.shape[0], *out, kernel.shape[2 if turned else 3]
    where = _attributes(stride=strides, before=before, dilation=dilation)
    return _call("conv", *shape)(x, kernel, _optional(bias, 1), **where, turned=turned)


def conv_kernel(
    x: Array, d_out: Array, strides: Pair, before: Pair, dilation: Pair, taps: Pair
) -> Array:
    """The kernel gradient of `conv`, `(*taps, channels, filters)`."""
    where = _attributes(stride=strides, before=before, dilation=dilation)
    return _call("conv_kernel", *taps, x.shape[3], d_out.shape[3])(x, d_out, **where)


def depthwise_kernel(
    x: Array, d_out: Array, strides: Pair, before: Pair, dilation: Pair, taps: Pair
) -> Array:
    """The kernel gradient of a depthwise convolution, `(*taps, channels)`; see `conv`."""
    where = _attributes(stride=strides, before=before, dilation=dilation)
    return _call("depthwise_kernel", *taps, x.shape[3])(x, d_out, **where)


def max_pool_back(x: Array, out: Array, d: Array, taps: Pair, strides: Pair, before: Pair) -> Array:
    """The gradient of the input `x` of a max pooling; `out` is its result, `d` its gradient.

    Args:
        x: `(batch, height, width, channels)`.
        taps, strides, before: size of a window, and the others as for `conv`.
    """
    where = _attributes(taps=taps, stride=strides, before=before)
    return _call("max_pool_back", *x.shape)(x, out, d, **where)


def max_of_steps(x: Array) -> Array:
    """The maximum over the middle axis of `(batch, steps, channels)`."""
    return _call("max_of_steps", x.shape[0], x.shape[2])(x)


def max_of_steps_back(args: tuple, out: Array, d: Array) -> tuple[Array]:
    """The gradient of `max_of_steps` with respect to its argument; equal elements share it."""
    return (_call("max_of_steps_back", *args[0].shape)(*args, out, d),)


def cut(d: Array, out: Array) -> tuple[Array, Array]:
    """`d` where `out` is positive, else zero, and its sum over all pixels, `(filters,)`."""
    passed, sums = kernel_call("cut", [d, _float32(d.shape[3:])])(d, out)
    return passed, sums


def _attributes(**pairs: Pair) -> dict[str, np.int64]:
    return {
        f"{name}_{way}": np.int64(number)
        for name, pair in pairs.items()
        for way, number in zip(("down", "across"), pair, strict=True)
    }


def _call(name: str, *shape: int) -> Callable:
    call = kernel_call(name, [_float32(shape)])
    return lambda *args, **attributes: call(*args, **attributes)[0]


def _float32(shape: tuple[int, ...]) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def kernel_call(name: str, results: Iterable, aliases: dict[int, int] | None = None) -> Callable:
    """A compiled kernel as a function of arrays and attributes.

    Args:
        name: one of `TARGETS`.
        results: objects with the shapes and dtypes of the results.
        aliases: maps the position of an argument to that of the result that reuses its memory.
    """
    specs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in results]
    return jax.ffi.ffi_call(
        f"hornbook_{name}", specs, input_output_aliases=aliases, vmap_method="sequential"
    )
