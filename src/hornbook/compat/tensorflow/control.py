"""Functions that call functions, names and places of computations, and what a program prints."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import jax
import numpy as np

from hornbook import ops
from hornbook.compat.tensorflow.function import refuse
from hornbook.compat.tensorflow.tensors import plain
from hornbook.core import tree
from hornbook.core.symbolic import has_symbolic


def _is_traced(*values: Any) -> bool:
    """Whether a value is known to JAX's tracing or to a graph only."""
    leaves = jax.tree.leaves(values, is_leaf=lambda one: has_symbolic([one]))
    return any(isinstance(one, jax.core.Tracer) or has_symbolic([one]) for one in leaves)


def cond(
    pred: Any, true_fn: Callable | None = None, false_fn: Callable | None = None, name: Any = None
) -> Any:
    """One of two results; a known condition runs only its function."""
    if not _is_traced(pred):
        chosen = true_fn if bool(np.asarray(pred)) else false_fn
        return chosen() if chosen else None
    return ops.cond(pred, true_fn or _nothing, false_fn or _nothing)


def _nothing() -> None:
    """What a function that is not given does."""


def case(
    pred_fn_pairs: Any,
    default: Callable | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str | None = None,
) -> Any:
    """The result of the function of the first true condition."""
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    chosen = default or pairs[-1][1]
    for pred, function in reversed(pairs):
        chosen = _either(pred, function, chosen)
    return chosen()


def _either(pred: Any, first: Callable, second: Callable) -> Callable:
    return lambda: cond(pred, first, second)


def switch_case(
    branch_index: Any, branch_fns: Any, default: Callable | None = None, name: str | None = None
) -> Any:
    """The result of the function with a number."""
    pairs = branch_fns.items() if isinstance(branch_fns, dict) else enumerate(branch_fns)
    numbered = {int(k): v for k, v in (one if isinstance(one, tuple) else one for one in pairs)}
    last = default or numbered[max(numbered)]
    return case([(ops.equal(branch_index, k), v) for k, v in numbered.items()], last)


def while_loop(
    cond: Callable,
    body: Callable,
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: int | None = None,
    name: str | None = None,
) -> Any:
    """Repeat `body` while `cond` holds; shapes may change where values are known."""
    values, count = list(loop_vars), 0
    if _is_traced(values) or _is_traced(cond(*values)):
        return list(ops.while_loop(cond, body, tuple(values), maximum_iterations))
    while (maximum_iterations is None or count < maximum_iterations) and bool(cond(*values)):
        made = body(*values)
        values = list(made) if isinstance(made, list | tuple) else [made]
        count += 1
    return type(loop_vars)(values) if isinstance(loop_vars, list | tuple) else values


def map_fn(fn: Callable, elems: Any, dtype: Any = None, **options: Any) -> Any:
    """The results of a function of each element, stacked."""
    if _is_traced(elems):
        return ops.map(fn, elems)
    found = [fn(one) for one in _elements(elems)]
    return tree.map_structure(lambda *some: _stacked(some), *found)


def _elements(elems: Any) -> Iterator[Any]:
    count = len(tree.flatten(elems)[0])
    return (tree.map_structure(lambda one, k=k: one[k], elems) for k in range(count))


def _stacked(values: Any) -> Any:
    first = values[0]
    if isinstance(first, str | bytes) or getattr(first, "dtype", None) == "O":
        return np.array(values, object)
    return ops.stack([ops.convert_to_tensor(one) for one in values])


def vectorized_map(fn: Callable, elems: Any, **options: Any) -> Any:
    """The results of a function of each element, computed together."""
    return ops.vectorized_map(fn, elems)


