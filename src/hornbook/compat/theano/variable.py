"""Theano's symbolic variables, and `apply`, which makes a node from a pure function of arrays.

A variable has a dtype and a number of axes but no sizes: these are known when a function is called.
It is a symbolic tensor of the core, so computations on it form a `Graph`.

To write an op, write a function of arrays that JAX can trace, and apply it to variables:

    def _softplus(x):
        return jax.nn.softplus(x)

    def softplus(x):
        return elementwise(_softplus, x)     # dtype and broadcasting as in arithmetic

    def _diagonal(x, offset):
        return jnp.diagonal(x, offset)

    def diagonal(x, offset=0):
        return apply(_diagonal, x, offset=offset)     # the type is found by trial

Positional arguments are tensors, lists of tensors, or `None`; keyword arguments are passed to the
function unchanged. An op that needs a concrete size calls `integers.concrete` on the argument. It
runs with 64-bit dtypes enabled: give dtypes where jax.numpy would choose them. Methods of variables
are added with `methods(sum=..., mean=...)`.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano import integers
from hornbook.compat.theano.config import config, wide
from hornbook.compat.theano.pickling import restored, stored
from hornbook.compat.theano.types import TensorType, dtype_of, upcast
from hornbook.core.errors import PACKAGE
from hornbook.core.symbolic import Node, SymbolicTensor, symbolic_leaves

SIZES = (integers.TRIED, 60, 840)  # tried for unknown sizes, in addition to constants' sizes
Infer = Callable[..., Any]  # maps the arguments to a TensorType, or a list of them


def users_line() -> tuple[str, int]:
    """The file and line of the calling program."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


class TensorVariable(SymbolicTensor):
    """A tensor without a value.

    Args:
        type: its type.
        name: for messages.
        node: the `Apply` that computes it; default: it is an input.
    """

    def __init__(self, type: TensorType, name: str | None = None, node: Node | None = None):
        self.type = type
        self.dtype = type.dtype
        self.name = name  # type: ignore[assignment]
        self.node = node or Node(None)
        self.tag = SimpleNamespace()
        self.made = users_line() if node is None else ("", 0)
        self.sparse = self.ragged = False
        self.record_history = True
        self.mask = None
        if node is None:
            self.node.outputs = self

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.type.ndim

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """For each axis, whether its size is 1 and it broadcasts."""
        return self.type.broadcastable

    @property
    def owner(self) -> "Apply | None":
        """The call that computes it."""
        return self.node if isinstance(self.node, Apply) else None

    @property
    def where(self) -> tuple[str, int]:
        """The file and line of the program that created it."""
        return self.node.op.made if self.owner else self.made

    @property
    def index(self) -> int | None:
        """Its index among the results of its call."""
        return self.node.output_list.index(self) if self.owner else None

    def __iter__(self):
        raise TypeError(
            f"{self} has no length before the function is called; theano.scan loops over its "
            "first axis"
        )

    def __len__(self):
        raise TypeError(f"{self} has no length before it has a value; use {self}.shape[0]")

    def __bool__(self):
        if self.owner is not None and self.node.name in COMPARISONS:
            raise TypeError(f"{self} has no value yet: Python cannot branch on it; use T.switch")
        return True

    def __eq__(self, other):
        return self is other

    def __ne__(self, other):
        return self is not other

    __hash__ = object.__hash__

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        found = UFUNCS.get(ufunc.__name__) if method == "__call__" and not kwargs else None
        return found(*inputs) if found else NotImplemented

    def __array_function__(self, func, types, args, kwargs):
        raise TypeError(
            f"numpy.{func.__name__} does not take symbolic variables; use theano.tensor's"
        )

    def __str__(self):
        if self.name:
            return self.name
        return f"{self.node.name}.{self.index}" if self.owner else f"<{self.type}>"

    __repr__ = __str__

    def clone(self) -> "TensorVariable":
        """A new input of the same type and name."""
        return self.type(self.name)


# Methods that raise because Python cannot branch on variables, and known numpy functions.
COMPARISONS = {"eq", "neq", "lt", "le", "gt", "ge"}
UFUNCS: dict[str, Callable] = {}
TensorType.make = staticmethod(TensorVariable)


def methods(**functions: Callable) -> None:
    """Add methods to all variables."""
    for name, function in functions.items():
        setattr(TensorVariable, name, _method(function))


