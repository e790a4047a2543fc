"""`tf.nn.rnn_cell`: steps of recurrent networks."""

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.compat.tensorflow1.applying import apply, convert, lift
from hornbook.compat.tensorflow1.control import flat_of, rebuilt
from hornbook.compat.tensorflow1.functions import concat, split, zeros
from hornbook.compat.tensorflow1.initializers import Const, Zeros
from hornbook.compat.tensorflow1.nn import dropout, embedding_lookup
from hornbook.compat.tensorflow1.scopes import (
    get_variable,
    get_variable_scope,
    variable_scope,
)
from hornbook.compat.tensorflow1.variables import get_collection

LSTMStateTuple = namedtuple("LSTMStateTuple", ("c", "h"))
AS_ONE = "state_is_tuple=False: the state is one tensor, c and h side by side"

sigmoid, tanh = lift(jax.nn.sigmoid, "Sigmoid"), lift(jnp.tanh, "Tanh")
relu = lift(jax.nn.relu, "Relu")


class RNNCell:
    """A step of a recurrent network: `output, state = cell(inputs, state)`.

    A subclass defines `call`, or `__call__`, and `state_size` and `output_size`.
    """

    _name_of_scope = "rnn_cell"

    def __init__(self, trainable: bool = True, name: Any = None, dtype: Any = None, **ignored: Any):
        self._scope: Any = None
        self._name, self._reuse = name, ignored.get("_reuse")
        self.trainable = trainable

    state_size: Any = None
    output_size: Any = None

    def __call__(
        self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        kept = vars(self).get("_scope")
        if kept is not None and scope is None:
            context = variable_scope(kept, reuse=True)
        elif vars(self).get("_name"):
            context = variable_scope(self._name, reuse=vars(self).get("_reuse"))
        else:
            context = variable_scope(scope, self._name_of_scope, reuse=vars(self).get("_reuse"))
        with context as entered:
            self._scope = entered
            call: Callable = self.call  # a subclass may take more
            return call(inputs, state, *args, **kwargs)

    def call(self, inputs: Any, state: Any) -> Any:
        """One step.

        Raises:
            NotImplementedError: for the class of all cells.
        """
        raise NotImplementedError(f"{type(self).__name__} has no call()")

    def zero_state(self, batch_size: Any, dtype: Any = "float32") -> Any:
        """The state of zeros for a number of samples."""
        return _zeros(self.state_size, batch_size, dtype)

    @property
    def variables(self) -> list:
        """Its variables."""
        kept = vars(self).get("_scope")
        return get_collection("variables", f"{kept.name}/") if kept is not None else []

    weights = trainable_weights = trainable_variables = variables


def _zeros(sizes: Any, batch: Any, dtype: Any) -> Any:
    if isinstance(sizes, tuple) and hasattr(sizes, "_fields"):
        return type(sizes)(*(_zeros(one, batch, dtype) for one in sizes))
    if isinstance(sizes, list | tuple) and not hasattr(sizes, "as_list"):
        return type(sizes)(_zeros(one, batch, dtype) for one in sizes)
    parts = sizes.as_list() if hasattr(sizes, "as_list") else [int(sizes)]
    return zeros([batch, *parts], dtype)


def _affine(args: list, size: int, bias: Any, kernel: Any = None, name: str = "") -> Any:
    """The product of inputs side by side with a matrix, and a number added."""
    xs = [convert(one) for one in args]
    total = sum(tuple(x.shape)[-1] for x in xs)
    w = get_variable(f"{name}kernel", [total, size], xs[0].dtype, kernel)
    b = get_variable(f"{name}bias", [size], xs[0].dtype, bias)
    return apply(_product, (xs, w, b), kind="BiasAdd")


def _product(xs: list, w: Any, b: Any) -> Any:
    x = jnp.concatenate([jnp.asarray(x) for x in xs], -1) if len(xs) > 1 else jnp.asarray(xs[0])
    return x @ w + b


class BasicRNNCell(RNNCell):
    """`tf.nn.rnn_cell.BasicRNNCell`: `tanh([x, h] W + b)`."""

    _name_of_scope = "basic_rnn_cell"

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse=None,
        name=None,
        dtype=None,
        **ignored: Any,
    ):
        super().__init__(name=name, _reuse=reuse)
        self._num_units, self._activation = num_units, activation or tanh

    state_size = output_size = property(lambda self: self._num_units)

    def call(self, inputs: Any, state: Any) -> Any:
        """One step."""
        output = self._activation(_affine([inputs, state], self._num_units, Zeros()))
        return output, output


