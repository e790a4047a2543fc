"""Ops and symbolic tensors: one decorator makes a function eager, traced and symbolic.

Applied to arrays (or JAX's tracers) an op is the function itself. Applied to symbolic tensors it
records a `Node` and returns symbolic tensors. Their shapes and dtypes come from abstract evaluation
of the function, so no op needs a shape rule; `unknown.py` handles unknown sizes (`None`).
"""

import functools
import operator
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import interop, tree, unknown
from hornbook.core.dtype import STRING, canonical
from hornbook.core.errors import shorten
from hornbook.core.forked import uses_engine
from hornbook.core.taping import paused, recording

P = ParamSpec("P")
R = TypeVar("R")
Tensor: TypeAlias = Any  # what ops take: anything array-like, or a symbolic tensor

BINARY = {
    name: getattr(operator, name)
    for name in "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift".split()
}
COMPARE = {name: getattr(operator, name) for name in "lt le gt ge eq ne".split()}
# The truth value of `x == y` and `x != y` of two symbolic tensors, as `x in symbols` needs it.
SAME = {"eq": operator.is_, "ne": operator.is_not}
_SAME: dict[Callable, Callable] = {}  # the same, by recorded op
ARRAYS = (bool, int, float, complex, np.generic, list, tuple)  # besides types with `__array__`
UNARY = {name: getattr(operator, name) for name in "neg pos abs invert".split()}
METHODS = (
    "all any argmax argmin argsort astype clip conj cumprod cumsum dot flatten max mean min prod "
    "ravel repeat reshape round squeeze std sum swapaxes take transpose var"
).split()


# Keras's names of operators and methods, where they differ from Python's.
KERAS_NAMES = {
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "pow": "power",
    "and_": "bitwise_and",
    "or_": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "left_shift",
    "rshift": "right_shift",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
    "neg": "negative",
    "pos": "copy",
    "abs": "absolute",
    "invert": "bitwise_invert",
    "astype": "cast",
    "flatten": "ravel",
}


class Operators:
    """Arithmetic, comparison, indexing and numpy functions for array-like objects.

    `==` compares elements; as keys of dictionaries and sets, objects are compared by identity.
    """

    __array_priority__ = 1000

    @property
    def value(self) -> Any:
        """The underlying array."""
        raise NotImplementedError

    def __getitem__(self, key):
        return _getitem(self, key)

    if TYPE_CHECKING:  # made from tables, below

        def _one(self) -> Any: ...
        def _two(self, other: Any) -> Any: ...
        def __getattr__(self, name: str) -> Any: ...

        __neg__ = __pos__ = __abs__ = __invert__ = _one
        __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = _two
        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = _two
        __matmul__ = __and__ = __or__ = __xor__ = __lshift__ = __rshift__ = _two
        __rmatmul__ = __rand__ = __ror__ = __rxor__ = __rlshift__ = __rrshift__ = _two
        __lt__ = __le__ = __gt__ = __ge__ = _two

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return _by_jax("numpy", ufunc, inputs, kwargs) if method == "__call__" else NotImplemented

    def __array_function__(self, func, types, args, kwargs):
        return _by_jax(func.__module__, func, args, kwargs)