def scan(
    fn: Callable,
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """All values of `state = fn(state, element)`, stacked."""
    found = list(_states(fn, elems, initializer, reverse))
    found = found[::-1] if reverse else found
    return tree.map_structure(lambda *some: ops.stack(list(some)), *found)


def foldl(fn: Callable, elems: Any, initializer: Any = None, **options: Any) -> Any:
    """The last value of `state = fn(state, element)`."""
    *_, last = _states(fn, elems, initializer, False)
    return last


def foldr(fn: Callable, elems: Any, initializer: Any = None, **options: Any) -> Any:
    """The last value of `state = fn(state, element)`, from the last element to the first."""
    *_, last = _states(fn, elems, initializer, True)
    return last


def _states(fn: Callable, elems: Any, state: Any, reverse: bool) -> Iterator[Any]:
    given = list(_elements(elems))
    given = given[::-1] if reverse else given
    if state is None:
        state, *given = given
        yield state
    for one in given:
        state = fn(state, one)
        yield state


def group(*inputs: Any, **options: Any) -> None:
    """Nothing: what it groups has run."""


def no_op(name: str | None = None) -> None:
    """Nothing."""


def identity(input: Any, name: str | None = None) -> Any:
    """An array as it is; a number as an array."""
    if isinstance(input, str | bytes | np.ndarray):
        return input
    return ops.copy(input)


def identity_n(input: Any, name: str | None = None) -> list:
    """Arrays as they are."""
    return [identity(one) for one in input]


def tuple_(tensors: Any, control_inputs: Any = None, name: str | None = None) -> Any:
    """Arrays as they are."""
    return list(tensors)


def print_(*inputs: Any, **options: Any) -> None:
    """Print values, on standard error unless `output_stream` is another stream."""
    refuse()
    streams = {"sys.stderr": sys.stderr, "sys.stdout": sys.stdout}
    stream: Any = options.get("output_stream", sys.stderr)
    count = options.get("summarize", 3)
    stream = streams.get(stream, stream) if isinstance(stream, str) else stream
    if _is_traced(inputs):
        jax.debug.print(" ".join("{}" for _ in inputs), *inputs)
        return
    told = options.get("sep", " ").join(_shown(one, count) for one in inputs)
    stream.write(told + options.get("end", "\n"))


def _shown(value: Any, count: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | dict):
        return str(tree.map_structure(lambda one: np.asarray(one).tolist(), value))
    array = np.asarray(plain(value))
    if array.dtype.kind == "O":
        array = np.vectorize(lambda one: one.decode("utf-8", "replace"), otypes=[object])(array)
        return f'"{array}"' if not array.ndim else str(array).replace("'", '"')
    edge, most = (array.size + 1, array.size + 1) if count == -1 else (count, 2 * count)
    return np.array2string(array, edgeitems=edge, threshold=most, formatter={"all": _number})


def _number(value: Any) -> str:
    return (
        np.format_float_positional(value, trim="-")
        if np.asarray(value).dtype.kind == "f" and (value == 0 or 1e-4 <= abs(value) < 1e6)
        else f"{value:g}"
        if np.asarray(value).dtype.kind == "f"
        else str(value)
    )


@contextmanager
def name_scope(name: Any = None, *args: Any, **options: Any) -> Iterator[str]:
    """A context without effect: names of operations are not kept."""
    yield f"{name}/"


def device(device_name: Any) -> Any:
    """A context in which arrays are made on a device, such as `"/CPU:0"` or `"/GPU:1"`.

    A device that JAX lacks is ignored, as TensorFlow does with soft placement.
    """
    kind, _, number = (
        str(device_name or "").lower().rpartition("/")[2].removeprefix("device:").partition(":")
    )
    kind = kind.removeprefix("physical_")
    try:
        found = jax.devices(kind) if kind in ("cpu", "gpu", "tpu") else []
    except RuntimeError:
        found = []
    place = int(number or 0) if (number or "0").isdigit() else 0
    return jax.default_device(found[place]) if place < len(found) else nullcontext()


def nothing(*args: Any, **options: Any) -> Any:
    """A context without effect."""
    return nullcontext()


class TensorArray:
    """A list of arrays; `write` and `unstack` return the list.

    Args:
        dtype: dtype of the arrays.
        size: the number of arrays.
        dynamic_size: whether writing beyond `size` is allowed; it always is.
    """

    def __init__(self, dtype: Any, size: Any = 0, dynamic_size: Any = None, **options: Any):
        self.dtype = dtype
        self._arrays: list = [None] * int(size or 0)

    def write(self, index: Any, value: Any, name: str | None = None) -> "TensorArray":
        """Put an array at an index."""
        place = int(index)
        self._arrays += [None] * (place + 1 - len(self._arrays))
        self._arrays[place] = ops.convert_to_tensor(value, self.dtype)
        return self

    def read(self, index: Any, name: str | None = None) -> Any:
        """The array at an index."""
        return self._arrays[int(index)]

    def stack(self, name: str | None = None) -> Any:
        """All arrays, stacked; those not written are zeros."""
        return ops.stack(self._filled())

    def concat(self, name: str | None = None) -> Any:
        """All arrays, joined along their first axis."""
        return ops.concatenate(self._filled())

    def gather(self, indices: Any, name: str | None = None) -> Any:
        """Some arrays, stacked."""
        return ops.stack([self._filled()[int(k)] for k in indices])

    def unstack(self, value: Any, name: str | None = None) -> "TensorArray":
        """Take over the parts of an array."""
        self._arrays = list(ops.unstack(value))
        return self

    def size(self, name: str | None = None) -> int:
        """The number of arrays."""
        return len(self._arrays)

    def _filled(self) -> list:
        some = next((one for one in self._arrays if one is not None), None)
        if some is None:
            raise ValueError("TensorArray: nothing was written")
        return [ops.zeros_like(some) if one is None else one for one in self._arrays]
