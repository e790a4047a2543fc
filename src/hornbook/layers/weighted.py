"""`Weighted`: a module whose weights can be frozen, listed and assigned, and with added losses."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import initializers, regularizers
from hornbook.core.dtype import DTypePolicy, DTypePolicyMap, get_policy, is_float
from hornbook.core.module import Module, new_structure
from hornbook.core.taping import through
from hornbook.core.variable import Variable, current_scope, name_scope, thread


class Weighted(Module):
    """The part of a layer that manages its variables; `Layer` is the other part."""

    built: bool
    _policy: DTypePolicy
    _policy_changed = False
    _trainable: bool
    _added: list[Variable]
    _loss_values: list
    _loss_functions: list[Callable]

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtypes it computes and stores weights in. It may be set, to a policy or a name;
        existing weights keep their dtype, but a quantized policy quantizes them. In a map of
        policies, the layer's own entry is set."""
        return self._policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any):
        policy = get_policy(value)
        if isinstance(self._policy, DTypePolicyMap) and not isinstance(policy, DTypePolicyMap):
            self._policy.pop(self.path, None)
            self._policy[self.path] = policy
        else:
            self._policy = policy
        self._policy_changed = True
        new_structure()
        if self.built and self.quantization_mode and not getattr(self, "_forms", True):
            self.quantize(self.quantization_mode)

    @property
    def quantization_mode(self) -> str | None:
        """How its kernel is stored: `"int8"`, `"int4"`, `"float8"`, or `None` for an array."""
        return self._policy.of(self.path).quantization_mode

    def quantize(self, mode: Any = None, type_check: bool = True, config: Any = None) -> None:
        """Store the kernel in fewer bits, if the layer has one; see `Model.quantize`.

        Args:
            mode, type_check, config: see `Dense.quantize`.

        Raises:
            NotImplementedError: for a layer without a quantized form.
        """
        raise NotImplementedError(
            f"layer {self.name!r} ({type(self).__name__}) has no quantized form: only Dense, "
            "EinsumDense, Embedding and ReversibleEmbedding have one"
        )

    @property
    def compute_dtype(self) -> str:
        """The dtype it computes in."""
        return self._policy.of(self.path).compute_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype of symbolic inputs created for it."""
        return self.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype its weights are stored in."""
        return self._policy.of(self.path).variable_dtype

    @property
    def dtype(self) -> str:
        """The dtype its weights are stored in."""
        return self.variable_dtype

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
        overwrite_with_gradient: bool = False,
        name: str | None = None,
        kind: str | None = None,
    ) -> Variable:
        """Create a variable of this layer.

        Args:
            shape: its shape; `()` by default.
            initializer: a name, an initializer, a callable, or an array; default `"glorot_uniform"`
                for floats, zeros for other dtypes.
            dtype: default the layer's variable dtype.
            trainable: whether training updates it.
            autocast: whether reads are cast to the compute dtype.
            regularizer: adds a penalty to the loss.
            constraint: applied after each update.
            aggregation: accepted for Keras compatibility; there is one copy of each variable.
            overwrite_with_gradient: whether its gradient replaces its value.
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
        if overwrite_with_gradient:
            variable.overwrite_with_gradient = True
        self._added.append(variable)
        Module.__setattr__(self, "_added", self._added)
        return variable

    def add_variable(
        self,
        shape: tuple | None,
        initializer: Any,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Create a variable of this layer; the same as `add_weight`.

        Args:
            shape, initializer, dtype, trainable, autocast, regularizer, constraint, name: see
                `add_weight`.
        """
        return self.add_weight(
            shape, initializer, dtype, trainable, autocast, regularizer, constraint, name=name
        )

    @property
    def variables(self) -> list[Variable]:
        """All variables of this layer and its sublayers, with seeds but without metrics."""
        return [v for v in self._all_variables() if v.kind != "metric"]

    @property
    def weights(self) -> list[Variable]:
        """The variables saved to files: trainable or not, without seeds and metrics."""
        return [v for v in self._all_variables() if v.kind in ("weight", "state")]

    def _trainable_ids(self) -> set[int]:
        found: set[int] = set()
        stack: list[Module] = [self]
        visited: set[int] = set()
        while stack:
            module = stack.pop()
            if id(module) in visited or not getattr(module, "trainable", True):
                continue
            visited.add(id(module))
            found |= {
                id(v) for v in module._owned_variables() if v.trainable and v.kind == "weight"
            }
            stack.extend(module._child_modules())
        return found

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training updates."""
        trainable = self._trainable_ids()
        return [v for v in self.weights if id(v) in trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not update."""
        trainable = self._trainable_ids()
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that training updates."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that the optimizer does not update."""
        trainable = self._trainable_ids()
        return [v for v in self.variables if id(v) not in trainable]

    @property
    def trainable(self) -> bool:
        """Whether training updates this layer. Setting it also sets it on all sublayers.

        A model reads these flags at `compile`; after changing them, call `compile` again.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool):
        value = bool(value)
        for module in self._all_modules():
            if isinstance(module, Weighted):
                module._trainable = value
                for variable in module._owned_variables():
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

    def save_own_variables(self, store: dict) -> None:
        """Write the values of its own variables to a store; a subclass may write others.

        Args:
            store: maps names to arrays; filled by this method.
        """
        for number, variable in enumerate(self._own_weights()):
            store[str(number)] = variable.raw

    def load_own_variables(self, store: dict) -> None:
        """Assign its own variables from a store written by `save_own_variables`.

        Args:
            store: maps names to arrays.

        Raises:
            ValueError: if their number or a shape differs.
        """
        variables = self._own_weights()
        if len(store) != len(variables):
            raise ValueError(
                f"layer {self.name!r} has {len(variables)} variables of its own; "
                f"the file has {len(store)} for it"
            )
        for number, variable in enumerate(variables):
            variable.assign(store[str(number)])

    def _own_weights(self) -> list[Variable]:
        return [v for v in self._owned_variables() if v.kind in ("weight", "state")]

    def count_params(self) -> int:
        """The number of parameters in its weights.

        Raises:
            ValueError: if it is not built yet.
        """
        if not self.built:
            raise ValueError(f"layer {self.name!r} is not built: its weights have no shapes yet")
        return sum(variable.size for variable in self.weights)

    @property
    def metrics(self) -> list:
        """The metrics among its attributes and those of its sublayers."""
        return [module for module in self._all_modules() if module._is_metric]

    @property
    def path(self) -> str:
        """The names of the layers around it and its own, joined by `/`, as it was built."""
        return self.__dict__.get("_path") or self._path_now()

    def _note_path(self) -> None:
        self._path = self._path_now()

    def _path_now(self) -> str:
        scope = current_scope()
        if scope.rpartition("/")[2] == self.name:
            return scope
        return f"{scope}/{self.name}" if scope else self.name

    # ---- losses

    def add_loss(self, loss: Any) -> None:
        """Add to the training loss: in `call`, a value that depends on the inputs; anywhere, a
        function without arguments.

        Args:
            loss: a scalar or array (its mean is added), a list of them, or a callable.
        """
        for one in loss if isinstance(loss, list | tuple) else [loss]:
            if callable(one):
                self._loss_functions.append(one)
            elif thread.calls:
                thread.calls[-1].losses.append(through(jnp.mean, _array(one)))
            else:
                self._loss_values.append(through(jnp.mean, _array(one)))

    def _regularization_losses(self) -> list:
        """Losses from regularizers of trainable weights and from functions given to `add_loss`."""
        weights = self.trainable_weights
        losses = [through(one, v.raw) for v in weights if (one := v.regularizer) is not None]
        for module in self._all_modules():
            losses += [function() for function in getattr(module, "_loss_functions", ())]
        return losses

    @property
    def losses(self) -> list:
        """Scalars added to the loss: from the last call and from regularizers."""
        values = thread.calls[-1].losses if thread.calls else self._loss_values
        return [*values, *self._regularization_losses()]

    def _check_initialized(self) -> None:
        if "_initialized" not in self.__dict__:
            raise RuntimeError(
                f"{type(self).__name__}.__init__ must call super().__init__(**kwargs) first"
            )


def _array(value: Any) -> Any:
    return value if isinstance(value, jax.Array) else jnp.asarray(value)
