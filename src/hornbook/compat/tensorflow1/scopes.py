"""`tf.get_variable` and the scopes of variables."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.graph import Tensor, get_default_graph
from hornbook.compat.tensorflow1.initializers import default_for
from hornbook.compat.tensorflow1.shapes import TensorShape
from hornbook.compat.tensorflow1.variables import GraphKeys, Variable, get_collection

EXISTS = "Variable {} already exists, disallowed. Did you mean to set reuse=True or \
reuse=tf.AUTO_REUSE in VarScope?"
MISSING = "Variable {} does not exist, or was not created with tf.get_variable(). Did you mean to \
set reuse=tf.AUTO_REUSE in VarScope?"
OTHER_SHAPE = "Trying to share variable {}, but specified shape {} and found shape {}."
AUTO_REUSE = "AUTO_REUSE"


class VariableScope:
    """The settings of a variable scope.

    Args:
        name: its whole name.
        reuse: whether variables must exist; `AUTO_REUSE`: may exist.
        initializer, regularizer: of variables that have none.
    """

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        dtype: Any = "float32",
        custom_getter: Any = None,
        original_name_scope: str = "",
        constraint: Any = None,
    ):
        self.name, self.reuse, self.dtype = name, reuse, as_dtype(dtype)
        self.initializer, self.regularizer = initializer, regularizer
        self.custom_getter, self.constraint = custom_getter, constraint
        self.original_name_scope = original_name_scope

    def reuse_variables(self) -> None:
        """Variables must exist from now on."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Set the initializer of variables that have none."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Set the regularizer of variables that have none."""
        self.regularizer = regularizer

    def get_collection(self, name: Any) -> list:
        """Those of a collection in this scope."""
        return get_collection(name, f"{self.name}/" if self.name else None)

    def global_variables(self) -> list:
        """Its variables."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def trainable_variables(self) -> list:
        """Its trained variables."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def get_variable(self, _store: Any, name: str, *args: Any, **options: Any) -> Any:
        """A variable in the scope."""
        with variable_scope(self):
            return get_variable(name, *args, **options)


def get_variable_scope() -> VariableScope:
    """`tf.get_variable_scope`."""
    graph = get_default_graph()
    if not hasattr(graph, "variable_scope"):
        graph.variable_scope = VariableScope(False)  # type: ignore[attr-defined]
    return graph.variable_scope  # type: ignore[attr-defined]


class variable_scope:
    """`tf.variable_scope`: a context in which `get_variable` has a prefix.

    Args:
        name_or_scope: a name, or a scope to enter again.
        default_name: a name that is made unique, if there is none.
        values: ignored.
        initializer, regularizer, reuse, dtype, custom_getter, constraint: of the new scope.
        auxiliary_name_scope: whether names of operations get the prefix too.
    """

    def __init__(
        self,
        name_or_scope: Any,
        default_name: str | None = None,
        values: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: Any = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ):
        if name_or_scope is None and default_name is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        self.given, self.default_name = name_or_scope, default_name
        self.initializer, self.regularizer, self.reuse = initializer, regularizer, reuse
        self.dtype, self.getter, self.constraint = dtype, custom_getter, constraint
        self.with_names = auxiliary_name_scope
        self._open: list = []

    def __enter__(self) -> VariableScope:
        graph, outer = get_default_graph(), get_variable_scope()
        again = isinstance(self.given, VariableScope)
        if again:
            full, base, shown = self.given.name, self.given, self.given.name.rpartition("/")[2]
        else:
            base, shown = outer, self.given
            if shown is None:
                shown = _unique(graph, outer.name, self.default_name)
            full = f"{outer.name}/{shown}" if outer.name else shown
        reuse = self.reuse or (base.reuse if not again else base.reuse or outer.reuse)
        names = (
            graph.name_scope(shown)
            if self.with_names and shown
            else graph.name_scope(graph.scope or None)
        )
        prefix = names.__enter__()
        scope = VariableScope(
            reuse,
            full,
            self.initializer or base.initializer,
            self.regularizer or base.regularizer,
            self.dtype or base.dtype,
            self.getter or base.custom_getter,
            prefix,
            self.constraint or base.constraint,
        )
        _count_scope(graph, full)
        self._open.append((graph, outer, names, dict(graph.counts) if again else full))
        graph.variable_scope = scope  # type: ignore[attr-defined]
        return scope

    def __exit__(self, *error: Any) -> None:
        graph, outer, names, counts = self._open.pop()
        graph.variable_scope = outer
        if isinstance(counts, str):  # names in a scope that is entered again begin again
            counts = {k: n for k, n in graph.counts.items() if not k.startswith(f"{counts}/")}
        graph.counts = counts
        names.__exit__(*error)


def _count_scope(graph: Any, full: str) -> None:
    graph.counts[full] = graph.counts.get(full, 0) + 1


def _unique(graph: Any, outer: str, name: Any) -> str:
    prefix = f"{outer}/" if outer else ""
    if not graph.counts.get(prefix + name):
        return name
    number = 1
    while graph.counts.get(f"{prefix}{name}_{number}"):
        number += 1
    return f"{name}_{number}"


@contextmanager
def name_scope(name: Any, default_name: Any = None, values: Any = None) -> Iterator[str]:
    """`tf.name_scope`: a context in which names of operations have a prefix."""
    with get_default_graph().name_scope(default_name if name is None else name) as scope:
        yield scope


op_scope = name_scope


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: Any = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: Any = None,
    custom_getter: Any = None,
    constraint: Any = None,
    **options: Any,
) -> Any:
    """`tf.get_variable`: the variable of a name in the current scope, made or found.

    Args:
        name: its name in the scope.
        shape: needed unless the initializer is an array.
        dtype: default float32.
        initializer: an initializer, array or tensor; default: that of the scope, or Glorot's.
        regularizer: a function whose value goes into the collection of regularization losses.
        trainable: whether optimizers train it; default yes.
        collections, validate_shape, constraint: see `Variable`.
        custom_getter: a function that is called with this one.

    Raises:
        ValueError: if it exists and must not, or does not exist and must.
    """
    scope = get_variable_scope()
    full = f"{scope.name}/{name}" if scope.name else name

    def getter(name: str, *args: Any, **changed: Any) -> Any:
        return _made_or_found(name, *args, **changed)

    given = {
        "shape": shape,
        "dtype": dtype or scope.dtype,
        "initializer": scope.initializer if initializer is None else initializer,
        "regularizer": scope.regularizer if regularizer is None else regularizer,
        "trainable": trainable is not False,
        "collections": collections,
        "validate_shape": validate_shape,
        "constraint": constraint or scope.constraint,
        "reuse": scope.reuse,
    }
    chosen = custom_getter or scope.custom_getter
    return chosen(getter, full, **given) if chosen else getter(full, **given)


def _made_or_found(
    name: str,
    shape: Any = None,
    dtype: Any = "float32",
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Any = None,
    validate_shape: bool = True,
    constraint: Any = None,
    reuse: Any = False,
    **options: Any,
) -> Any:
    graph = get_default_graph()
    found = graph.store.get(name)
    if found is not None:
        if not reuse:
            raise ValueError(EXISTS.format(name))
        if shape is not None and not found.shape.is_compatible_with(shape):
            raise ValueError(OTHER_SHAPE.format(name, TensorShape(shape), found.shape))
        return found
    if reuse is True:
        raise ValueError(MISSING.format(name))
    with graph.control_dependencies(None), graph.name_scope(None):
        value: Any = initializer
        if initializer is None or isinstance(initializer, type) or callable(initializer):
            if shape is None and not (initializer is not None and _is_ready(initializer)):
                raise ValueError(
                    f"Shape of a new variable ({name}) must be fully defined, but instead was None."
                )
            value = _initial(initializer, shape, dtype, name)
        elif shape is not None and not isinstance(initializer, Tensor):
            value = np.broadcast_to(np.asarray(initializer), tuple(TensorShape(shape)))
        own = dtype if callable(initializer) or initializer is None else None
        made = Variable(
            value,
            trainable=trainable,
            collections=collections,
            validate_shape=validate_shape,
            name=name,
            dtype=own if own is not None or hasattr(value, "dtype") else dtype,
            constraint=constraint,
        )
        graph.store[name] = made
        if regularizer is not None:
            with graph.name_scope(f"{name}/Regularizer/"):
                loss = regularizer(made)
            if loss is not None:
                graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return made


def _is_ready(initializer: Any) -> bool:
    return not isinstance(initializer, type) and getattr(initializer, "needs_no_shape", False)


def _initial(initializer: Any, shape: Any, dtype: Any, name: str) -> Callable:
    kind = as_dtype(dtype)
    chosen = default_for(kind) if initializer is None else initializer
    chosen = chosen() if isinstance(chosen, type) else chosen
    if shape is None:
        return lambda: chosen()
    sizes = list(TensorShape(shape))
    if None in sizes:
        raise ValueError(
            f"Shape of a new variable ({name}) must be fully defined, but instead was "
            f"{TensorShape(shape)}."
        )

    def value() -> Any:
        try:
            return chosen(sizes, dtype=kind)
        except TypeError as error:
            if "dtype" not in str(error):
                raise
            return chosen(sizes)

    return value
