"""`Layer`: a module that can be called. It builds itself on first use, records symbolic calls, and
lets dtypes, masks and the training flag travel, so that `call` holds the formula alone."""

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import initializers, regularizers
from hornbook.core import tree
from hornbook.core.config import Configurable, arguments, nearest, serialize
from hornbook.core.dtype import DTypePolicy, get_policy, is_float
from hornbook.core.mask import get_mask, get_masks, set_mask
from hornbook.core.module import Module
from hornbook.core.symbolic import (
    Node,
    Operators,
    SymbolicTensor,
    has_symbolic,
    infer,
    symbolic_leaves,
)
from hornbook.core.variable import (
    Variable,
    bind,
    compute_dtype,
    current_scope,
    name_scope,
)
from hornbook.layers.spec import check_inputs


# What Keras's configs say of quantizers and adapters that a layer does not have.
ABSENT = ("quantization_config", "lora_rank", "lora_alpha", "gptq_unpacked_column_size")


class _Call:
    """What is true for one outermost call: the training flag, and the losses added on the way."""

    def __init__(self, training: bool | None, losses: list):
        self.training = training
        self.losses = losses


class _Thread(threading.local):
    def __init__(self):
        self.calls: list[_Call] = []
        self.watchers: list[Callable] = []


_thread = _Thread()


@contextmanager
def collect_losses() -> Iterator[list]:
    """Inside, what layers add with `add_loss` lands in the list that this yields."""
    call = _Call(None, [])
    _thread.calls.append(call)
    try:
        yield call.losses
    finally:
        _thread.calls.pop()


@contextmanager
def watch_calls(watcher: Callable) -> Iterator[None]:
    """Inside, `watcher(layer, inputs, outputs)` is told of each layer's call when it ends."""
    _thread.watchers.append(watcher)
    try:
        yield
    finally:
        _thread.watchers.pop()


@functools.lru_cache(maxsize=4096)
def _parameters(function: Callable) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)


