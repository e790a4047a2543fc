"""The workloads in plain JAX: one jitted step per batch, or one scan over the whole epoch.

A model is `apply(weights, state, *inputs) -> outputs, state`; `weights` is keyed by layer, and
`state` holds what is carried from step to step without a gradient.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn

from benchmarks.workloads import Arrays, Job, Workload

Weights = dict[str, Any]
State = dict[str, Any]


def build(
    workload: Workload,
    x: Arrays,
    y: np.ndarray,
    weights: dict[str, Arrays],
    scan: bool = False,
) -> Job:
    """Put data and weights on the device and compile the step, or the scanned epoch."""
    apply, step = MODELS[workload.builder], step_of(workload)
    parts, target = jax.device_put((x, y))
    carry = begin(workload, weights)
    count = sum(leaf.size for leaf in jax.tree.leaves(carry[0]))
    rows, size = len(y), workload.batch
    random = np.random.default_rng(0)
    whole = rows // size * size

    @partial(jax.jit, donate_argnums=0)
    def jit_step(carry: Any, at: Any, *arrays: Any) -> Any:
        return step(carry, [a[at] for a in arrays])

    @partial(jax.jit, donate_argnums=0)
    def epoch(carry: Any, order: Any, *arrays: Any) -> Any:
        def one(carry: Any, at: Any) -> Any:
            return step(carry, [a[at] for a in arrays])

        carry, losses = lax.scan(one, carry, order[:whole].reshape(-1, size))
        total = losses.sum() * size
        if whole < rows:
            carry, loss = one(carry, order[whole:])
            total += loss * (rows - whole)
        return carry, total

    def train(epochs: int, shuffle: bool) -> float:
        nonlocal carry
        for _ in range(epochs):
            order = random.permutation(rows) if shuffle else np.arange(rows)
            if scan:
                carry, total = epoch(carry, order, *parts, target)
                continue
            losses = []
            for start in range(0, rows, size):
                carry, loss = jit_step(carry, order[start : start + size], *parts, target)
                losses.append(loss)
            sizes = np.diff([*range(0, rows, size), rows])
            total = np.dot(jax.device_get(losses), sizes)
        return float(total) / rows

    infer = jax.jit(lambda params, state, row: apply(params, state, row)[0])

    def predict(calls: int) -> None:
        for i in range(calls):
            np.asarray(infer(carry[0], carry[1], x[0][i % len(x[0])][None]))

    return Job(count, train, predict)


def begin(workload: Workload, weights: dict[str, Arrays]) -> Any:
    """The carry: weights, state, Adam's two moments and step count."""
    params = jax.tree.map(jnp.asarray, weights)
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = START[workload.builder]() if workload.builder in START else {}
    return params, state, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), "int32")


def step_of(workload: Workload) -> Callable[[Any, Any], Any]:
    """The step `(carry, batch) -> carry, loss`; a batch is the inputs and the target."""
    apply, loss_of = MODELS[workload.builder], LOSSES[workload.loss]

    def step(carry: Any, batch: Any) -> Any:
        params, state, m, v, count = carry
        *inputs, wanted = batch

        def loss_at(params: Weights) -> Any:
            outputs, new = apply(params, state, *inputs)
            return loss_of(outputs, wanted), new

        (loss, state), grads = jax.value_and_grad(loss_at, has_aux=True)(params)
        params, m, v = adam(params, grads, m, v, count + 1)
        return (params, state, m, v, count + 1), loss

    return step


def adam(params: Weights, grads: Weights, m: Weights, v: Weights, count: Any) -> Any:
    """Adam (Kingma & Ba, 2014) at a learning rate of 0.001, in Keras's form."""
    m = jax.tree.map(lambda m, g: m + 0.1 * (g - m), m, grads)
    v = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), v, grads)
    rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), params, m, v)
    return params, m, v


def mse(outputs: Any, y: Any) -> Any:
    return jnp.mean((outputs - y) ** 2)


def classes(logits: Any, y: Any) -> Any:
    chosen = jnp.take_along_axis(nn.log_softmax(logits), y[..., None], -1)
    return -jnp.mean(chosen)