class GRUCell(BasicRNNCell):
    """`tf.nn.rnn_cell.GRUCell`: the reset gate is applied before the product."""

    _name_of_scope = "gru_cell"

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: Any = None,
        dtype: Any = None,
        **ignored: Any,
    ):
        super().__init__(num_units, activation, reuse, name)
        self._kernel, self._bias = kernel_initializer, bias_initializer

    def call(self, inputs: Any, state: Any) -> Any:
        """One step."""
        size = self._num_units
        gates = sigmoid(
            _affine([inputs, state], 2 * size, self._bias or Const(1.0), self._kernel, "gates/")
        )
        r, u = split(gates, 2, 1)
        candidate = _affine(
            [inputs, r * state], size, self._bias or Zeros(), self._kernel, "candidate/"
        )
        made = u * state + (1 - u) * self._activation(candidate)
        return made, made


class _LSTM(RNNCell):
    """What LSTM cells have in common: the state, of `c` and `h`."""

    def __init__(
        self,
        num_units: int,
        forget_bias: float,
        tuple_: bool,
        activation: Any,
        reuse: Any,
        name: Any,
    ):
        super().__init__(name=name, _reuse=reuse)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._state_is_tuple, self._activation = tuple_, activation or tanh

    output_size = property(lambda self: self._num_units)

    @property
    def state_size(self) -> Any:
        """The sizes of c and h."""
        sizes = (self._num_units, self.output_size)
        return LSTMStateTuple(*sizes) if self._state_is_tuple else sum(sizes)

    def _parts(self, state: Any) -> Any:
        sizes = [self._num_units, self.output_size]
        return state if self._state_is_tuple else split(state, sizes, 1)

    def _state(self, c: Any, h: Any) -> Any:
        return LSTMStateTuple(c, h) if self._state_is_tuple else concat([c, h], 1)


class BasicLSTMCell(_LSTM):
    """`tf.nn.rnn_cell.BasicLSTMCell`: gates in the order i, j, f, o; `forget_bias` is added."""

    _name_of_scope = "basic_lstm_cell"

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        input_size: Any = None,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: Any = None,
        dtype: Any = None,
        **ignored: Any,
    ):
        super().__init__(num_units, forget_bias, state_is_tuple, activation, reuse, name)

    def call(self, inputs: Any, state: Any) -> Any:
        """One step."""
        c, h = self._parts(state)
        i, j, f, o = split(_affine([inputs, h], 4 * self._num_units, Zeros()), 4, 1)
        c = c * sigmoid(f + self._forget_bias) + sigmoid(i) * self._activation(j)
        h = self._activation(c) * sigmoid(o)
        return h, self._state(c, h)


class LSTMCell(_LSTM):
    """`tf.nn.rnn_cell.LSTMCell`: with peepholes, clipping and projection on request."""

    _name_of_scope = "lstm_cell"

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: Any = None,
        initializer: Any = None,
        num_proj: Any = None,
        proj_clip: Any = None,
        num_unit_shards: Any = None,
        num_proj_shards: Any = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: Any = None,
        dtype: Any = None,
        **ignored: Any,
    ):
        super().__init__(num_units, forget_bias, state_is_tuple, activation, reuse, name)
        self._peepholes, self._clip, self._initializer = use_peepholes, cell_clip, initializer
        self._num_proj, self._proj_clip = num_proj, proj_clip

    output_size = property(lambda self: self._num_proj or self._num_units)

    def call(self, inputs: Any, state: Any) -> Any:
        """One step."""
        n = self._num_units
        c, h = self._parts(state)
        i, j, f, o = split(_affine([inputs, h], 4 * n, Zeros(), self._initializer), 4, 1)
        if self._peepholes:
            w = {k: get_variable(f"w_{k}_diag", [n], c.dtype, self._initializer) for k in "fio"}
            f, i = f + w["f"] * c, i + w["i"] * c
        c = sigmoid(f + self._forget_bias) * c + sigmoid(i) * self._activation(j)
        if self._clip is not None:
            c = _clip(c, self._clip)
        h = sigmoid(o + w["o"] * c if self._peepholes else o) * self._activation(c)
        if self._num_proj:
            kernel = get_variable(
                "projection/kernel", [n, self._num_proj], c.dtype, self._initializer
            )
            h = apply(_matmul, (h, kernel))
            h = h if self._proj_clip is None else _clip(h, self._proj_clip)
        return h, self._state(c, h)


_clip = lift(lambda x, most: jnp.clip(x, -most, most))


def _matmul(a: Any, b: Any) -> Any:
    return jnp.asarray(a) @ b