class Layer(Module):
    """A callable with weights: `build(input_shape)` makes them, `call(inputs)` computes.

    Args:
        activity_regularizer: called with each output; what it returns is added to the loss.
        trainable: whether training changes its weights.
        dtype: a dtype policy or its name: `"float32"`, `"mixed_bfloat16"`, ...
        autocast: whether floating-point inputs are cast to the compute dtype.
        name: default the class's name in snake case, numbered.
        input_shape: shape of one sample; lets a `Sequential` build at once.
        batch_input_shape: the same with the batch size in front.
        input_dim: the same for samples that are vectors.

    Raises:
        TypeError: for an unknown argument, with the nearest known ones.

    Example:
        >>> import hornbook as keras
        >>> class Scale(keras.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")
        ...     def call(self, x):
        ...         return x * self.factor
        >>> Scale()(np.ones((2, 3))).shape
        (2, 3)
    """

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        input_shape: tuple | None = None,
        batch_input_shape: tuple | None = None,
        batch_shape: tuple | None = None,
        batch_size: int | None = None,
        input_dim: int | None = None,
        **unknown: Any,
    ):
        if unknown:
            known = {*_parameters(Layer.__init__), *_parameters(type(self).__init__)}
            wrong = next(iter(unknown))
            raise TypeError(
                f"{type(self).__name__} takes no argument {wrong!r}. "
                f"{nearest(wrong, known - {'self', 'unknown', 'kwargs'})}"
            )
        Module.__init__(self, name=name)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = bool(trainable)
        self.dtype_policy: DTypePolicy = get_policy(dtype)
        self.autocast = autocast
        self.built = False
        self.supports_masking = False
        self.input_spec: Any = None
        self._added: list[Variable] = []
        self._nodes: list[Node] = []
        self._loss_values: list = []
        self._loss_functions: list[Callable] = []
        self._warned_mask = False
        if input_dim is not None:
            input_shape = (input_dim,)
        if input_shape is not None:
            size = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
            batch_input_shape = (batch_size, *size)
        self.batch_input_shape = batch_input_shape or batch_shape
        self._initialized = True

    # ---- dtypes

    @property
    def compute_dtype(self) -> str:
        """The dtype it computes in."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype its weights are stored in."""
        return self.dtype_policy.variable_dtype

    @property
    def dtype(self) -> str:
        """The dtype its weights are stored in."""
        return self.variable_dtype

    # ---- weights

    def add_weight(
        self,
        shape: tuple | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = None,
        name: str | None = None,
        kind: str | None = None,
    ) -> Variable:
        """Make a variable of this layer.

        Args:
            shape: its shape; `()` by default.
            initializer: a name, an initializer, a callable, or an array; default `"glorot_uniform"`
                for floats, zeros for other dtypes.
            dtype: default the layer's variable dtype.
            trainable: whether training changes it.
            autocast: whether it is read in the compute dtype.
            regularizer: adds to the loss.
            constraint: applied after each update.
            aggregation: accepted for Keras's sake; there is one copy of each variable.
            name: the last part of its path.
            kind: see `Variable`.
        """
        self._check_initialized()
        dtype = dtype or self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float(np.dtype(jnp.dtype(dtype))) else "zeros"
        if isinstance(initializer, str | dict):
            initializer = initializers.get(initializer)
        inside = current_scope().rpartition("/")[2] == self.name
        with nullcontext() if inside else name_scope(self.name):
            variable = Variable(
                initializer,
                shape=() if shape is None and callable(initializer) else shape,
                dtype=dtype,
                trainable=trainable,
                name=name,
                kind=kind,
                autocast=autocast,
                regularizer=regularizers.get(regularizer),
                constraint=constraint,
            )
        self._added.append(variable)
        Module.__setattr__(self, "_added", self._added)
        return variable

    @property
    def variables(self) -> list[Variable]:
        """Every variable of this layer and those below it, seeds and metrics included."""
        return self.all_variables()

    @property
    def weights(self) -> list[Variable]:
        """The variables that a file keeps: trainable or not, without seeds and metrics."""
        return [v for v in self.all_variables() if v.kind in ("weight", "state")]

    def _trainable_ids(self) -> set[int]:
        found: set[int] = set()
        stack: list[Module] = [self]
        visited: set[int] = set()
        while stack:
            module = stack.pop()
            if id(module) in visited or not getattr(module, "trainable", True):
                continue
            visited.add(id(module))
            found |= {id(v) for v in module.owned_variables() if v.trainable and v.kind == "weight"}
            stack.extend(module.children())
        return found

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        trainable = self._trainable_ids()
        return [v for v in self.weights if id(v) in trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change."""
        trainable = self._trainable_ids()
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that training changes."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that the optimizer does not change."""
        trainable = self._trainable_ids()
        return [v for v in self.variables if id(v) not in trainable]

    @property
    def trainable(self) -> bool:
        """Whether training changes this layer. Setting it sets it for every layer below too.

        A model takes these flags at `compile`; after changing them, call `compile` again.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool):
        value = bool(value)
        for module in self.modules():
            if isinstance(module, Layer):
                module._trainable = value
                for variable in module.owned_variables():
                    if variable.kind == "weight":
                        variable.trainable = value

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights as numpy arrays, in the order of `weights`."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: list) -> None:
        """Assign all weights.

        Args:
            weights: arrays in the order and shapes of `get_weights()`.

        Raises:
            ValueError: if their number or a shape differs.
        """
        variables = self.weights
        if len(variables) != len(weights):
            raise ValueError(
                f"layer {self.name!r} has {len(variables)} weights; "
                f"set_weights got {len(weights)} arrays"
            )
        for variable, value in zip(variables, weights, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"weight {variable.path!r} of layer {self.name!r} has shape {variable.shape}; "
                    f"set_weights got an array of shape {np.shape(value)}"
                )
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of numbers in its weights.

        Raises:
            ValueError: if it has no weights yet.
        """
        if not self.built:
            raise ValueError(f"layer {self.name!r} is not built: its weights have no shapes yet")
        return sum(variable.size for variable in self.weights)

    @property
    def metrics(self) -> list:
        """The metrics among its attributes and those of the layers below."""
        return [m for m in self.modules() if callable(getattr(m, "update_state", None))]

    @property
    def layers(self) -> list["Layer"]:
        """The layers directly below this one."""
        return [child for child in self.children() if isinstance(child, Layer)]

    @property
    def path(self) -> str:
        """Name, with the scopes around it."""
        scope = current_scope()
        return f"{scope}/{self.name}" if scope else self.name

    # ---- losses

    def add_loss(self, loss: Any) -> None:
        """Add to what training minimizes: call this in `call` with a value that depends on inputs,
        or anywhere with a function of no arguments.

        Args:
            loss: a scalar or array (its mean counts), a list of them, or a callable.
        """
        for one in loss if isinstance(loss, list | tuple) else [loss]:
            if callable(one):
                self._loss_functions.append(one)
            elif _thread.calls:
                _thread.calls[-1].losses.append(jnp.mean(jnp.asarray(one)))
            else:
                self._loss_values.append(jnp.mean(jnp.asarray(one)))

    def regularization_losses(self) -> list:
        """What the regularizers of the trainable weights, and functions given to `add_loss`, say."""
        losses = [v.regularizer(v.raw) for v in self.trainable_weights if v.regularizer is not None]
        for module in self.modules():
            losses += [function() for function in getattr(module, "_loss_functions", ())]
        return losses

    @property
    def losses(self) -> list:
        """Scalars that are added to the loss: from the last call, and from regularizers."""
        values = _thread.calls[0].losses if _thread.calls else self._loss_values
        return [*values, *self.regularization_losses()]

    # ---- building

    def build(self, input_shape: Any = None) -> None:
        """Make the weights. Called once, with the shape of the first inputs."""
        self.built = True

    def get_build_config(self) -> dict | None:
        """What `build` was called with."""
        shapes = self.__dict__.get("_build_shapes")
        return shapes if shapes is None or "input_shape" in shapes else {"shapes_dict": shapes}

    def build_from_config(self, config: dict) -> None:
        """Build as `get_build_config` says."""
        shapes = config.get("shapes_dict", config)
        if shapes:
            self._build({key: _as_shape(value) for key, value in shapes.items()})

    def _build(self, shapes: dict[str, Any]) -> None:
        """Call `build` with the shapes its signature asks for."""
        parameters = [p for p in _parameters(type(self).build).values() if p.name != "self"]
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        first = next(iter(shapes.values()), None)
        inside = current_scope().rpartition("/")[2] == self.name
        with nullcontext() if inside else name_scope(self.name):
            if len(named) <= 1:
                self.build(*([first] if parameters else []))
                shapes = {"input_shape": first}
            else:
                wanted = {p.name: shapes.get(p.name) for p in named}
                if wanted[named[0].name] is None:
                    wanted[named[0].name] = first
                given = {
                    key: shape
                    for key, shape in wanted.items()
                    if shape is not None or _parameters(type(self).build)[key].default is not None
                }
                self.build(**given)
                shapes = given
        self.built = True
        self._build_shapes = shapes

    def _ensure_built(self, args: tuple, kwargs: dict) -> None:
        if not self.built:
            self._check_initialized()
            names = [n for n in _parameters(type(self).call) if n != "self"]
            given = dict(zip(names, args, strict=False)) | kwargs
            if len(args) > len(names):  # call(*inputs)
                given = {f"input{i}": arg for i, arg in enumerate(args)} | kwargs
            shapes = {
                f"{name}_shape": _shape_of(value) for name, value in given.items() if _has_tensor(value)
            }
            self._build(shapes)

    def _check_initialized(self):
        if "_initialized" not in self.__dict__:
            raise RuntimeError(
                f"{type(self).__name__}.__init__ must begin with super().__init__(**kwargs)"
            )

    # ---- calling

    def call(self, *args, **kwargs):
        """The formula: from inputs to outputs."""
        raise NotImplementedError(f"{type(self).__name__} has no call(self, inputs) method")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the layer to arrays, or record its call on symbolic tensors."""
        self._check_initialized()
        args = tuple(self._convert(arg) for arg in args)
        kwargs = {key: self._convert(value) for key, value in kwargs.items()}
        try:
            if has_symbolic(args) or has_symbolic(kwargs):
                return self._record(args, kwargs)
            return self._run(args, kwargs)
        except Exception as error:
            shapes = [_describe(leaf) for leaf in tree.walk((args, kwargs)) if hasattr(leaf, "shape")]
            error.add_note(f"in layer {self.name!r} ({type(self).__name__}), given {', '.join(shapes)}")
            raise

    def _convert(self, value: Any) -> Any:
        """numpy arrays become JAX arrays; floats get the compute dtype."""
        if isinstance(value, SymbolicTensor | None | bool | int | float | str):
            return value
        if isinstance(value, list | tuple | dict):
            if _is_plain_numbers(value):
                value = np.asarray(value)
            else:
                return tree.map_structure(self._convert, value)
        if isinstance(value, Variable):
            value = value.value
        if not isinstance(value, jax.Array | np.ndarray | np.generic):
            if not (hasattr(value, "__array__") and hasattr(value, "shape")):
                return value
            value = np.asarray(value)
        if not jnp.issubdtype(value.dtype, jax.dtypes.prng_key) and is_float(value.dtype):
            if not self.autocast:
                return jnp.asarray(value)
            if value.dtype != self.compute_dtype:
                mask = get_mask(value)
                value = jnp.asarray(value, self.compute_dtype)
                set_mask(value, mask)
                return value
        elif value.dtype == object:
            raise TypeError(
                f"layer {self.name!r} got an array of Python objects (dtype object); "
                "convert it to numbers first"
            )
        return value if isinstance(value, jax.Array) else jnp.asarray(value)

    def _run(self, args: tuple, kwargs: dict) -> Any:
        with name_scope(self.name):
            self._ensure_built(args, kwargs)
            inputs = args[0] if args else next(iter(kwargs.values()), None)
            if self.input_spec is not None:
                check_inputs(self.input_spec, inputs, self.name)
            outer = _thread.calls[-1] if _thread.calls else None
            call = _Call(self._training(kwargs, outer), outer.losses if outer else [])
            masks = get_masks(inputs)
            kwargs = self._with_flags(args, kwargs, call.training)
            _thread.calls.append(call)
            try:
                with compute_dtype(self.compute_dtype if self.autocast else None):
                    outputs = self.call(*args, **kwargs)
            finally:
                _thread.calls.pop()
            self._pass_mask(inputs, outputs, masks)
            if self.activity_regularizer is not None:
                for leaf in tree.flatten(outputs):
                    call.losses.append(self.activity_regularizer(leaf))
            if outer is None:
                vars(self)["_loss_values"] = call.losses  # no change of structure
            if "_output_shapes" not in vars(self):
                shapes = [tuple(leaf.shape) for leaf in tree.walk(outputs) if hasattr(leaf, "shape")]
                vars(self)["_output_shapes"] = [(None, *shape[1:]) if shape else () for shape in shapes]
            for watcher in _thread.watchers:
                watcher(self, inputs, outputs)
        return outputs

    def _training(self, kwargs: dict, outer: _Call | None) -> bool | None:
        if kwargs.get("training") is not None:
            return bool(kwargs["training"])
        if outer is not None and outer.training is not None:
            return outer.training
        parameter = _parameters(type(self).call).get("training")
        default = parameter.default if parameter is not None else None
        return default if isinstance(default, bool) else None

    def _with_flags(self, args: tuple, kwargs: dict, training: bool | None) -> dict:
        """Fill in `training` and the masks, where `call` has parameters for them."""
        parameters = _parameters(type(self).call)
        names = [name for name in parameters if name != "self"]
        given = {*names[: len(args)], *kwargs}
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        extra: dict[str, Any] = {}
        if "training" in parameters:
            if "training" not in names[: len(args)]:
                extra["training"] = bool(training) if training is not None else False
        elif "training" in kwargs and not takes_any:
            kwargs = {key: value for key, value in kwargs.items() if key != "training"}
        for position, name in enumerate(names):
            key = "mask" if position == 0 and "mask" in parameters else f"{name}_mask"
            if key in parameters and key not in given:
                value = args[position] if position < len(args) else kwargs.get(name)
                mask = get_masks(value)
                if mask is not None:
                    extra[key] = mask
        return {**kwargs, **extra}

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs. By default the inputs' mask, for layers with
        `supports_masking`."""
        return previous_mask

    def _pass_mask(self, inputs: Any, outputs: Any, masks: Any) -> None:
        overridden = type(self).compute_mask is not Layer.compute_mask
        if not (self.supports_masking or overridden):
            if masks is not None and not self._warned_mask:
                self._warned_mask = True
                warnings.warn(
                    f"layer {self.name!r} ({type(self).__name__}) does not support masking: the mask "
                    "of its input ends here, and later layers see padding as data",
                    stacklevel=4,
                )
            return
        leaves = [leaf for leaf in tree.flatten(outputs) if hasattr(leaf, "shape")]
        if masks is None and not overridden:
            return
        if leaves and all(get_mask(leaf) is not None for leaf in leaves):
            return
        computed = self.compute_mask(inputs, masks)
        if computed is not None:
            for leaf, mask in zip(leaves, tree.flatten(computed), strict=False):
                if mask is not None:
                    set_mask(leaf, mask)

    # ---- symbolic calls

    def _record(self, args: tuple, kwargs: dict) -> Any:
        node = Node(self, args, kwargs)
        with name_scope(self.name):
            self._ensure_built(args, kwargs)
        masked = [leaf for leaf in dict.fromkeys(node.inputs) if leaf.mask is not None]

        def abstract(args, kwargs, masked, masks):
            for leaf, mask in zip(masked, masks, strict=True):
                set_mask(leaf, mask)
            with bind({}), collect_losses():
                outputs = self._run(args, kwargs)
            return outputs, [get_mask(leaf) for leaf in jax.tree.leaves(outputs)]

        specs, masks = infer(abstract, (args, kwargs, masked, [leaf.mask for leaf in masked]), {})
        node.outputs = jax.tree.map(lambda s: SymbolicTensor(s.shape, s.dtype, node), specs)
        for tensor, mask in zip(jax.tree.leaves(node.outputs), masks, strict=True):
            if mask is not None:
                tensor.mask = SymbolicTensor(mask.shape, mask.dtype, name=f"{tensor.name}_mask")
        self._nodes.append(node)
        return node.outputs

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the outputs for inputs of these shapes (`None`: unknown)."""
        inputs = [
            tree_of_symbols(shape, self.compute_dtype)
            for shape in [*args, *(v for k, v in kwargs.items() if k.endswith("_shape"))]
        ]
        return jax.tree.map(lambda s: s.shape, self.compute_output_spec(*inputs))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors with the shapes and dtypes of the outputs; nothing is recorded."""
        count = len(self._nodes)
        outputs = self._record(args, kwargs)
        del self._nodes[count:]
        return outputs

    @property
    def input(self) -> Any:
        """The symbolic input of its first recorded call."""
        node = self._first_node("input")
        inputs = node.inputs if node.inputs else node.outputs
        return inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else inputs

    @property
    def output(self) -> Any:
        """The symbolic output of its first recorded call."""
        return self._first_node("output").outputs

    def _first_node(self, what: str) -> Node:
        if not self._nodes:
            raise AttributeError(
                f"layer {self.name!r} has no symbolic {what}: it has not been called on an Input"
            )
        return self._nodes[0]

    def stateless_call(
        self,
        trainable_variables: list,
        non_trainable_variables: list,
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple:
        """Call with these values in the variables' place; nothing is assigned.

        Args:
            trainable_variables: values in the order of `self.trainable_variables`.
            non_trainable_variables: values in the order of `self.non_trainable_variables`.
            *args: arguments of the call.
            return_losses: whether the added losses come back too.
            **kwargs: arguments of the call.

        Returns:
            `(outputs, non_trainable_variables)`, and the losses if asked.
        """
        fixed = self.non_trainable_variables
        values = dict(zip(self.trainable_variables, trainable_variables, strict=True))
        values |= dict(zip(fixed, non_trainable_variables, strict=True))
        with bind(values) as scope, collect_losses() as losses:
            outputs = self(*args, **kwargs)
            losses = [*losses, *self.regularization_losses()] if return_losses else []
        updated = [scope[variable] for variable in fixed]
        return (outputs, updated, losses) if return_losses else (outputs, updated)

    # ---- config

    def get_config(self) -> dict:
        """Constructor arguments, name, trainable and dtype as plain data."""
        live = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype_policy.name}
        try:
            given = {k: serialize(v, strict=False) for k, v in arguments(self).items()}
        except NotImplementedError:
            given = {}
        return {**live, **given, "name": self.name, "trainable": self.trainable}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """A layer made from what `get_config` returned."""
        parameters = _parameters(cls.__init__)
        config = {
            key: value
            for key, value in config.items()
            if value is not None or key not in ABSENT or key in parameters
        }
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        later = {
            key: config.pop(key)
            for key in ("name", "trainable", "dtype")
            if key in config and key not in parameters and not takes_any
        }
        layer = Configurable.from_config.__func__(cls, config)  # type: ignore[attr-defined]
        if "name" in later:
            layer.name = later["name"]
        if not later.get("trainable", True):
            layer.trainable = False
        if "dtype" in later:
            layer.dtype_policy = get_policy(later["dtype"])
        return layer

    def __setattr__(self, name: str, value: Any):
        if "_initialized" not in self.__dict__ and isinstance(value, Layer | Variable):
            self._check_initialized()
        Module.__setattr__(self, name, value)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def tree_of_symbols(shape: Any, dtype: str) -> Any:
    """Symbolic tensors for a shape, or for a structure of shapes."""
    if isinstance(shape, dict):
        return {key: tree_of_symbols(child, dtype) for key, child in shape.items()}
    if shape and isinstance(shape, list | tuple) and isinstance(shape[0], list | tuple | dict):
        return [tree_of_symbols(child, dtype) for child in shape]
    return SymbolicTensor(tuple(shape), dtype)


def _is_plain_numbers(value: Any) -> bool:
    """A nested list of numbers is an array; a list of arrays is several inputs."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return isinstance(value, bool | int | float | np.generic)


def _has_tensor(value: Any) -> bool:
    return any(isinstance(leaf, jax.Array | np.ndarray | Operators) for leaf in tree.walk(value))


def _shape_of(value: Any) -> Any:
    return tree.map_structure(lambda leaf: tuple(getattr(leaf, "shape", ())), value)


def _as_shape(value: Any) -> Any:
    """JSON's lists back to shapes."""
    if isinstance(value, dict):
        return {key: _as_shape(child) for key, child in value.items()}
    if isinstance(value, list | tuple) and all(v is None or isinstance(v, int) for v in value):
        return tuple(value)
    return [_as_shape(child) for child in value] if isinstance(value, list | tuple) else value


def _describe(leaf: Any) -> str:
    return f"{tuple(leaf.shape)} {getattr(leaf, 'dtype', '')}"


__all__ = ["Layer", "collect_losses", "symbolic_leaves"]