def _method(function: Callable) -> Callable:
    @functools.wraps(function)
    def method(self, *args, **kwargs):
        return function(self, *args, **kwargs)

    return method


class TensorConstant(TensorVariable):
    """A tensor with a constant value.

    Args:
        type: its type.
        data: the value, an array.
        name: for messages.
    """

    def __init__(self, type: TensorType, data: np.ndarray, name: str | None = None):
        super().__init__(type, name, Node(None))
        self.node.outputs = self
        self.data = self.value = data

    value: Any = None

    def __str__(self):
        if self.name:
            return self.name
        return str(self.data) if self.data.size == 1 else f"TensorConstant{{{self.type}}}"

    __repr__ = __str__


def constant(
    x: Any, name: str | None = None, ndim: int | None = None, dtype: Any = None
) -> TensorConstant:
    """A constant.

    Args:
        x: a number, an array, or lists of numbers.
        name: for messages.
        ndim: number of axes; axes of size 1 are prepended.
        dtype: default: the smallest that fits an integer, `floatX` for a float that fits it, an
            array's own.

    Raises:
        TypeError: for anything but numbers.

    Example:
        >>> constant(3).dtype, constant(0.5).dtype, constant(np.ones(2)).dtype
        ('int8', 'float32', 'float64')
    """
    if isinstance(x, TensorConstant):
        return x
    data = np.asarray(x)
    if data.dtype.kind not in "biufc":
        raise TypeError(f"{x!r} (a {type(x).__name__}) is not an array of numbers")
    data = data.astype(_dtype_of_constant(x, data) if dtype is None else dtype_of(dtype))
    if ndim is not None:
        if data.ndim > ndim:
            raise ValueError(f"a constant of shape {data.shape} has more than ndim={ndim} axes")
        data = data.reshape((1,) * (ndim - data.ndim) + data.shape)
    return TensorConstant(TensorType(data.dtype, [n == 1 for n in data.shape]), data, name)


def _dtype_of_constant(x: Any, data: np.ndarray) -> Any:
    if data.dtype.kind == "f" and isinstance(x, float):  # numpy's float64 is a Python float
        if config.floatX != "float64":
            return config.floatX
        exact = np.float32(x) == x or x != x
        return "float32" if exact and not isinstance(x, np.generic) else "float64"
    if isinstance(x, np.ndarray | np.generic) or data.dtype.kind not in "iu":
        return data.dtype
    if data.ndim:
        return "int64"
    return next(
        d for d in ("int8", "int16", "int32", "int64") if np.iinfo(d).min <= x <= np.iinfo(d).max
    )


def as_tensor_variable(x: Any, name: str | None = None, ndim: int | None = None) -> Any:
    """Convert to a variable: constants from numbers and arrays, a stack from a list.

    Args:
        x: a variable, number, array or list.
        name: for a constant, for messages.
        ndim: number of axes; broadcastable axes are prepended.

    Raises:
        TypeError: if it cannot be a tensor.
        ValueError: if it has more than `ndim` axes.
    """
    if isinstance(x, TensorVariable):
        if ndim is None or x.ndim == ndim:
            return x
        if x.ndim > ndim:
            raise ValueError(f"{x} has {x.ndim} axes, more than ndim={ndim}")
        return x.dimshuffle(*["x"] * (ndim - x.ndim), *range(x.ndim))
    if isinstance(x, list | tuple) and symbolic_leaves(x):
        return apply(_stack, list(x))
    if isinstance(x, SymbolicTensor):
        raise TypeError(f"{x} is a symbolic tensor of Keras, not a variable of Theano")
    return constant(x, name, ndim)


def _stack(tensors):
    if all(integers.is_host(t) for t in tensors):
        return np.stack([np.asarray(t) for t in tensors])
    return jnp.stack([jnp.asarray(t) for t in tensors])


# ---- applying functions


