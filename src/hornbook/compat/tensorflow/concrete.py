"""`get_concrete_function`: a `tf.function` for arguments of one form, and the operations it does.

The operations are those that JAX traces, under TensorFlow's names where it has the same.
"""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.extend.core import Literal

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.core import tree
from hornbook.data import TensorSpec

# JAX's names of operations: TensorFlow's name and type.
KINDS = {
    "add": ("add", "AddV2"),
    "sub": ("sub", "Sub"),
    "mul": ("mul", "Mul"),
    "div": ("truediv", "RealDiv"),
    "integer_pow": ("pow", "Pow"),
    "square": ("Square", "Square"),
    "pow": ("pow", "Pow"),
    "neg": ("Neg", "Neg"),
    "dot_general": ("MatMul", "MatMul"),
    "exp": ("Exp", "Exp"),
    "log": ("Log", "Log"),
    "tanh": ("Tanh", "Tanh"),
    "logistic": ("Sigmoid", "Sigmoid"),
    "max": ("Maximum", "Maximum"),
    "min": ("Minimum", "Minimum"),
    "reduce_sum": ("Sum", "Sum"),
    "reduce_max": ("Max", "Max"),
    "reduce_min": ("Min", "Min"),
    "reshape": ("Reshape", "Reshape"),
    "transpose": ("transpose", "Transpose"),
    "convert_element_type": ("Cast", "Cast"),
    "concatenate": ("concat", "ConcatV2"),
    "select_n": ("SelectV2", "SelectV2"),
    "while": ("while", "While"),
    "scan": ("while", "While"),
    "cond": ("cond", "If"),
}
CALLS = ("jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call")
NO_PROTO = (
    "a function is compiled by JAX, so there is no {}: use graph.get_operations(), or "
    "structured_input_signature"
)
NO_SIZES = (
    "the operations of a function are found for sizes that are known; it got {}. Call "
    "get_concrete_function with tensors, or a TensorSpec without None"
)
MISFIT = (
    "Binding inputs to tf.function failed due to `Can not cast {} to {}`. Received args: {} and "
    "kwargs: {{}} for signature: {}."
)
AS_WRITTEN = "# a function is traced as it is written: no code is generated for it\n"


class GraphTensor:
    """A result of an operation.

    Args:
        name: the operation's, a colon, and the number of the result.
        shape: its sizes.
        dtype: its dtype.
    """

    def __init__(self, name: str, shape: tuple, dtype: Any):
        self.name, self.shape, self.dtype = name, shape, as_dtype(str(dtype))

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"


class Operation:
    """An operation of a function.

    Args:
        name: its name, which no other of the function has.
        type: TensorFlow's name of what it does, or JAX's.
        inputs: what it takes.
        results: arrays, or their shapes and dtypes, that it gives.
    """

    def __init__(self, name: str, type: str, inputs: list, results: list):
        self.name, self.type, self.inputs = name, type, tuple(inputs)
        self.outputs = [GraphTensor(f"{name}:{i}", r.shape, r.dtype) for i, r in enumerate(results)]

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"


