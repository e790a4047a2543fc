"""JaxLayer: a pure function of parameters and inputs as a layer."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core.dtype import is_float
from hornbook.core.random import SeedGenerator, key_from
from hornbook.core.variable import Variable
from hornbook.layers.base import Layer

CALL_TAKES = ("params", "state", "rng", "inputs", "training")
INIT_TAKES = ("rng", "inputs", "training")
NO_WEIGHTS = "{} needs init_fn, params or state: its call_fn takes {}"
NOT_REMADE = (
    "layer {!r} ({}) was made with params or state and without init_fn, so that its config cannot "
    "create it again. Pass an init_fn; the file's weights then replace what it returns"
)


class JaxLayer(Layer):
    """A model written in JAX as a layer: `call_fn(params, state, rng, inputs, training)`.

    The functions take arguments of these names, in any order, and only those that they need:
    `params`, a pytree of arrays that are trained; `state`, one of arrays that are not, such as
    moving averages; `rng`, a key as `jax.random.PRNGKey` makes it, or `None` outside training;
    `inputs`, an array or a pytree of them; `training`, a bool.

    To save the model, write the functions with `def` and decorate them with
    `@register_keras_serializable()`: code itself is never written to or read from a file.

    Args:
        call_fn: returns the outputs; if it takes `state`, a pair of them and the new state.
        init_fn: called with `inputs` of ones, and with `rng` and `training=True` if it takes them;
            returns the first params or, if `call_fn` takes `state`, a pair of params and state.
        params, state: their first values, instead of those from `init_fn`. Leaves that are not
            numbers are passed on unchanged.
        seed: random seed of the keys.
        native_serialization_platforms: accepted for Keras compatibility.

    Raises:
        ValueError: for functions that take other arguments, or without initial values.

    Example:
        >>> import hornbook as keras
        >>> def call_fn(params, inputs):
        ...     return inputs @ params["w"] + params["b"]
        >>> def init_fn(rng, inputs):
        ...     return {"w": jax.random.normal(rng, (inputs.shape[-1], 3)), "b": np.zeros(3)}
        >>> layer = keras.layers.JaxLayer(call_fn, init_fn)
        >>> layer(np.ones((2, 4))).shape, len(layer.trainable_weights)
        ((2, 3), 2)
    """

    def __init__(
        self,
        call_fn: Callable,
        init_fn: Callable | None = None,
        params: Any = None,
        state: Any = None,
        seed: int | None = None,
        native_serialization_platforms: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.call_fn, self.init_fn = call_fn, init_fn
        self._call_takes = _names(self, "call_fn", call_fn, CALL_TAKES)
        self._init_takes = _names(self, "init_fn", init_fn, INIT_TAKES) if init_fn else ()
        needed = [name for name in ("params", "state") if name in self._call_takes]
        given = params is not None or state is not None
        if needed and not given and init_fn is None:
            raise ValueError(NO_WEIGHTS.format(type(self).__name__, " and ".join(needed)))
        self.seed_generator = SeedGenerator(seed) if "rng" in self._call_takes else None
        self.params, self.state = self._variables(params, True), self._variables(state, False)
        self.built = given or not needed

    # ---- weights

    def build(self, input_shape: Any = None) -> None:
        if self.params is not None or self.state is not None or not self._init_takes:
            return
        with jax.ensure_compile_time_eval():  # a layer may be built while it is traced
            given = {
                "inputs": _ones(input_shape),
                "rng": self._get_init_rng() if "rng" in self._init_takes else None,
                "training": True,
            }
            made = self.init_fn(*(given[name] for name in self._init_takes))  # type: ignore[misc]
            params, state = made if "state" in self._call_takes else (made, None)
            self.params = self._variables(params, True)
            self.state = self._variables(state, False)

    def _variables(self, values: Any, trainable: bool) -> Any:
        """The same structure with a variable for each number and array."""

        def variable(path: tuple, value: Any) -> Any:
            if not isinstance(value, bool | int | float | np.generic | np.ndarray | jax.Array):
                return value
            value = jnp.asarray(value)
            floating = is_float(value.dtype)
            name = jax.tree_util.keystr(path, simple=True, separator="_").replace("/", "_")
            return self.add_weight(
                value.shape,
                value,
                dtype=None if floating else value.dtype,
                trainable=trainable and floating,
                name=name or ("params" if trainable else "state"),
            )

        return jax.tree_util.tree_map_with_path(variable, values)

    # ---- keys: methods that subclasses may override

    def _get_init_seed(self) -> jax.Array:
        """A new key, for `_get_init_rng`."""
        return jax.random.key_data(key_from())

    def _get_init_rng(self) -> Any:
        """The `rng` of `init_fn`: a key or a structure of keys."""
        return self._get_init_seed()

    def _get_call_seed(self) -> jax.Array:
        """A new key, for `_get_call_rng`."""
        return jax.random.key_data(self.seed_generator.next())  # type: ignore[union-attr]

    def _get_call_rng(self, training: bool) -> Any:
        """The `rng` of `call_fn`: a key or a structure of keys in training, else `None`."""
        return self._get_call_seed() if training else None

    # ---- calling

    def call(self, inputs: Any, training: bool = False) -> Any:
        given = {
            "params": jax.tree.map(_value, self.params, is_leaf=_is_variable),
            "state": jax.tree.map(_value, self.state, is_leaf=_is_variable),
            "rng": self._get_call_rng(training) if self.seed_generator else None,
            "inputs": inputs,
            "training": training,
        }
        outputs = self.call_fn(*(given[name] for name in self._call_takes))
        if "state" not in self._call_takes:
            return outputs
        if not isinstance(outputs, tuple) or len(outputs) != 2:
            raise ValueError(
                f"call_fn of layer {self.name!r} takes state, and so returns (outputs, new state); "
                f"it returned {type(outputs).__name__}"
            )
        self._assign(outputs[1])
        return outputs[0]

    def _assign(self, state: Any) -> None:
        variables, form = jax.tree.flatten(self.state, is_leaf=_is_variable)
        values, found = jax.tree.flatten(state)
        if form != found:  # type: ignore[operator]
            raise ValueError(
                f"call_fn of layer {self.name!r} returned a state of another structure, {found}; "
                f"it was given {form}"
            )
        for variable, value in zip(variables, values, strict=True):
            if _is_variable(variable):
                variable.assign(value)

    # ---- configs

    def get_config(self) -> dict:
        """The functions and the other arguments as plain data, without params and state.

        Raises:
            ValueError: if it has no `init_fn`, so that the config could not create it again.
        """
        if self.init_fn is None and (self.params is not None or self.state is not None):
            raise ValueError(NOT_REMADE.format(self.name, type(self).__name__))
        config = super().get_config()
        return {key: value for key, value in config.items() if key not in ("params", "state")}


def _names(layer: Layer, what: str, function: Callable, allowed: tuple[str, ...]) -> tuple:
    """The arguments of a function, in order.

    Raises:
        ValueError: if it has others than those allowed, or no `inputs`.
    """
    names = tuple(inspect.signature(function).parameters)
    if "inputs" not in names or not set(names) <= set(allowed):
        raise ValueError(
            f"{what} of {type(layer).__name__} takes inputs and, as needed, "
            f"{', '.join(name for name in allowed if name != 'inputs')}; it has the arguments "
            f"{', '.join(names) or 'none'}"
        )
    return names


def _ones(shape: Any) -> Any:
    """An array of ones for a shape, or one for each in a structure; unknown sizes are 1."""
    if isinstance(shape, dict):
        return {key: _ones(child) for key, child in shape.items()}
    if shape and isinstance(shape[0], dict | list | tuple):
        return type(shape)([_ones(child) for child in shape])
    return jnp.ones([size or 1 for size in shape])


def _is_variable(value: Any) -> bool:
    return isinstance(value, Variable)


def _value(leaf: Any) -> Any:
    return leaf.value if isinstance(leaf, Variable) else leaf