class MultiRNNCell(RNNCell):
    """`tf.nn.rnn_cell.MultiRNNCell`: cells on top of each other."""

    _name_of_scope = "multi_rnn_cell"

    def __init__(self, cells: Any, state_is_tuple: bool = True):
        super().__init__()
        self._cells, self._state_is_tuple = list(cells), state_is_tuple

    @property
    def state_size(self) -> Any:
        """The sizes of all states."""
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    output_size = property(lambda self: self._cells[-1].output_size)

    def zero_state(self, batch_size: Any, dtype: Any = "float32") -> Any:
        """The states of zeros."""
        if not self._state_is_tuple:
            return super().zero_state(batch_size, dtype)
        return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)

    def call(self, inputs: Any, state: Any) -> Any:
        """One step of each."""
        if not self._state_is_tuple:
            state = split(state, [cell.state_size for cell in self._cells], 1)
        after = []
        for number, (cell, own) in enumerate(zip(self._cells, state, strict=True)):
            with variable_scope(f"cell_{number}"):
                inputs, made = cell(inputs, own)
            after.append(made)
        return inputs, tuple(after) if self._state_is_tuple else concat(after, 1)


class _Wrapper(RNNCell):
    def __init__(self, cell: Any):
        super().__init__()
        self._cell = cell

    state_size = property(lambda self: self._cell.state_size)
    output_size = property(lambda self: self._cell.output_size)

    def __call__(
        self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        call: Callable = self.call
        return call(inputs, state, scope)

    def zero_state(self, batch_size: Any, dtype: Any = "float32") -> Any:
        """The state of zeros."""
        return self._cell.zero_state(batch_size, dtype)


class DropoutWrapper(_Wrapper):
    """`tf.nn.rnn_cell.DropoutWrapper`: dropout of inputs, outputs and states."""

    def __init__(
        self,
        cell: Any,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: Any = None,
        dropout_state_filter_visitor: Any = None,
    ):
        super().__init__(cell)
        self._keep = (input_keep_prob, output_keep_prob, state_keep_prob)
        self._seed = seed
        if variational_recurrent:
            raise NotImplementedError(
                "DropoutWrapper(variational_recurrent=True): multiply the inputs by one "
                "tf.nn.dropout of ones before the loop instead"
            )

    def call(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """One step."""
        before, after, kept = self._keep
        output, made = self._cell(_dropped(inputs, before, self._seed), state, scope)
        if not (isinstance(kept, int | float) and kept == 1):
            h = [_dropped(one, kept, self._seed) for one in flat_of(made)]
            if isinstance(made, LSTMStateTuple):
                h[0] = made.c
            made = rebuilt(made, h)
        return _dropped(output, after, self._seed), made


def _dropped(x: Any, kept: Any, seed: Any) -> Any:
    return x if isinstance(kept, int | float) and kept == 1 else dropout(x, kept, seed=seed)


class ResidualWrapper(_Wrapper):
    """`tf.nn.rnn_cell.ResidualWrapper`: the inputs are added to the outputs."""

    def call(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """One step."""
        output, made = self._cell(inputs, state, scope)
        return output + inputs, made


class DeviceWrapper(_Wrapper):
    """`tf.nn.rnn_cell.DeviceWrapper`: the cell itself; the engine places operations."""

    def __init__(self, cell: Any, device: Any = None):
        super().__init__(cell)

    def call(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """One step."""
        return self._cell(inputs, state, scope)


class EmbeddingWrapper(_Wrapper):
    """`tf.contrib.rnn.EmbeddingWrapper`: inputs are numbers of rows of a table."""

    def __init__(
        self, cell: Any, embedding_classes: int, embedding_size: int, initializer: Any = None
    ):
        super().__init__(cell)
        self._size = [embedding_classes, embedding_size]
        self._initializer = initializer

    def call(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """One step."""
        with variable_scope(scope or "embedding_wrapper"):
            table = get_variable("embedding", self._size, initializer=self._initializer)
            return self._cell(embedding_lookup(table, _flat_ids(inputs)), state)


_flat_ids = lift(lambda x: jnp.reshape(x, (-1,)))


class OutputProjectionWrapper(_Wrapper):
    """`tf.contrib.rnn.OutputProjectionWrapper`: a layer after each output."""

    def __init__(self, cell: Any, output_size: int, activation: Any = None, reuse: Any = None):
        super().__init__(cell)
        self._size, self._activation = output_size, activation

    output_size = property(lambda self: self._size)

    def call(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """One step."""
        output, made = self._cell(inputs, state)
        with variable_scope("output_projection_wrapper", reuse=get_variable_scope().reuse):
            projected = _affine([output], self._size, Zeros())
        return (self._activation(projected) if self._activation else projected), made


class InputProjectionWrapper(_Wrapper):
    """`tf.contrib.rnn.InputProjectionWrapper`: a layer before each input."""

    def __init__(self, cell: Any, num_proj: int, activation: Any = None, **ignored: Any):
        super().__init__(cell)
        self._size, self._activation = num_proj, activation

    def call(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """One step."""
        with variable_scope("input_projection_wrapper", reuse=get_variable_scope().reuse):
            projected = _affine([inputs], self._size, Zeros())
        projected = self._activation(projected) if self._activation else projected
        return self._cell(projected, state)