class SymbolicTensor(Operators):
    """A tensor without a value: a shape (`None` where unknown), a dtype, and the call it came from.

    Args:
        shape: sizes; `None` where unknown.
        dtype: name of the dtype.
        sparse, ragged: declared layout of its values; results computed from them are dense.
        record_history: whether tensors computed from it keep their `Node`.
        name: a name for messages and inputs.
        node: the `Node` that outputs it; by default it is an input of a graph.

    Raises:
        ValueError: if it is both sparse and ragged.

    Example:
        >>> import hornbook
        >>> x = hornbook.Input((3,))
        >>> (jnp.tanh(x) @ np.ones((3, 2), "float32"))[:, 0].shape
        (None,)
    """

    def __init__(
        self,
        shape: Any,
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        *,
        node: "Node | None" = None,
    ):
        interop.install(op, HOLD_SYMBOLS)
        if sparse and ragged:
            raise ValueError("a KerasTensor is sparse or ragged, not both")
        self.shape = tuple(None if size is None else operator.index(size) for size in shape)
        self.dtype = canonical(dtype)
        self.sparse, self.ragged = bool(sparse), bool(ragged)
        self.record_history = record_history
        self.name = name or (
            f"{getattr(node.op, 'name', None) or node.name}_output" if node else "keras_tensor"
        )
        self.node = node or Node(None)
        if node is None:
            self.node.outputs = self
        self.mask: Any = None  # spec of the mask attached to the value, if any

    @property
    def value(self):
        raise TypeError(NO_VALUE.format(self))

    @property
    def _keras_mask(self) -> Any:
        return self.mask

    @_keras_mask.setter
    def _keras_mask(self, mask: Any) -> None:
        self.mask = mask

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self):
        """The tensor with its axes reversed."""
        return _transpose(self)

    def __len__(self):
        if not self.shape or self.shape[0] is None:
            raise TypeError(f"the length of {self} is not known before it has a value")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        same = _SAME.get(self.node.op)
        if same and all(isinstance(arg, SymbolicTensor) for arg in self.node.args):
            return same(*self.node.args)
        raise TypeError(NO_VALUE.format(self))

    def __float__(self):
        raise TypeError(NO_VALUE.format(self))

    __int__ = __index__ = __float__

    def __array__(self, dtype=None, copy=None):
        raise TypeError(NO_VALUE.format(self))

    def __repr__(self):
        return f"<SymbolicTensor {self.name!r} shape={self.shape} dtype={self.dtype}>"

    def __deepcopy__(self, memo):
        return self


KerasTensor = SymbolicTensor  # Keras's name
HOLD_SYMBOLS = (Operators, list, tuple, dict)  # argument types that may hold symbolic tensors

TEXT = """{}. Devices cannot compute with strings: convert them to numbers first.
Wrong:  Dense(4)(Input((1,), dtype="string"))
Right:  StringLookup, TextVectorization or Hashing in between"""

NO_VALUE = """{} has no value yet, so Python cannot branch on it, iterate over it or convert it.
Wrong:  if x > 0: x = x * 2
Right:  x = ops.where(x > 0, x * 2, x)
Code that needs values belongs in the `call` of a Layer, or in Lambda(function)."""


class Node:
    """One recorded call of an op or layer: the callable, its arguments and its outputs."""

    def __init__(self, op: Any, args: tuple = (), kwargs: dict | None = None):
        self.op = op
        self.args = args
        self.kwargs = kwargs or {}
        self.name = getattr(op, "name", None) or getattr(op, "__name__", type(op).__name__)
        self.inputs: list[SymbolicTensor] = symbolic_leaves((args, self.kwargs))
        self.outputs: Any = None

    @property
    def output_list(self) -> list[SymbolicTensor]:
        """The outputs, flat."""
        return symbolic_leaves(self.outputs)

    def __setstate__(self, state: dict) -> None:
        interop.install(op, HOLD_SYMBOLS)
        vars(self).update(state, op=interop.taught(state["op"]))

    def __repr__(self):
        return f"<Node {self.name}>"


@uses_engine
def has_symbolic(values: Any) -> bool:
    """Whether the arguments contain a symbolic tensor, also inside lists, tuples and dicts."""
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, SymbolicTensor):
            return True
        if isinstance(value, list | tuple | dict) and value and has_symbolic(value):
            return True
    return False


def symbolic_leaves(structure: Any) -> list[SymbolicTensor]:
    """The symbolic tensors in a structure, in order."""
    return [leaf for leaf in tree.walk(structure) if isinstance(leaf, SymbolicTensor)]