def binary(logits: Any, y: Any) -> Any:
    return jnp.mean(nn.softplus(logits) - y * logits)


LOSSES = {"mse": mse, "classes": classes, "binary": binary}


# --- layers ---


def dense(w: Any, x: Any) -> Any:
    return x @ w[0] + w[1]


def embed(w: Any, at: Any) -> Any:
    return w[0][at]


def conv2d(w: Any, x: Any, stride: int = 1, padding: str = "VALID") -> Any:
    y = lax.conv_general_dilated(
        x, w[0], (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return y + w[1] if len(w) > 1 else y


def conv1d(w: Any, x: Any, dilation: int = 1, before: int = 0) -> Any:
    y = lax.conv_general_dilated(
        x,
        w[0],
        (1,),
        [(before, 0)],
        rhs_dilation=(dilation,),
        dimension_numbers=("NHC", "HIO", "NHC"),
    )
    return y + w[1]


def pool(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def batch_norm(w: Any, moving: Any, x: Any) -> Any:
    axes = tuple(range(x.ndim - 1))
    mean, var = x.mean(axes), x.var(axes)
    moving = jax.tree.map(lambda old, now: 0.99 * old + 0.01 * now, moving, (mean, var))
    return (x - mean) * (lax.rsqrt(var + 1e-3) * w[0]) + w[1], lax.stop_gradient(moving)


def layer_norm(w: Any, x: Any) -> Any:
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + 1e-6) * w[0] + w[1]


def recurrent(cell: Any, w: Any, x: Any, state: Any) -> Any:
    """Scan `cell(projected, state) -> state` over time; all inputs are projected at once."""

    def step(state: Any, projected: Any) -> Any:
        state = cell(w, projected, state)
        return state, state[0]

    bias = w[2] if w[2].ndim == 1 else w[2][0]
    state, outputs = lax.scan(step, state, (x @ w[0] + bias).swapaxes(0, 1))
    return outputs.swapaxes(0, 1), state


def lstm_cell(w: Any, projected: Any, state: Any) -> Any:
    h, c = state
    i, f, g, o = jnp.split(projected + h @ w[1], 4, -1)
    c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
    return nn.sigmoid(o) * jnp.tanh(c), c


def gru_cell(w: Any, projected: Any, state: Any) -> Any:
    h = state[0]
    inner = h @ w[1] + w[2][1]
    xz, xr, xh = jnp.split(projected, 3, -1)
    hz, hr, hh = jnp.split(inner, 3, -1)
    z, r = nn.sigmoid(xz + hz), nn.sigmoid(xr + hr)
    return (z * h + (1 - z) * jnp.tanh(xh + r * hh),)


def relu_cell(w: Any, projected: Any, state: Any) -> Any:
    return (nn.relu(projected + state[0] @ w[1]),)


def zeros(x: Any, units: int, count: int = 1) -> Any:
    return (jnp.zeros((len(x), units)),) * count


def attention(w: Any, x: Any) -> Any:
    q, k, v = (jnp.einsum("btd,dhk->bthk", x, w[i]) + w[i + 1] for i in (0, 2, 4))
    y = nn.dot_product_attention(q, k, v)
    return jnp.einsum("bthk,hkd->btd", y, w[6]) + w[7]


# --- models ---


def regression(w: Weights, s: State, x: Any) -> Any:
    return dense(w["out"], nn.relu(dense(w["hidden"], x))), s


def embeddings(w: Weights, s: State, user: Any, item: Any) -> Any:
    user, item = user[:, 0], item[:, 0]
    score = jnp.sum(embed(w["users"], user) * embed(w["items"], item), 1, keepdims=True)
    return score + embed(w["user_bias"], user) + embed(w["item_bias"], item), s


def mlp(w: Weights, s: State, x: Any) -> Any:
    x = nn.relu(dense(w["hidden1"], x))
    return dense(w["out"], nn.relu(dense(w["hidden2"], x))), s


def convnet(w: Weights, s: State, x: Any) -> Any:
    x = pool(nn.relu(conv2d(w["conv1"], x)))
    x = pool(nn.relu(conv2d(w["conv2"], x)))
    x = nn.relu(conv2d(w["conv3"], x)).reshape(len(x), -1)
    return dense(w["out"], nn.relu(dense(w["hidden"], x))), s


def resnet20(w: Weights, s: State, x: Any) -> Any:
    new = {}

    def norm(name: str, x: Any) -> Any:
        y, new[name] = batch_norm(w[name], s[name], x)
        return y

    x = nn.relu(norm("bn", conv2d(w["conv"], x, padding="SAME")))
    for stage in range(3):
        for block in range(3):
            at = f"s{stage}b{block}_"
            stride = 2 if stage and not block else 1
            y = nn.relu(norm(at + "bn1", conv2d(w[at + "conv1"], x, stride, "SAME")))
            y = norm(at + "bn2", conv2d(w[at + "conv2"], y, 1, "SAME"))
            if stride == 2:
                x = conv2d(w[at + "short"], x, 2, "SAME")
            x = nn.relu(x + y)
    return dense(w["out"], x.mean((1, 2))), new


def simplernn(w: Weights, s: State, x: Any) -> Any:
    _, (h,) = recurrent(relu_cell, w["rnn"], embed(w["embed"], x), zeros(x, 256))
    return dense(w["out"], h), s


def stateful(w: Weights, s: State, x: Any) -> Any:
    x, moving = batch_norm(w["norm"], s["norm"], embed(w["embed"], x))
    y, state = recurrent(lstm_cell, w["rnn"], x, s["rnn"])
    return dense(w["out"], y), {"norm": moving, "rnn": lax.stop_gradient(state)}


def charlstm(w: Weights, s: State, x: Any) -> Any:
    y, _ = recurrent(lstm_cell, w["rnn1"], embed(w["embed"], x), zeros(x, 512, 2))
    y, _ = recurrent(lstm_cell, w["rnn2"], y, zeros(x, 512, 2))
    return dense(w["out"], y), s


def gru(w: Weights, s: State, x: Any) -> Any:
    _, (h,) = recurrent(gru_cell, w["rnn"], x, zeros(x, 256))
    return dense(w["out"], h), s


def imdb_lstm(w: Weights, s: State, x: Any) -> Any:
    _, (h, _) = recurrent(lstm_cell, w["rnn"], embed(w["embed"], x), zeros(x, 128, 2))
    return dense(w["out"], h), s


def imdb_conv(w: Weights, s: State, x: Any) -> Any:
    x = nn.relu(conv1d(w["conv"], embed(w["embed"], x))).max(1)
    return dense(w["out"], nn.relu(dense(w["hidden"], x))), s


def wavenet(w: Weights, s: State, x: Any) -> Any:
    for i in range(8):
        gap = 2 ** (i % 4)
        x = nn.relu(conv1d(w[f"conv{i}"], x, dilation=gap, before=gap))
    return conv1d(w["out"], x), s


def transformer(w: Weights, s: State, x: Any) -> Any:
    x = embed(w["words"], x) + w["places"][0]
    for i in range(2):
        x = layer_norm(w[f"norm{i}a"], x + attention(w[f"attention{i}"], x))
        y = dense(w[f"narrow{i}"], nn.relu(dense(w[f"wide{i}"], x)))
        x = layer_norm(w[f"norm{i}b"], x + y)
    return dense(w["out"], x.mean(1)), s


MODELS = {
    model.__name__: model
    for model in (
        regression,
        embeddings,
        mlp,
        convnet,
        resnet20,
        simplernn,
        stateful,
        charlstm,
        gru,
        imdb_lstm,
        imdb_conv,
        wavenet,
        transformer,
    )
}


def moments(width: int) -> Any:
    return jnp.zeros(width), jnp.ones(width)


def resnet20_start() -> State:
    names = {f"s{s}b{b}_bn{i}": 16 << s for s in range(3) for b in range(3) for i in (1, 2)}
    return {name: moments(width) for name, width in ({"bn": 16} | names).items()}


def stateful_start() -> State:
    return {"norm": moments(42), "rnn": (jnp.zeros((64, 256)), jnp.zeros((64, 256)))}


START = {"resnet20": resnet20_start, "stateful": stateful_start}
