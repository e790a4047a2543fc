"""Recurrent layers that Keras does not have, against their formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbook import layers
from hornbook.core.variable import bind
from tests.parity.helper import agree, floats, weighted_sum

X, UNITS = floats(3, 4, 2), 3
MASK = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [1, 1, 1, 1]], bool)
sigmoid = jax.nn.sigmoid


def parts(z, count):
    return [z[..., i * UNITS : (i + 1) * UNITS] for i in range(count)]


def standard(z):
    return (z - z.mean(-1, keepdims=True)) / jnp.sqrt(z.var(-1, keepdims=True) + 1e-3)


def peephole(x, h, c, kernel, recurrent, bias, peepholes):
    i, f, g, o = parts(x @ kernel + h @ recurrent + bias, 4)
    p_i, p_f, p_o = parts(peepholes, 3)
    new = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * jnp.tanh(g)
    return sigmoid(o + p_o * new) * jnp.tanh(new), new


def coupled(x, h, c, kernel, recurrent, bias):
    f, g, o = parts(x @ kernel + h @ recurrent + bias, 3)
    new = sigmoid(f) * c + (1 - sigmoid(f)) * jnp.tanh(g)
    return sigmoid(o) * jnp.tanh(new), new


def normalized_lstm(x, h, c, kernel, recurrent, bias, gain_x, gain_h, gain_c, shift_c):
    z = standard(x @ kernel) * gain_x + standard(h @ recurrent) * gain_h + bias
    i, f, g, o = parts(z, 4)
    new = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
    return sigmoid(o) * jnp.tanh(standard(new) * gain_c + shift_c), new


def normalized_gru(x, h, c, kernel, recurrent, bias, gain_x, gain_h):
    def both(z, gain, bias):
        z = jnp.concatenate([standard(z[:, : 2 * UNITS]), standard(z[:, 2 * UNITS :])], -1)
        return parts(z * gain + bias, 3)

    (xz, xr, xa), (hz, hr, ha) = (
        both(x @ kernel, gain_x, bias[0]),
        both(h @ recurrent, gain_h, bias[1]),
    )
    z = sigmoid(xz + hz)
    return z * h + (1 - z) * jnp.tanh(xa + sigmoid(xr + hr) * ha), c


FORMULAS = {
    layers.PeepholeLSTM: peephole,
    layers.CoupledLSTM: coupled,
    layers.LayerNormLSTM: normalized_lstm,
    layers.LayerNormGRU: normalized_gru,
}


@pytest.mark.parametrize("cls", FORMULAS, ids=lambda cls: cls.__name__)
def test_outputs_states_and_gradients_are_those_of_the_formula(cls):
    layer = cls(UNITS, return_sequences=True, return_state=True)
    layer.build(X.shape)
    for number, weight in enumerate(layer.weights):
        weight.assign(weight.numpy() + floats(*weight.shape, seed=number) / 2)
    count = layer.cell.state_count
    first = [floats(3, UNITS, seed=1), floats(3, UNITS, seed=2)][:count]

    def ours(x, values):
        with bind(dict(zip(layer.weights, values, strict=True))):
            return layer(x, initial_state=first, mask=jnp.asarray(MASK))

    def theirs(x, values):
        h, c = (*first, first[0])[:2]
        before, outputs = h, []
        for t in range(x.shape[1]):
            keep = MASK[:, t, None]
            new = FORMULAS[cls](x[:, t], h, c, *values)
            before = jnp.where(keep, new[0], before)
            h, c = jnp.where(keep, new[0], h), jnp.where(keep, new[1], c)
            outputs.append(before)
        return jnp.stack(outputs, 1), *(h, c)[:count]

    def with_gradients(function, *given):
        def loss(*given):
            outputs = function(*given)
            return weighted_sum(outputs), outputs

        return jax.value_and_grad(loss, (0, 1), has_aux=True)(*given)

    @jax.jit
    def run(*given):
        return with_gradients(ours, *given), with_gradients(theirs, *given)

    ((_, found), slopes), ((_, wanted), expected) = run(X, [w.value for w in layer.weights])
    agree(found, wanted, "outputs", rtol=1e-4, atol=1e-5)
    agree(slopes, expected, "gradients", rtol=1e-3, atol=1e-4)


def test_the_forget_gate_starts_open():
    for cls, place in ((layers.CoupledLSTMCell, 0), (layers.PeepholeLSTMCell, 1)):
        cell = cls(2)
        cell.build((None, 3))
        wanted = np.zeros((cell.gates, 2))
        wanted[place] = 1
        assert cell.bias.numpy().tolist() == wanted.ravel().tolist()


def test_a_normalized_gru_needs_reset_after():
    with pytest.raises(ValueError, match="needs reset_after=True"):
        layers.LayerNormGRU(2, reset_after=False).build((None, 4, 3))
