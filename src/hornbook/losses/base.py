"""`Loss`: sample weights, masks and the reduction to a scalar around a function of two arrays."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from hornbook.core import config as registry
from hornbook.core import settings, tree
from hornbook.core.config import Configurable
from hornbook.core.dtype import get_policy, is_float
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.module import auto_name, to_snake_case
from hornbook.core.origins import are_in_python
from hornbook.core.symbolic import op
from hornbook.kernels import in_one_call
from hornbook.losses.shapes import divide_no_nan, fit_weights, multiply_weights, same_rank, weigh
from hornbook.ops import rows
from hornbook.ops.activation import carried, has_logits

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)
MEANS = REDUCTIONS[:3]


class Loss(Configurable):
    """Base of all losses; a subclass defines `call(y_true, y_pred)`, one value per sample.

    Args:
        name: default the class's name in snake case, numbered.
        reduction: `"sum_over_batch_size"` or `"mean"`: the weighted sum divided by the number of
            values; `"mean_with_sample_weight"`: divided by the sum of weights; `"sum"`; `"none"` or
            `None`: the weighted values.
        dtype: dtype of the computation; default `floatx()`.

    Raises:
        ValueError: for an unknown reduction.

    Example:
        >>> class Cubed(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return abs(y_true - y_pred) ** 3
        >>> float(Cubed()([0.0, 1.0], [1.0, 3.0]))
        4.5
        >>> float(Cubed()([0.0, 1.0], [1.0, 3.0], sample_weight=[1.0, 0.0]))
        0.5
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ):
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"reduction of {type(self).__name__} must be one of {REDUCTIONS}, not {reduction!r}"
            )
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.reduction = reduction
        self._dtype = get_policy(dtype or settings.floatx()).compute_dtype

    @property
    def dtype(self) -> str:
        """The dtype it is computed in."""
        return self._dtype

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each sample, defined by subclasses.

        Args:
            y_true: targets.
            y_pred: predictions.
        """
        raise NotImplementedError(f"{type(self).__name__} must write call(self, y_true, y_pred)")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> jax.Array:
        return op(self._reduced)(y_true, y_pred, sample_weight)

    def _reduced(self, y_true, y_pred, sample_weight):
        mask = get_mask(y_pred)
        y_pred = tree.map_structure(lambda y: in_dtype(y, self.dtype), _opened(y_pred))
        y_true = tree.map_structure(self._target, _opened(y_true))
        if getattr(getattr(self, "fn", None), "uses_mask", False) and mask is not None:
            set_mask(y_pred, mask)
            mask = None
        values = self.call(y_true, y_pred)
        own_mask = get_mask(values)
        if own_mask is not None:
            mask = own_mask if mask is None else mask & own_mask
        return reduce_weighted(values, sample_weight, mask, self.reduction, self.dtype)

    def _target(self, y):
        y = real(rows.array(y), "y_true")
        # bfloat16 cannot represent all class indices above 256
        narrow = not is_float(y.dtype) and jnp.finfo(self.dtype).bits < 32
        return y.astype("float32" if narrow else self.dtype)


def in_dtype(y_pred: Any, dtype: str) -> jax.Array:
    """Predictions cast to a dtype, still linked to the logits they were computed from."""
    y_pred = real(rows.array(y_pred), "y_pred")
    return y_pred if y_pred.dtype == dtype else carried(y_pred, lambda y: y.astype(dtype))


def real(y: jax.Array, what: str) -> jax.Array:
    """Return the array if it is real.

    Raises:
        ValueError: if it is complex.
    """
    if jnp.iscomplexobj(y):
        raise ValueError(
            f"{what} has complex numbers ({y.dtype}), and a loss would lose the imaginary part; "
            "apply ops.real, ops.imag or ops.absolute first"
        )
    return y


def _opened(value: Any) -> Any:
    """Convert lists and tuples of plain numbers to arrays; keep structures of arrays."""
    leaves = tree.walk(value) if isinstance(value, list | tuple) else ()
    is_array = isinstance(value, list | tuple) and not any(hasattr(v, "shape") for v in leaves)
    return rows.array(value) if is_array else value


def reduce_weighted(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: Any = None,
) -> jax.Array:
    """Weight values and reduce them to a scalar.

    Args:
        values: the loss of each sample, any shape.
        sample_weight: array-like; its axes are the leading axes of `values`.
        mask: bools; means are over the unmasked values.
        reduction: one of `REDUCTIONS`.
        dtype: dtype of the result; default `floatx()`.

    Raises:
        ValueError: if the shape of the weights does not match the values.

    Example:
        >>> float(reduce_weighted([1.0, 3.0], mask=np.array([True, False])))
        1.0
    """
    dtype = dtype or settings.floatx()
    values = rows.array(values).astype(dtype)
    weights = None if sample_weight is None else rows.array(sample_weight).astype(dtype)
    if mask is not None:
        kept = jnp.asarray(mask).astype(dtype)
        if reduction in ("sum_over_batch_size", "mean"):
            kept = kept * divide_no_nan(jnp.asarray(kept.size, dtype), jnp.sum(kept))
        weights = kept if weights is None else multiply_weights(weights, kept)
    if weights is not None:
        what = "sample_weight" if sample_weight is not None else "the mask of y_pred"
        weights = fit_weights(weights, values, what)
        values = weigh(values, weights)
    if reduction in (None, "none"):
        return values
    total = jnp.sum(values)
    if reduction == "mean_with_sample_weight" and weights is not None:
        return divide_no_nan(total, jnp.sum(weights))
    return total / max(values.size, 1) if reduction in MEANS else total


class LossFunctionWrapper(Loss):
    """A loss from a function `(y_true, y_pred, **kwargs) -> one value per sample`.

    Args:
        fn: the function, or the name of a built-in one.
        reduction: see `Loss`.
        name: default the class's name in snake case, numbered.
        dtype: dtype of the computation; default `floatx()`.
        **kwargs: passed to the function.

    Example:
        >>> loss = LossFunctionWrapper(lambda y_true, y_pred: (y_true - y_pred) ** 4)
        >>> float(loss([0.0, 0.0], [1.0, 1.0]))
        1.0
    """

    def __init__(
        self,
        fn: Any,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self.fn_kwargs = kwargs

    def _reduced(self, y_true, y_pred, sample_weight):
        if not (are_in_python() and self._fits_one_call(y_true, y_pred)):
            return super()._reduced(y_true, y_pred, sample_weight)
        options = tuple(sorted(self.fn_kwargs.items()))
        how = self.fn, options, self.reduction, self.dtype
        return _in_one_call(y_true, y_pred, sample_weight, *how)

    def _fits_one_call(self, y_true, y_pred):
        """Whether nothing but arrays goes into a function of this library.

        Masks and the logits of probabilities are notes on arrays, which a compiled call loses.
        """
        own = (type(self), self.fn)
        arrays = isinstance(y_true, jax.Array) and isinstance(y_pred, jax.Array)
        numbers = (bool, int, float, str, type(None))
        return (
            arrays
            and all(str(getattr(one, "__module__", "")).startswith("hornbook.") for one in own)
            and get_mask(y_pred) is None
            and not has_logits(y_pred)
            and all(isinstance(value, numbers) for value in self.fn_kwargs.values())
        )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The function's value for each sample, after matching the ranks."""
        if hasattr(y_true, "ndim") and hasattr(y_pred, "ndim"):
            y_true, y_pred = same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self.fn_kwargs)

    @classmethod
    def from_config(cls, config: dict) -> "LossFunctionWrapper":
        """Create the loss that a config describes; function names refer to built-in losses."""
        values = {k: registry.deserialize(v, family="losses") for k, v in config.items()}
        if isinstance(values.get("fn"), str):
            described = {"class_name": "function", "config": values["fn"]}
            values["fn"] = registry.resolve(described, "losses")
        return cls(**values)


