"""`tf.Variable`, `tf.get_variable`, scopes, and operations that assign."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow1.applying import Spec, apply, convert, like
from hornbook.compat.tensorflow1.graph import (
    Operation,
    Tensor,
    get_default_graph,
    node_of,
    session_here,
)
from hornbook.compat.tensorflow1.running import symbol_of
from hornbook.compat.tensorflow1.session import Session
from hornbook.compat.tensorflow1.shapes import TensorShape
from hornbook.compat.tensorflow1.sources import same
from hornbook.core.variable import Variable as KerasVariable
from hornbook.core.variable import current_scope


class GraphKeys:
    """Names of collections."""

    GLOBAL_VARIABLES = VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    SUMMARIES = "summaries"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    REGULARIZATION_LOSSES = "regularization_losses"
    WEIGHTS, BIASES, ACTIVATIONS = "weights", "biases", "activations"
    GLOBAL_STEP = "global_step"
    TRAIN_OP, INIT_OP, LOCAL_INIT_OP = "train_op", "init_op", "local_init_op"
    TABLE_INITIALIZERS = "table_initializer"
    QUEUE_RUNNERS, SAVERS, CONCATENATED_VARIABLES = "queue_runners", "savers", "concatenated"


class _VariableKind(type):
    def __call__(cls, initial_value: Any = None, trainable: bool = True, *args: Any, **kwargs: Any):
        """A variable of the graph; in `build` of a layer of Keras, one of the layer's weights."""
        if cls is not Variable or not current_scope():
            return super().__call__(initial_value, trainable, *args, **kwargs)
        value = initial_value() if callable(initial_value) else initial_value
        value = convert(value, kwargs.get("dtype"))
        value = Session(value.graph).run(value) if isinstance(value, Tensor) else value
        return KerasVariable(np.asarray(value), trainable=trainable, name=kwargs.get("name"))

    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(cls, instance) or isinstance(instance, KerasVariable)


class Variable(Tensor, metaclass=_VariableKind):
    """A tensor whose value a session keeps.

    Args:
        initial_value: a number, array or tensor, or a function that returns one.
        trainable: whether optimizers train it.
        collections: of the graph that it goes into.
        validate_shape: whether its shape is fixed.
        name: in the graph.
        dtype: default: that of the value.
        expected_shape, caching_device, variable_def, import_scope, options: ignored.
        constraint: a function of the value after a step of an optimizer.
    """

    assigned_by_session = True

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool = True,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: Any = None,
        constraint: Any = None,
        **options: Any,
    ):
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        graph = get_default_graph()
        with graph.control_dependencies(None):
            node = Operation(None, name=name or "Variable", kind="VariableV2")
            with graph.name_scope(f"{node.name}/"):
                value = initial_value() if callable(initial_value) else initial_value
                value = convert(value, dtype, "initial_value")
                shape = value.shape if validate_shape else None
                super().__init__(shape, value.dtype, node)
                node.outputs = self
                self.initial_value, self.trainable, self.constraint = value, trainable, constraint
                self.initializer = _assigning(self, same, (value,), "Assign", "Assign").op
                self.initializer.initializes = True
                self._read = apply(same, (self,), name="read", kind="Identity", specs=like(self))
        names = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
        if trainable and GraphKeys.TRAINABLE_VARIABLES not in names:
            names.append(GraphKeys.TRAINABLE_VARIABLES)
        graph.add_to_collections(names, self)

    @property
    def _shared_name(self) -> str:
        return self.op.name

    def value(self) -> Any:
        """Its value as a tensor."""
        return self._read

    def read_value(self) -> Any:
        """Its value when it is read, after the control inputs of here."""
        return apply(same, (self,), name="Identity", kind="Identity", specs=like(self))

    def initialized_value(self) -> Any:
        """Its initial value."""
        return self.initial_value

    def assign(self, value: Any, use_locking: Any = None, name: Any = None, read_value: Any = True):
        """Set it."""
        return assign(self, value, name=name)

    def assign_add(self, delta: Any, use_locking: Any = None, name: Any = None, read_value=True):
        """Add to it."""
        return assign_add(self, delta, name=name)

    def assign_sub(self, delta: Any, use_locking: Any = None, name: Any = None, read_value=True):
        """Subtract from it."""
        return assign_sub(self, delta, name=name)

    def load(self, value: Any, session: Any = None) -> None:
        """Set its value in a session."""
        (session or session_here()).store(self, value)

    def count_up_to(self, limit: int) -> Any:
        """Add one, up to a limit."""
        return _assigning(self, _count, (self, limit), "CountUpTo")

    @property
    def name(self) -> str:
        """`name:0`."""
        return f"{self.node.name}:0"

    @name.setter
    def name(self, name: str) -> None:
        """Nothing: the operation has the name."""

    def __repr__(self) -> str:
        return f"<tf.Variable {self.name!r} shape={self.static} dtype={self.dtype.name}_ref>"

    __str__ = __repr__


def _count(value: Any, limit: int) -> Any:
    return jnp.minimum(value + 1, limit)


# ---- assigning


def _assigning(ref: Any, fn: Callable, args: tuple, kind: str, name: Any = None) -> Any:
    target = symbol_of(ref)
    made = apply(fn, args, name=name, kind=kind, specs=like(target), assigns=(target,))
    node = made.node
    if target not in node.inputs:  # programs look for what an assignment is given: `op.inputs[1]`
        node.reads, node.inputs = node.inputs, [target, *node.inputs]
    return made