def substitute(structure: Any, values: dict) -> Any:
    """The structure with each symbolic tensor replaced by its value."""
    if isinstance(structure, SymbolicTensor):
        return values[structure]
    if isinstance(structure, dict):
        return type(structure)({key: substitute(child, values) for key, child in structure.items()})
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(substitute(child, values) for child in structure))
    if isinstance(structure, list | tuple):
        return type(structure)(substitute(child, values) for child in structure)
    return structure


def infer(fn: Callable, args: tuple, kwargs: dict) -> Any:
    """Shapes and dtypes of `fn(*args, **kwargs)`, in the structure of its result.

    Returns:
        A structure of `jax.ShapeDtypeStruct`-like objects; sizes that depend on an unknown
        dimension are `None`.
    """
    leaves = list(dict.fromkeys(symbolic_leaves((args, kwargs))))
    for leaf in leaves:
        if leaf.dtype == STRING:
            raise TypeError(TEXT.format(f"{leaf.name!r} holds strings"))

    def concrete(arrays):
        values = dict(zip(leaves, arrays, strict=True))
        return fn(*substitute(args, values), **substitute(kwargs, values))

    with paused():
        return unknown.trace(concrete, leaves, functools.partial(_hints, args, kwargs))


def _hints(args: tuple, kwargs: dict) -> tuple[list, list]:
    """The shapes of the concrete arrays and the integers among the arguments."""
    known = [leaf for leaf in tree.walk((args, kwargs)) if not isinstance(leaf, SymbolicTensor)]
    shapes = [tuple(leaf.shape) for leaf in known if hasattr(leaf, "shape")]
    return shapes, [leaf for leaf in known if type(leaf) is int]


SHAPES_DIFFER = re.compile(
    "incompatible shapes|have the same shape|shapes that differ|cannot reshape|to be equal"
)


_standing: ContextVar[dict | None] = ContextVar("standing", default=None)


@contextmanager
def standing(values: dict[SymbolicTensor, Any]) -> Iterator[None]:
    """Context in which ops on these symbolic tensors compute with values instead of recording.

    Args:
        values: the array for each tensor.

    Example:
        >>> x = hornbook.Input(())
        >>> with standing({x: jnp.ones(3)}):
        ...     (x + 1).shape
        (3,)
    """
    before = _standing.set({**(_standing.get() or {}), **values})
    try:
        yield
    finally:
        _standing.reset(before)


def record(
    target: Any, args: tuple, kwargs: dict, fn: Callable | None = None, specs: Any = None
) -> Any:
    """Record a call of `target`.

    Args:
        target: a function of arrays.
        args, kwargs: its arguments.
        fn: a function with the same results; default: `target` itself.
        specs: the shapes and dtypes of the results, if they are known.
    """
    node = Node(target, args, kwargs)
    values = _standing.get()
    if values and all(tensor in values for tensor in node.inputs):
        return (fn or target)(*substitute(args, values), **substitute(kwargs, values))
    try:
        specs = infer(fn or target, args, kwargs) if specs is None else specs
    except Exception as error:
        misfit = type(error) is TypeError and SHAPES_DIFFER.search(str(error))
        told = ValueError(*error.args) if misfit else error  # as Keras raises; JAX: TypeError
        shapes = ", ".join(str(leaf.shape) for leaf in node.inputs)
        told.add_note(f"While {node.name!r} was applied to symbolic tensors of shape {shapes}.")
        raise told from (error if told is not error else error.__cause__)
    return outputs_of(node, specs)


def outputs_of(node: Node, specs: Any) -> Any:
    """Symbolic tensors for the outputs of a call, linked to its node if all inputs keep history."""
    kept = node if all(tensor.record_history for tensor in node.inputs) else None
    node.outputs = jax.tree.map(lambda s: SymbolicTensor(s.shape, s.dtype, node=kept), specs)
    return node.outputs