class Op:
    """A pure function of arrays, in one call, returning arrays of declared types.

    Args:
        fn: the function.
        types: of its results.
        name: for messages; default: the function's, without a leading `_`.
        matching: types of the arguments, if axes may broadcast only where the type says so.

    Attributes:
        made: the file and line of the program where it was called.
    """

    def __init__(
        self,
        fn: Callable,
        types: list[TensorType],
        name: str | None = None,
        matching: list[TensorType] | None = None,
    ):
        self.fn = fn
        self.types = types
        self.name = name or getattr(fn, "__name__", "op").lstrip("_")
        self.matching = matching
        self.made = users_line()

    def __call__(self, *args: Any, **static: Any) -> Any:
        tensors = _tensors(args)
        if self.matching is not None:
            _check_sizes(self.name, tensors, self.matching)
        if integers.current() is not None and self._decides_shapes(tensors):
            with jax.ensure_compile_time_eval():
                return self._typed(self.fn(*args, **static), on_host=True)
        result = self._typed(self.fn(*args, **static))
        if all(t.dtype[0] in "iub" and t.ndim <= 1 for t in self.types):

            def again(*values):
                given = iter(values)
                return _listed(self._typed(self.fn(*_filled(args, given), **static), on_host=True))

            integers.derived(self.name, again, tensors, _listed(result))
        return result

    def _decides_shapes(self, tensors: list) -> bool:
        """Whether it is arithmetic on a few known integers."""
        return all(t.dtype[0] in "iub" and t.ndim <= 1 for t in self.types) and all(
            integers.is_host(t) and np.size(t) <= integers.FEW for t in tensors
        )

    def _typed(self, result: Any, on_host: bool = False) -> Any:
        """Cast the result to the declared dtypes; host values stay on the host."""

        def typed(array: Any, type: TensorType) -> Any:
            kind = np if on_host or integers.is_host(array) else jnp
            made = kind.asarray(array, type.dtype)
            if made.ndim != type.ndim:
                raise ValueError(f"{self.name} gives shape {made.shape}, its type is {type}")
            return made

        if not isinstance(result, list | tuple):
            return typed(result, self.types[0])
        return [typed(r, t) for r, t in zip(result, self.types, strict=True)]

    def __str__(self):
        return self.name

    def __getstate__(self):
        return {**vars(self), "fn": stored(self.fn)}

    def __setstate__(self, state):
        vars(self).update(state, fn=restored(state["fn"]))


class Apply(Node):
    """A call of an op."""

    def __repr__(self):
        return f"{self.name}({', '.join(str(x) for x in self.inputs)})"


def apply(
    fn: Callable, *args: Any, infer: Infer | None = None, name: str | None = None, **static: Any
) -> Any:
    """Record a call of a pure function of arrays.

    Args:
        fn: a function of arrays that JAX can trace; it returns an array or a tuple of arrays.
        args: its tensors: variables, numbers, arrays, lists of these, or `None`.
        infer: maps the tensors, as variables, to the `TensorType` of the result or a list of
            them; default: inferred by calling `fn` with trial shapes.
        name: of the op in messages; default: the function's without a leading `_`.
        static: passed on as keywords.

    Returns:
        A variable, or a list of them if `fn` returns a tuple.

    Raises:
        TypeError: for an argument that is not a tensor.

    Example:
        >>> x = TensorType("float32", (False, False))("x")
        >>> apply(jnp.diagonal, x, offset=1).type
        TensorType(float32, vector)
    """
    tensors = tuple(_as_tensors(arg) for arg in args)
    types = infer(*tensors) if infer else _types_by_trial(fn, tensors, static)
    return record(Op(fn, _listed(types), name), tensors, static, isinstance(types, list | tuple))


def elementwise(
    fn: Callable, *args: Any, result: Any = upcast, name: str | None = None, **static: Any
) -> Any:
    """Record a call of an elementwise, broadcasting function.

    Args:
        fn: a function of arrays.
        args: its tensors; missing axes are prepended as broadcastable ones.
        result: the result dtype: a name, or a function of the arguments' dtypes.
        name: of the op in messages; default: the function's without a leading `_`.
        static: passed on as keywords.
    """
    tensors = [as_tensor_variable(arg) for arg in args]
    ndim = max((t.ndim for t in tensors), default=0)
    patterns = [(True,) * (ndim - t.ndim) + t.broadcastable for t in tensors]
    made = result(*(t.dtype for t in tensors)) if callable(result) else dtype_of(result)
    pattern = [all(axis) for axis in zip(*patterns, strict=True)]
    matching = [TensorType(t.dtype, p) for t, p in zip(tensors, patterns, strict=True)]
    op = Op(fn, [TensorType(made, pattern)], name, matching if len(tensors) > 1 else None)
    return record(op, tuple(tensors), static, several=False)