def _fitted(ref: Any, value: Any, validate_shape: bool = True) -> Any:
    target = symbol_of(ref)
    if not hasattr(target, "assigned_by_session"):
        raise TypeError(f"only variables can be assigned, not {ref}")
    made = convert(value, target.dtype)
    if validate_shape and not TensorShape(target.shape).is_compatible_with(made.shape):
        raise ValueError(
            f"Dimensions must be equal, but are {target.shape} and {made.shape} for assigning "
            f"{target.name}"
        )
    return made


def assign(ref, value, validate_shape: Any = None, use_locking: Any = None, name: Any = None):
    """`tf.assign`: set a variable; the tensor is its new value."""
    made = _fitted(ref, value, validate_shape is not False)
    return _assigning(ref, same, (made,), "Assign", name)


def assign_add(ref: Any, value: Any, use_locking: Any = None, name: Any = None) -> Any:
    """`tf.assign_add`."""
    return _assigning(ref, _plus, (symbol_of(ref), _fitted(ref, value)), "AssignAdd", name)


def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: Any = None) -> Any:
    """`tf.assign_sub`."""
    return _assigning(ref, _minus, (symbol_of(ref), _fitted(ref, value)), "AssignSub", name)


def _plus(a: Any, b: Any) -> Any:
    return a + b


def _minus(a: Any, b: Any) -> Any:
    return a - b


def _scattered(method: str) -> Callable:
    def change(value: Any, indices: Any, updates: Any) -> Any:
        return getattr(jnp.asarray(value).at[jnp.asarray(indices)], method)(updates)

    def scatter(ref: Any, indices: Any, updates: Any, use_locking=None, name: Any = None) -> Any:
        target = symbol_of(ref)
        rows = convert(updates, target.dtype)
        return _assigning(ref, change, (target, convert(indices), rows), "Scatter", name)

    scatter.__doc__ = f"Change rows of a variable by `{method}`."
    return scatter


scatter_update, scatter_add, scatter_sub = map(_scattered, ("set", "add", "subtract"))
scatter_mul, scatter_div = map(_scattered, ("multiply", "divide"))
scatter_min, scatter_max = map(_scattered, ("min", "max"))


# ---- collections, and initialization


def get_collection(key: Any, scope: str | None = None) -> list:
    """`tf.get_collection`."""
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Any) -> list:
    """`tf.get_collection_ref`: the list itself."""
    return get_default_graph().get_collection_ref(key)


def add_to_collection(name: Any, value: Any) -> None:
    """`tf.add_to_collection`."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """`tf.add_to_collections`."""
    get_default_graph().add_to_collections(names, value)


def global_variables(scope: str | None = None) -> list:
    """`tf.global_variables`: all variables."""
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


all_variables = global_variables


def trainable_variables(scope: str | None = None) -> list:
    """`tf.trainable_variables`."""
    return get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list:
    """`tf.local_variables`."""
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list:
    """`tf.model_variables`."""
    return get_collection(GraphKeys.MODEL_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list:
    """`tf.moving_average_variables`."""
    return get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Any, name: str = "init") -> Any:
    """`tf.variables_initializer`: an operation that sets variables to their initial values."""
    graph = get_default_graph()
    own = [one.initializer for one in var_list if hasattr(one, "initializer")]
    with graph.control_dependencies(None):
        made = Operation(None, name=name, kind="NoOp")
    made.op = _none
    made.controls = tuple(own)
    made.initializes = True  # type: ignore[attr-defined]
    return made


initialize_variables = variables_initializer


def _none() -> None:
    return None


def global_variables_initializer() -> Any:
    """`tf.global_variables_initializer`."""
    return variables_initializer(global_variables())


initialize_all_variables = global_variables_initializer


def local_variables_initializer() -> Any:
    """`tf.local_variables_initializer`."""
    return variables_initializer(local_variables())


initialize_local_variables = local_variables_initializer


def is_variable_initialized(variable: Any) -> Any:
    """`tf.is_variable_initialized`: whether it has a value in the session that runs it."""
    return apply(
        _initialized, (), {"variable": _Held(variable)}, specs=Spec((), "bool"), on_host=True
    )


class _Held:
    def __init__(self, variable: Any):
        self.variable = variable


def _initialized(variable: _Held) -> Any:
    return np.asarray(variable.variable in session_here().values)


def report_uninitialized_variables(var_list: Any = None, name: str = "report") -> Any:
    """`tf.report_uninitialized_variables`: the names of those without values."""
    chosen = global_variables() + local_variables() if var_list is None else list(var_list)
    held = [_Held(one) for one in chosen]
    return apply(
        _missing, (), {"held": tuple(held)}, name=name, specs=Spec((None,), "string"), on_host=True
    )


def _missing(held: tuple) -> Any:
    values = session_here().values
    names = [h.variable.op.name.encode() for h in held if h.variable not in values]
    return np.array(names, object)


def group(*inputs: Any, name: str | None = None, **options: Any) -> Any:
    """`tf.group`: an operation that runs others."""
    graph = get_default_graph()
    given = [
        one
        for listed in inputs
        for one in (listed if isinstance(listed, list | tuple) else [listed])
    ]
    with graph.control_dependencies([one for one in given if node_of(one) is not None]):
        return no_op(name or "group_deps")


def no_op(name: str | None = None) -> Any:
    """`tf.no_op`: an operation that does nothing, after its control inputs."""
    made = Operation(_none, name=name, kind="NoOp")
    made.initializes = bool(made.controls) and all(  # type: ignore[attr-defined]
        getattr(one, "initializes", False) for one in made.controls
    )
    return made


def count(shape: Any) -> int:
    """The number of elements of a shape."""
    return math.prod(shape)
