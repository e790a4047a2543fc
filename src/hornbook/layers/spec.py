"""What a layer expects of its inputs."""

from typing import Any

from hornbook.core import tree
from hornbook.core.config import Configurable


class InputSpec(Configurable):
    """The rank, dtype and sizes that an input must have.

    Args:
        dtype: name of the dtype, or `None` for any.
        shape: the whole shape; `None` entries are free.
        ndim: exact rank.
        max_ndim: maximum rank.
        min_ndim: minimum rank.
        axes: maps axis numbers to required sizes.
        allow_last_axis_squeeze: whether a missing or extra last axis of size 1 is allowed.
        name: name of the input, for dict inputs.
        optional: whether the input may be `None`.

    Example:
        >>> InputSpec(min_ndim=2, axes={-1: 3})
        InputSpec(min_ndim=2, axes={-1: 3})
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: tuple | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ):
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional


def check_inputs(spec: Any, inputs: Any, layer_name: str) -> None:
    """Raise a `ValueError` that names the layer if `inputs` do not match `spec`."""
    specs, arrays = tree.flatten(spec), tree.flatten(inputs)
    if len(specs) != len(arrays):
        raise ValueError(f"layer {layer_name!r} takes {len(specs)} inputs; it got {len(arrays)}")
    for one, array in zip(specs, arrays, strict=True):
        if one is None or (array is None and one.optional):
            continue
        shape = getattr(array, "shape", None)
        if shape is None:
            raise ValueError(f"layer {layer_name!r} takes arrays; it got {array!r}")
        problem = _mismatch(one, tuple(shape))
        if problem:
            problem += _hint(one, array)
            raise ValueError(
                f"layer {layer_name!r} got an input of shape {tuple(shape)}: {problem}"
            )


def _mismatch(spec: InputSpec, shape: tuple) -> str | None:
    ndim = len(shape)
    if spec.ndim is not None and ndim != spec.ndim and not spec.allow_last_axis_squeeze:
        return f"it takes {spec.ndim} axes, not {ndim}"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"it takes at most {spec.max_ndim} axes, not {ndim}"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        return f"it takes at least {spec.min_ndim} axes, not {ndim}"
    for axis, size in spec.axes.items():
        if size is not None and -ndim <= axis < ndim and shape[axis] not in (size, None):
            return f"axis {axis} must have size {size}, as when it was built, not {shape[axis]}"
    if spec.shape is not None and len(spec.shape) == ndim:
        for axis, (want, got) in enumerate(zip(spec.shape, shape, strict=True)):
            if want is not None and got is not None and want != got:
                return f"axis {axis} must have size {want}, not {got} (expected {spec.shape})"
    return None


def _hint(spec: InputSpec, array: Any) -> str:
    """A hint at the most common cause of missing axes."""
    shape = tuple(array.shape)
    want, got = spec.ndim or spec.min_ndim or 0, len(shape)
    before = getattr(getattr(array, "node", None), "op", None)  # in a symbolic call
    if want <= got:
        return ""
    if getattr(before, "return_sequences", None) is False:
        one = getattr(before, "forward_layer", before)
        return (
            f". {before.name!r} before it returns only its last step; "  # type: ignore[union-attr]
            f"{type(one).__name__}(..., return_sequences=True) returns every step"
        )
    if want > got + 1:
        sizes = ", ".join([*"height width depth".split()[: want - 2], "channels"])
        return f". Flatten and Dense remove these axes; Reshape(({sizes})) restores them"
    if got and shape[0] is None:
        return (
            f". Is the last axis (channels or features) missing? Input({(*shape[1:], 1)}) has "
            "one, and x[..., None] adds it to the data"
        )
    last_step = " After a recurrent layer, that one needs return_sequences=True."
    return (
        ". Is the batch or the channel axis missing? x[None] or x[..., None] adds one."
        f"{last_step if want == 3 else ''}"
    )