class Graph:
    """The operations of a function, in order.

    Args:
        traced: the function's jaxpr.
        names: the names of its inputs.
    """

    def __init__(self, traced: Any, names: list[str]):
        self._operations: list[Operation] = []
        self._made: dict[Any, GraphTensor] = {}
        jaxpr = traced.jaxpr
        self.inputs = [
            self._input(var, name) for var, name in zip(jaxpr.invars, names, strict=True)
        ]
        for var in jaxpr.constvars:
            self._made[var] = self._add("Const", "Const", [], [var.aval])[0]
        self._run(jaxpr.eqns)
        self.outputs = [
            self._add("Identity", "Identity", [self._read(v, "Identity")], [v.aval])[0]
            for v in jaxpr.outvars
        ]

    def _input(self, var: Any, name: str) -> GraphTensor:
        self._made[var] = self._add(name, "Placeholder", [], [var.aval])[0]
        return self._made[var]

    def _free(self, name: str) -> str:
        taken = {one.name for one in self._operations}
        numbered = (f"{name}_{i}" for i in range(1, len(taken) + 2))
        return name if name not in taken else next(one for one in numbered if one not in taken)

    def _add(self, name: str, type: str, inputs: list, results: list) -> list[GraphTensor]:
        self._operations.append(Operation(self._free(name), type, inputs, results))
        return self._operations[-1].outputs

    def _constant(self, name: str, aval: Any) -> GraphTensor:
        return self._add(name, "Const", [], [aval])[0]

    def _read(self, var: Any, name: str) -> GraphTensor:
        return self._constant(name, var.aval) if isinstance(var, Literal) else self._made[var]

    def _run(self, equations: Any) -> None:
        for eqn in equations:
            kind = eqn.primitive.name
            inner = next(
                (eqn.params[key] for key in ("jaxpr", "call_jaxpr") if key in eqn.params), 0
            )
            if kind in CALLS and inner:
                body: Any = getattr(inner, "jaxpr", inner)
                outer = [self._read(v, "Const") for v in eqn.invars]
                self._made.update(zip(body.invars, outer, strict=False))
                self._run(body.eqns)
                results = [self._read(v, "Const") for v in body.outvars]
            else:
                name, type = KINDS.get(kind, (kind, kind))
                name = self._free(name)
                places = "xy" if len(eqn.invars) == 2 else [str(i) for i in range(len(eqn.invars))]
                inputs = [
                    self._read(v, f"{name}/{place}")
                    for v, place in zip(eqn.invars, places, strict=True)
                ]
                if kind == "integer_pow":
                    inputs.append(self._constant(f"{name}/y", eqn.invars[0].aval))
                results = self._add(name, type, inputs, [v.aval for v in eqn.outvars])
            self._made.update(zip(eqn.outvars, results, strict=True))

    def get_operations(self) -> list[Operation]:
        """All operations."""
        return list(self._operations)

    def get_operation_by_name(self, name: str) -> Operation:
        """An operation by its name.

        Raises:
            KeyError: if there is none.
        """
        found = next((one for one in self._operations if one.name == name), None)
        if found is None:
            names = ", ".join(one.name for one in self._operations)
            raise KeyError(f"the graph has no operation {name!r}; it has {names}")
        return found

    def get_tensor_by_name(self, name: str) -> GraphTensor:
        """A result by its operation's name and its number, as in `"x:0"`."""
        operation, _, number = name.partition(":")
        return self.get_operation_by_name(operation).outputs[int(number or 0)]

    def as_graph_def(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: there is no protocol buffer.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(NO_PROTO.format("GraphDef"))


class ConcreteFunction:
    """A function for arguments of one form.

    Args:
        call: the `tf.function`.
        func: the Python function.
        args, kwargs: tensors or `TensorSpec`s, and values of Python.
        trace: finds the jaxpr of the function for these arguments.
    """

    def __init__(self, call: Callable, func: Callable, args: tuple, kwargs: dict, trace: Callable):
        self._call, self._trace = call, trace
        self._args, self._kwargs = args, kwargs
        self._signature = inspect.signature(func)
        self.name = f"__inference_{getattr(func, '__name__', 'function')}"
        self._graph: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; values of Python keep what they were."""
        tensors = [one for one in self._args if _is_tensor(one)]
        if len(args) == len(tensors) < len(self._args):
            given = iter(args)
            args = tuple(next(given) if _is_tensor(one) else one for one in self._args)
        return self._call(*args, **{**self._kwargs, **kwargs})

    @property
    def structured_input_signature(self) -> tuple:
        """The arguments, with a `TensorSpec` for each tensor."""
        bound = self._signature.bind(*self._args, **self._kwargs)
        args = tuple(
            _spec(one, name) for name, one in zip(bound.arguments, bound.args, strict=False)
        )
        return args, {name: _spec(one, name) for name, one in bound.kwargs.items()}

    @property
    def structured_outputs(self) -> Any:
        """The result, with a `TensorSpec` for each tensor."""
        return tree.map_structure(lambda one: TensorSpec(one.shape, one.dtype), self.outputs)

    @property
    def graph(self) -> Graph:
        """The operations.

        Raises:
            ValueError: if a size is not known.
        """
        if self._graph is None:
            self._graph = Graph(*self._traced())
        return self._graph

    def _traced(self) -> tuple:
        specs = [
            one for one in tree.walk((self._args, self._kwargs)) if isinstance(one, TensorSpec)
        ]
        if any(size is None for spec in specs for size in spec.shape):
            raise ValueError(NO_SIZES.format(specs))
        bound = self._signature.bind(*self._args, **self._kwargs)
        names = [
            name
            for name, value in bound.arguments.items()
            for leaf in tree.walk(value)
            if _is_tensor(leaf)
        ]
        return self._trace(self._args, self._kwargs), names

    @property
    def inputs(self) -> list[GraphTensor]:
        """The tensors that it takes."""
        return self.graph.inputs

    @property
    def outputs(self) -> list[GraphTensor]:
        """The tensors that it returns."""
        return self.graph.outputs

    @property
    def function_def(self) -> Any:
        """Refused: there is no protocol buffer.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(NO_PROTO.format("FunctionDef"))

    def __repr__(self) -> str:
        args, kwargs = self.structured_input_signature
        names = [*self._signature.parameters]
        shown = [f"{name}: {one}" for name, one in zip(names, args, strict=False)]
        shown += [f"{name}: {one}" for name, one in kwargs.items()]
        return f"<ConcreteFunction ({', '.join(shown)}) at 0x{id(self):X}>"


def _is_tensor(value: Any) -> bool:
    return isinstance(value, TensorSpec | jax.Array | np.ndarray)


def _spec(value: Any, name: str) -> Any:
    if isinstance(value, TensorSpec):
        return TensorSpec(value.shape, value.dtype, value.name or name)
    return TensorSpec(value.shape, value.dtype.name, name) if _is_tensor(value) else value


def check_signature(signature: Any, args: tuple) -> None:
    """Refuse arguments that do not fit an `input_signature`.

    Args:
        signature: a `TensorSpec` for each argument.
        args: the arguments.

    Raises:
        TypeError: for another shape or dtype, as in TensorFlow.
    """
    for spec, given in zip(signature, args, strict=False):
        if not isinstance(spec, TensorSpec) or hasattr(given, "row_splits"):
            continue
        shape = tuple(np.shape(given))
        want = None if spec.shape is None else tuple(spec.shape)
        fits = (
            want is None
            or len(shape) == len(want)
            and all(size in (None, have) for size, have in zip(want, shape, strict=True))
        )
        dtype = as_dtype(given.dtype) if hasattr(given, "dtype") else spec.dtype
        if not fits or as_dtype(dtype) != as_dtype(spec.dtype):
            found = TensorSpec(shape, dtype)
            raise TypeError(MISFIT.format(found, spec, args, tuple(signature)))


def to_code(entity: Any, recursive: bool = True, **_: Any) -> str:
    """The source of a function, which runs as it is written.

    Args:
        entity: the function.
        recursive: accepted for compatibility.
    """
    func = getattr(entity, "python_function", entity)
    return AS_WRITTEN + textwrap.dedent(inspect.getsource(func))
