"""The workloads: models, data and initial weights.

Every peer gets the same arrays and initial weights from one file, so equal losses after an epoch
show equal work. Weights have Keras's shapes and are named by layer.
"""

import csv
import math
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DATA = Path(
    os.environ.get("HORNBOOK_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)

Arrays = list[np.ndarray]
Spec = list[tuple[str, tuple[int, ...]]]


class Job(NamedTuple):
    """A model ready to work, as each `models_*.build` returns it."""

    parameters: int
    """Number of trainable parameters."""
    train: Callable[[int, bool], float]
    """`train(epochs, shuffle)` -> mean loss of the last epoch."""
    predict: Callable[[int], None]
    """`predict(calls)`: that many predictions of one row each."""


@dataclass(frozen=True)
class Workload:
    """One row of the table. An epoch has `rows` samples, a timed round `epochs` epochs.

    `short`: steps are so short that Keras gains from `steps_per_execution`, which is then measured
    too. `without`: peers left out by default. The goals are hornbook's intended speedups.
    """

    name: str
    title: str
    data: Callable[[int], tuple[Arrays, np.ndarray, str]]
    weights: dict[str, Spec]
    batch: int
    rows: int
    loss: str
    epochs: int = 1
    shuffle: bool = True
    model: str = ""
    kind: str = "train"
    short: bool = False
    without: tuple[str, ...] = ()
    keras_goal: float | None = None
    torch_goal: float | None = None

    @property
    def builder(self) -> str:
        """Name of the function in `models_*.py` that builds the model."""
        return self.model or self.name


def f32(x: Any) -> np.ndarray:
    return np.ascontiguousarray(x, "float32")


# --- weights: (initializer, shape) in the order of a layer's trainable variables in Keras ---


def dense(inputs: int, units: int) -> Spec:
    return [("glorot", (inputs, units)), ("zeros", (units,))]


def conv(*kernel: int, bias: bool = True) -> Spec:
    return [("glorot", kernel)] + [("zeros", kernel[-1:])] * bias


def embedding(rows: int, width: int) -> Spec:
    return [("small", (rows, width))]


def norm(width: int) -> Spec:
    return [("ones", (width,)), ("zeros", (width,))]


def recurrent(inputs: int, units: int, gates: int, biases: int = 1) -> Spec:
    bias = (gates * units,) if biases == 1 else (biases, gates * units)
    return [
        ("glorot", (inputs, gates * units)),
        ("glorot", (units, gates * units)),
        ("zeros", bias),
    ]


def attention(width: int, heads: int) -> Spec:
    each = width // heads
    return [("glorot", (width, heads, each)), ("zeros", (heads, each))] * 3 + [
        ("glorot", (heads, each, width)),
        ("zeros", (width,)),
    ]


def resnet(blocks: int, widths: tuple[int, ...] = (16, 32, 64)) -> dict[str, Spec]:
    layers = {"conv": conv(3, 3, 3, widths[0], bias=False), "bn": norm(widths[0])}
    before = widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            at = f"s{stage}b{block}_"
            layers[at + "conv1"] = conv(3, 3, before, width, bias=False)
            layers[at + "bn1"] = norm(width)
            layers[at + "conv2"] = conv(3, 3, width, width, bias=False)
            layers[at + "bn2"] = norm(width)
            if before != width:
                layers[at + "short"] = conv(1, 1, before, width, bias=False)
            before = width
    return layers | {"out": dense(before, 10)}


def encoder(layers: int, width: int, heads: int, steps: int, words: int) -> dict[str, Spec]:
    specs = {"words": embedding(words, width), "places": embedding(steps, width)}
    for i in range(layers):
        specs[f"attention{i}"] = attention(width, heads)
        specs[f"norm{i}a"] = norm(width)
        specs[f"wide{i}"] = dense(width, 4 * width)
        specs[f"narrow{i}"] = dense(4 * width, width)
        specs[f"norm{i}b"] = norm(width)
    return specs | {"out": dense(width, 1)}


def initial(weights: dict[str, Spec]) -> dict[str, np.ndarray]:
    """Values for `weights`, the same on every machine, keyed `layer/index`."""
    values = {}
    for layer, specs in weights.items():
        for i, (kind, shape) in enumerate(specs):
            key = f"{layer}/{i}"
            limit = {
                "small": 0.05,
                "glorot": math.sqrt(6 / (math.prod(shape) / shape[-1] + shape[-1])),
            }.get(kind, 0)
            random = np.random.default_rng(zlib.crc32(key.encode()))
            values[key] = f32(random.uniform(-limit, limit, shape) + (kind == "ones"))
    return values


# --- data: rows -> inputs, targets, where from ---


def housing(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """California districts: eight standardized numbers, price in units of 100,000."""
    if (DATA / "housing.csv").exists():
        with open(DATA / "housing.csv") as file:
            table = [line[:9] for line in csv.reader(file)][1:]
        table = np.array([[float(cell or "nan") for cell in line] for line in table])
        table = np.where(np.isnan(table), np.nanmedian(table, 0), table)
        table = np.random.default_rng(0).permutation(table)[:rows]
        x, y = table[:, :8], table[:, 8:] / 1e5
        x = (x - x.mean(0)) / x.std(0)
        return [x.astype("float32")], y.astype("float32"), "housing.csv"
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 8))
    y = 2 + np.tanh(x @ random.normal(size=(8, 1))) + random.normal(size=(rows, 1)) / 2
    return [x.astype("float32")], y.astype("float32"), "synthetic"


USERS, ITEMS = 667, 1575


def ratings(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """Movie ratings: user and movie ids, ratings from 0.5 to 5."""
    if (DATA / "ratings.csv").exists():
        table = np.loadtxt(DATA / "ratings.csv", delimiter=",", skiprows=1)[:rows]
        users = np.unique(table[:, 0], return_inverse=True)[1]
        items = np.unique(table[:, 1], return_inverse=True)[1]
        y, source = table[:, 2:3], "ratings.csv"
    else:
        random = np.random.default_rng(0)
        users, items = random.integers(USERS, size=rows), random.integers(ITEMS, size=rows)
        y, source = random.integers(1, 11, size=(rows, 1)) / 2, "synthetic"
    return [users[:, None].astype("int32"), items[:, None].astype("int32")], f32(y), source


def mnist(rows: int, flat: bool = False) -> tuple[Arrays, np.ndarray, str]:
    """Digits, 28 x 28 in [0, 1], with their classes."""
    if (DATA / "mnist_10k.npz").exists():
        with np.load(DATA / "mnist_10k.npz") as file:
            x, y, source = file["x_train"][:rows], file["y_train"][:rows], "mnist_10k.npz"
    else:
        random = np.random.default_rng(0)
        y, source = random.integers(10, size=rows), "synthetic"
        x = (
            random.integers(256, size=(10, 28, 28))[y]
            + random.integers(256, size=y.shape + (28, 28))
        ) // 2
    shape = (len(x), 784) if flat else (len(x), 28, 28, 1)
    return [f32(x / 255).reshape(shape)], y.astype("int32"), source


def mnist_flat(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """`mnist`, each image flattened to 784."""
    return mnist(rows, flat=True)


def pictures(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """Ten blurred patterns of 32 x 32 x 3 with noise."""
    random = np.random.default_rng(0)
    y = random.integers(10, size=rows)
    x = random.normal(size=(10, 32, 32, 3))[y] + random.normal(size=(rows, 32, 32, 3))
    return [f32(x)], y.astype("int32"), "synthetic"


CHARS = 84


def text() -> tuple[np.ndarray, str]:
    """A long text as character ids below `CHARS`."""
    if (DATA / "nietzsche.txt").exists():
        letters = np.array(list((DATA / "nietzsche.txt").read_text()))
        return np.unique(letters, return_inverse=True)[1].astype("int32"), "nietzsche.txt"
    random = np.random.default_rng(0)
    return (random.exponential(9, size=600_893).astype("int32") % CHARS), "synthetic"


def next_char(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """Eight characters and the next one."""
    chars, source = text()
    windows = np.lib.stride_tricks.sliding_window_view(chars, 9)[: 9 * rows : 9]
    return [windows[:, :8].copy()], windows[:, 8].copy(), source


def char_streams(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """Eight characters and the eight shifted by one; row i of a batch continues in the next."""
    chars, source = text()
    batches = rows // 64
    span = 8 * batches
    x = chars[: 64 * span].reshape(64, batches, 8).swapaxes(0, 1).reshape(rows, 8)
    y = chars[1 : 64 * span + 1].reshape(64, batches, 8).swapaxes(0, 1).reshape(rows, 8)
    return [x.copy()], y.copy(), source


def char_windows(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """Forty characters, and the forty shifted by one."""
    chars, source = text()
    windows = np.lib.stride_tricks.sliding_window_view(chars, 41)[: 3 * rows : 3]
    return [windows[:, :40].copy()], windows[:, 1:].copy(), source


def signals(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """A hundred steps of 32 noisy channels; the class is the loudest of the first ten."""
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 100, 32))
    y = random.integers(10, size=rows)
    x[np.arange(rows), :, y] += 0.3
    return [f32(x)], y.astype("int32"), "synthetic"


def reviews(rows: int, steps: int) -> tuple[Arrays, np.ndarray, str]:
    """Film reviews as word ids, padded or truncated at the front to `steps`; positive or not."""
    if (DATA / "imdb_5k.npz").exists():
        with np.load(DATA / "imdb_5k.npz") as file:
            tokens, offsets = file["train_tokens"], file["train_offsets"]
            y, source = file["train_labels"][:rows], "imdb_5k.npz"
        x = np.zeros((len(y), steps), "int32")
        for row, (start, end) in zip(x, zip(offsets, offsets[1:], strict=False), strict=False):
            words = tokens[max(start, end - steps) : end]
            row[steps - len(words) :] = words
    else:
        random = np.random.default_rng(0)
        y, source = random.integers(2, size=rows), "synthetic"
        x = np.minimum(random.zipf(1.3, size=(rows, steps)), 4999).astype("int32")
        x[:, ::10] = 10 + y[:, None]
    return [x], f32(y)[:, None], source


def reviews_200(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """`reviews` of 200 words."""
    return reviews(rows, 200)


def reviews_400(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """`reviews` of 400 words."""
    return reviews(rows, 400)


def reviews_128(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """`reviews` of 128 words."""
    return reviews(rows, 128)


def waves(rows: int) -> tuple[Arrays, np.ndarray, str]:
    """Fifty steps of two sines and noise; at each step the ten values that follow."""
    random = np.random.default_rng(0)
    f1, f2, o1, o2 = random.random((4, rows, 1))
    time = np.linspace(0, 1, 60)
    series = 0.5 * np.sin((time - o1) * (f1 * 10 + 10)) + 0.2 * np.sin((time - o2) * (f2 * 20 + 20))
    series += 0.1 * (random.random((rows, 60)) - 0.5)
    ahead = np.lib.stride_tricks.sliding_window_view(series[:, 1:], 10, axis=1)
    return [f32(series[:, :50, None])], f32(ahead), "synthetic"


WORDS = 20_000
NO_SCAN = ("jax-scan",)  # on CPUs, gradients of convolutions in a scan become naive loops
REGRESSION = {"hidden": dense(8, 30), "out": dense(30, 1)}
MLP = {"hidden1": dense(784, 300), "hidden2": dense(300, 100), "out": dense(100, 10)}

TABLE = [
    Workload(
        "regression", "housing regression 8-30-1", housing, REGRESSION,
        batch=32, rows=11_610, loss="mse", epochs=40, short=True, keras_goal=15, torch_goal=40,
    ),
    Workload(
        "embeddings", "movie embeddings 50 + 50, dot + bias", ratings,
        {
            "users": embedding(USERS, 50), "items": embedding(ITEMS, 50),
            "user_bias": embedding(USERS, 1), "item_bias": embedding(ITEMS, 1),
        },
        batch=64, rows=43_776, loss="mse", epochs=10, short=True, keras_goal=10, torch_goal=10,
    ),
    Workload(
        "mlp", "MLP 784-300-100-10", mnist_flat, MLP,
        batch=32, rows=8_000, loss="classes", epochs=5, short=True, keras_goal=2.3, torch_goal=2.8,
    ),
    Workload(
        "convnet", "MNIST convnet 32-64-64", mnist,
        {
            "conv1": conv(3, 3, 1, 32), "conv2": conv(3, 3, 32, 64), "conv3": conv(3, 3, 64, 64),
            "hidden": dense(576, 64), "out": dense(64, 10),
        },
        batch=64, rows=64 * 64, loss="classes", without=NO_SCAN, keras_goal=1.3, torch_goal=1.5,
    ),
    Workload(
        "resnet20", "ResNet-20 on 32x32x3", pictures, resnet(3),
        batch=128, rows=128 * 8, loss="classes", without=NO_SCAN, keras_goal=1.0, torch_goal=0.6,
    ),
    Workload(
        "simplernn", "character SimpleRNN 256, 8 steps", next_char,
        {
            "embed": embedding(CHARS, 42), "rnn": recurrent(42, 256, 1),
            "out": dense(256, CHARS),
        },
        batch=64, rows=64 * 300, loss="classes", short=True, keras_goal=1.5, torch_goal=1.5,
    ),
    Workload(
        "stateful", "stateful LSTM 256 + batch norm, 8 steps", char_streams,
        {
            "embed": embedding(CHARS, 42), "norm": norm(42), "rnn": recurrent(42, 256, 4),
            "out": dense(256, CHARS),
        },
        batch=64, rows=64 * 150, loss="classes", shuffle=False, short=True,
        keras_goal=1.7, torch_goal=1.5,
    ),
    Workload(
        "charlstm", "character LSTM 512 x 2, 40 steps", char_windows,
        {
            "embed": embedding(CHARS, 24), "rnn1": recurrent(24, 512, 4),
            "rnn2": recurrent(512, 512, 4), "out": dense(512, CHARS),
        },
        batch=64, rows=64 * 10, loss="classes", keras_goal=1.6, torch_goal=1.1,
    ),
    Workload(
        "gru", "GRU 256, 100 steps of 32", signals,
        {"rnn": recurrent(32, 256, 3, biases=2), "out": dense(256, 10)},
        batch=64, rows=64 * 16, loss="classes", keras_goal=1.8, torch_goal=1.8,
    ),
    Workload(
        "imdb_lstm", "IMDB LSTM 128, 200 steps", reviews_200,
        {
            "embed": embedding(WORDS, 128), "rnn": recurrent(128, 128, 4),
            "out": dense(128, 1),
        },
        batch=32, rows=32 * 24, loss="binary", keras_goal=1.5, torch_goal=1.1,
    ),
    Workload(
        "imdb_conv", "IMDB Conv1D 250x3, 400 steps", reviews_400,
        {
            "embed": embedding(5_000, 50), "conv": conv(3, 50, 250), "hidden": dense(250, 250),
            "out": dense(250, 1),
        },
        batch=32, rows=32 * 32, loss="binary", without=NO_SCAN, keras_goal=1.3, torch_goal=1.2,
    ),
    Workload(
        "wavenet", "WaveNet, 8 causal Conv1D of 20, 50 steps", waves,
        {f"conv{i}": conv(2, 20 if i else 1, 20) for i in range(8)} | {"out": conv(1, 20, 10)},
        batch=32, rows=32 * 200, loss="mse", short=True, keras_goal=2.0, torch_goal=2.0,
    ),
    Workload(
        "transformer", "Transformer encoder 2 x 128, 4 heads, 128 steps", reviews_128,
        encoder(2, 128, 4, 128, WORDS),
        batch=32, rows=32 * 16, loss="binary", keras_goal=1.3, torch_goal=1.2,
    ),
    Workload(
        "predict", "predict of one row, in a loop", housing, REGRESSION,
        batch=1, rows=100, loss="mse", model="regression", kind="predict", keras_goal=5,
    ),
    Workload(
        "cold", "import + first epoch of the MLP", mnist_flat, MLP,
        batch=32, rows=8_000, loss="classes", model="mlp", kind="cold", keras_goal=1.5,
    ),
]  # fmt: skip

WORKLOADS = {workload.name: workload for workload in TABLE}


def write(workload: Workload, rows: int, path: Path) -> str:
    """Write the first `rows` rows and initial weights to `path`; returns the data's source."""
    x, y, source = workload.data(rows)
    inputs = {f"x{i}": part for i, part in enumerate(x)}
    np.savez(path, y=y, **inputs, **initial(workload.weights))
    return source


def read(path: str | Path) -> tuple[Arrays, np.ndarray, dict[str, Arrays]]:
    """Read inputs, targets and weights by layer, as stored by `write`."""
    with np.load(path) as file:
        held = {name: file[name] for name in file.files}
    x = [held.pop(f"x{i}") for i in range(sum(name.startswith("x") for name in held))]
    y = held.pop("y")
    return x, y, by_layer(held)


def by_layer(values: dict[str, np.ndarray]) -> dict[str, Arrays]:
    """The result of `initial`, as a list per layer."""
    weights: dict[str, Arrays] = {}
    for key, value in values.items():
        weights.setdefault(key.split("/")[0], []).append(value)
    return weights