@partial(in_one_call, static=("fn", "options", "reduction", "dtype"))
def _in_one_call(y_true, y_pred, sample_weight, fn, options, reduction, dtype):
    """The reduced loss of `LossFunctionWrapper`, for training steps that run in Python."""
    loss = LossFunctionWrapper(fn, reduction, fn.__name__, dtype, **dict(options))
    return Loss._reduced(loss, y_true, y_pred, sample_weight)


class OfFunction:
    """Mixin for wrappers of functions: each subclass is one row, derived from one function.

    The function's arguments become the constructor's, its docstring the class's:

        class Huber(FunctionLoss, fn=huber, order="delta reduction name dtype"): ...
    """

    function: Callable
    order: str

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **kwargs: Any): ...

    def __init_subclass__(
        cls, fn: Callable | None = None, order: str | None = None, **defaults: Any
    ) -> None:
        """Define a class from one row.

        Args:
            fn: `(y_true, y_pred, ...)`; its defaults are the constructor's.
            order: the constructor's arguments, separated by spaces; default that of the base class.
            **defaults: defaults of arguments that the function lacks, or that differ.
        """
        super().__init_subclass__()
        if fn is not None:
            cls.function = staticmethod(fn)
            _write_constructor(cls, fn, (order or cls.order).split(), defaults)


class FunctionLoss(OfFunction, LossFunctionWrapper):
    """Base of losses derived from a function."""

    order = "reduction name dtype"


def _write_constructor(cls: type, fn: Callable, names: list[str], defaults: dict) -> None:
    own = {p.name: p.default for p in inspect.signature(fn).parameters.values()}
    common = {"reduction": MEANS[0], "name": fn.__name__, "dtype": None}
    defaults = common | own | defaults
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    listed = [inspect.Parameter(n, kind, default=defaults[n]) for n in names]
    signature = inspect.Signature([inspect.Parameter("self", kind), *listed])

    def __init__(self, *args, **kwargs):
        try:
            given = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{cls.__name__}: {error}; it takes {', '.join(names)}") from None
        given.apply_defaults()
        values = {n: given.arguments[n] for n in names}
        super(cls, self).__init__(fn, **values)
        for key in own.keys() & values.keys():
            setattr(self, key, values[key])

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    __init__.__qualname__ = f"{cls.__name__}.__init__"
    cls.__init__ = __init__  # type: ignore[misc]
    cls.__doc__ = _document(fn, names)


REDUCTION_DOC = "reduction: how the values of a batch are reduced to a scalar; see `Loss`."
COMMON_DOCS = {
    "reduction": REDUCTION_DOC,
    "name": "name: name of the object.",
    "dtype": "dtype: dtype of the computation; default `floatx()`.",
}


def _document(fn, names):
    """The function's docstring, adapted to the class derived from it."""
    text = inspect.getdoc(fn) or ""
    summary = text.split("Args:")[0].strip()
    described: dict[str, str] = {}
    current = ""
    for line in text.partition("Args:\n")[2].split("\n\n")[0].splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            current = line.split(":")[0].strip()
        described[current] = described.get(current, "") + line.strip() + " "
    described |= COMMON_DOCS
    listed = "\n".join(f"    {described.get(n, n + ':').strip()}" for n in names)
    return f"{summary}\n\nMade from the function `{fn.__name__}`.\n\nArgs:\n{listed}\n"