def record(op: Op, tensors: tuple, static: dict, several: bool) -> Any:
    node = Apply(op, tensors, static)
    results = [TensorVariable(t, node=node) for t in op.types]
    node.outputs = results if several else results[0]
    return node.outputs if not several else list(results)


def _as_tensors(arg: Any) -> Any:
    if arg is None:
        return None
    if isinstance(arg, list | tuple):
        return [_as_tensors(one) for one in arg]
    return as_tensor_variable(arg)


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


def _tensors(args: Any) -> list:
    """The arrays among the arguments, as a flat list."""
    found = []
    for arg in args:
        if isinstance(arg, list | tuple):
            found += _tensors(arg)
        elif arg is not None:
            found.append(arg)
    return found


def _filled(args: Any, values: Any) -> list:
    """The arguments, with their arrays replaced."""
    return [
        _filled(arg, values)
        if isinstance(arg, list | tuple)
        else None
        if arg is None
        else next(values)
        for arg in args
    ]


def _check_sizes(name: str, tensors: list, types: list[TensorType]) -> None:
    """Raise unless all axes that do not broadcast have equal sizes."""
    ndim = types[0].ndim
    shapes = [(1,) * (ndim - np.ndim(t)) + np.shape(t) for t in tensors]
    for axis in range(ndim):
        sizes = {s[axis] for s, t in zip(shapes, types, strict=True) if not t.broadcastable[axis]}
        wrong = [
            s for s, t in zip(shapes, types, strict=True) if t.broadcastable[axis] and s[axis] != 1
        ]
        if len(sizes) > 1 or wrong:
            shown = ", ".join(str(np.shape(t)) for t in tensors)
            raise ValueError(
                f"Input dimension mis-match: {name} got shapes {shown}, which differ in axis "
                f"{axis} (of {ndim}); an axis broadcasts only if its type says so: use "
                "dimshuffle, keepdims=True or T.addbroadcast"
            )


def _types_by_trial(fn: Callable, tensors: tuple, static: dict) -> Any:
    """The result types of a function, from calls with trial shapes."""
    leaves = list(dict.fromkeys(t for t in symbolic_leaves(tensors) if not is_constant(t)))
    known = [n for t in symbolic_leaves(tensors) if is_constant(t) for n in t.data.shape if n > 1]
    error: Exception | None = None
    for size in dict.fromkeys((SIZES[0], *known, *SIZES[1:])):
        try:
            specs = _trial(fn, tensors, static, leaves, size)
        except Exception as wrong:
            error = error or wrong
        else:
            made = [TensorType(s.dtype.name, [n == 1 for n in s.shape]) for s in _listed(specs)]
            return made if isinstance(specs, list | tuple) else made[0]
    raise error  # type: ignore[misc]


def _trial(fn: Callable, tensors: tuple, static: dict, leaves: list, size: int) -> Any:
    def run(arrays):
        values: dict = {None: None, **dict(zip(leaves, arrays, strict=True))}

        def value(arg):
            if isinstance(arg, list):
                return [value(one) for one in arg]
            return (
                values.get(arg, arg.data if is_constant(arg) else None) if arg is not None else None
            )

        return fn(*map(value, tensors), **static)

    with wide(), integers.guessing():
        shapes = [[1 if b else size for b in t.broadcastable] for t in leaves]
        return jax.eval_shape(
            run, [jax.ShapeDtypeStruct(s, t.dtype) for s, t in zip(shapes, leaves, strict=True)]
        )


def is_constant(variable: Any) -> bool:
    """Whether a variable is a constant."""
    return isinstance(variable, TensorConstant)


def op(fn: Callable) -> Callable:
    """Turn a pure function of arrays into one of variables: tensors by position, others by name.

    Example:
        >>> @op
        ... def halve(x):
        ...     return x / 2
        >>> halve(TensorType("float32", ())("x")).dtype
        'float32'
    """

    @functools.wraps(fn)
    def call(*args, **static):
        return apply(fn, *args, **static)

    return call


def elements(shape: Any) -> Sequence[Any]:
    """The sizes of a shape (list, tuple, vector or integer), to pass on as `*elements(s)`."""
    if isinstance(shape, list | tuple):
        return [as_tensor_variable(size) for size in shape]
    return [as_tensor_variable(shape)]