def op(fn: Callable[P, R], target: Callable | None = None) -> Callable[P, R]:
    """Make a pure function of arrays an op: eager on arrays, traced by JAX, recorded on symbols.

    Args:
        fn: a function of arrays and plain values that JAX can trace.
        target: the callable that recorded calls refer to; default the op itself.

    Example:
        >>> @op
        ... def halve(x):
        ...     return x / 2
        >>> float(halve(jnp.asarray(3.0)))
        1.5
    """

    @functools.wraps(fn)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            if has_symbolic(args) or (kwargs and has_symbolic(kwargs)):
                return record(target or call, args, kwargs, fn=plain)
            if recording.tapes:
                return recording.tapes[-1].call(plain, args, kwargs, key=fn)
            return plain(*args, **kwargs)
        except Exception as error:
            shorten(error)
            raise

    call.name = getattr(fn, "__name__", type(fn).__name__)  # type: ignore[attr-defined]

    def plain(*args, **kwargs):
        args = tuple(arg.value if isinstance(arg, Operators) else arg for arg in args)
        if kwargs:
            kwargs = {k: v.value if isinstance(v, Operators) else v for k, v in kwargs.items()}
        return fn(*args, **kwargs)

    return call


def _by_jax(module: str, fn: Any, args: tuple, kwargs: dict) -> Any:
    """The result of JAX's counterpart of a numpy function."""
    try:
        found = interop.find(module, fn.__name__)
    except AttributeError:
        return NotImplemented
    if found is fn or fn is np.result_type:  # JAX asks numpy for these
        return NotImplemented
    return (found if has_symbolic((args, kwargs)) else op(found))(*args, **kwargs)


def _named(name: str, fn: Callable) -> Callable:
    def named(*args, **kwargs):
        return fn(*args, **kwargs)

    named.__name__ = named.__qualname__ = name
    return op(named)


_getitem = _named("get_item", lambda x, key: jnp.asarray(x)[key])
_transpose = _named("transpose", lambda x: x.T)


def is_keras_tensor(x: object) -> bool:
    """Whether `x` is a symbolic tensor.

    Example:
        >>> is_keras_tensor(hornbook.Input((2,))), is_keras_tensor(np.ones(2))
        (True, False)
    """
    return isinstance(x, SymbolicTensor)


def _install_operators() -> None:
    for name, fn in {**BINARY, **COMPARE, **UNARY}.items():
        forward = _named(KERAS_NAMES.get(name, name), lambda *xs, fn=fn: fn(*map(_array, xs)))
        special = name.strip("_")
        if name in SAME:
            _SAME[forward] = SAME[name]
            setattr(Operators, f"__{special}__", _equality(forward))
        else:
            setattr(Operators, f"__{special}__", lambda *xs, forward=forward: forward(*xs))
        if name in BINARY:
            setattr(Operators, f"__r{special}__", lambda x, y, forward=forward: forward(y, x))
    Operators.__hash__ = object.__hash__  # type: ignore[method-assign]
    for name in METHODS:
        shown = KERAS_NAMES.get(name, name)
        method = _named(shown, lambda x, *args, name=name, **kw: getattr(x, name)(*args, **kw))
        bound = lambda *xs, method=method, **kw: method(*xs, **kw)  # noqa: E731
        bound.__doc__ = f"As `{name}` of a JAX array."
        setattr(Operators, name, bound)


def _equality(forward: Callable) -> Callable:
    """`==` or `!=` of symbolic tensors; non-arrays and symbols of other shapes are unequal."""

    def compare(self, other):
        if not isinstance(self, SymbolicTensor):
            return forward(self, other)
        if not (isinstance(other, ARRAYS) or hasattr(other, "__array__")):
            return NotImplemented
        try:
            return forward(self, other)
        except (TypeError, ValueError):
            if isinstance(other, SymbolicTensor):
                return NotImplemented
            raise

    return compare


def _array(value):
    """numpy arrays and lists as JAX arrays, so that they do not take over the operation."""
    return jnp.asarray(value) if isinstance(value, np.ndarray | list | tuple) else value


_install_operators()
