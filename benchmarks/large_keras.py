"""The models of `large_rows.py` in the Keras API, for Keras on each backend and for hornbook."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.large_rows import CLASSES, Job, Row
from benchmarks.models_keras import LOSSES, places


def build(keras: ModuleType, row: Row) -> Any:
    """The compiled model."""
    model = MODELS[row.model](keras, **row.sizes)
    optimizer = keras.optimizers.Adam(row.rate)
    model.compile(optimizer, LOSSES[row.loss], run_eagerly=row.eager)
    return model


def noting(step: Callable, traced: list[str]) -> Callable:
    """The step, which notes each time that Python runs it: TensorFlow does so to trace it."""

    def noted(*args: Any, **how: Any) -> Any:
        traced.append(step.__name__)
        return step(*args, **how)

    return noted


def prepare(keras: ModuleType, model: Any, row: Row, x: Any, y: np.ndarray) -> Job:
    """The model with its data."""

    def go(shuffle: bool = True) -> float:
        loss = 0.0
        for method, count in row.calls:
            part = (x, y) if count == len(y) else (x[:count], y[:count])
            if method == "fit":
                history = model.fit(*part, batch_size=row.batch, shuffle=shuffle, verbose=0)
                loss = history.history["loss"][0]
            else:
                loss = model.evaluate(*part, batch_size=row.batch, verbose=0)
        return float(loss)

    traced: list[str] = []
    if keras.config.backend() == "tensorflow" and not row.eager:
        for step in ("train_step", "test_step"):
            setattr(model, step, noting(getattr(model, step), traced))
    count = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    held = {one.name: one.trainable_variables for one in model.layers if one.trainable_variables}
    return Job(count, go, lambda: len(traced), held)


def load(job: Job, name: str, values: list[np.ndarray]) -> None:
    """Set the weights of a layer."""
    for variable, value in zip(job.weights[name], values, strict=True):
        variable.assign(value)


def mlp(keras: ModuleType, inputs: int, width: int, hidden: int) -> Any:
    dense = keras.layers.Dense
    hiddens = [dense(width, activation="relu", name=f"hidden{i}") for i in range(hidden)]
    return keras.Sequential([keras.Input((inputs,)), *hiddens, dense(1, name="out")])


def deep(keras: ModuleType, inputs: int, width: int, depth: int) -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((inputs,))])
    for i in range(depth):
        model.add(layers.Dense(width, name=f"dense{i}"))
        model.add(layers.BatchNormalization(name=f"norm{i}"))
    model.add(layers.Dense(1, name="out"))
    return model


def many(keras: ModuleType, many: int, width: int) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            layers.Embedding(many, width, name="embed"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(many, activation="softmax", name="out"),
        ]
    )


def normed(keras: ModuleType, conv: Any, x: Any, relu: float | None = None) -> Any:
    """A convolution and batch normalization; with `relu`, the activation, at most `relu`."""
    x = keras.layers.BatchNormalization(name=f"{conv.name}_bn")(conv(x))
    return x if relu is None else keras.layers.ReLU(relu or None)(x)


def classified(keras: ModuleType, inputs: Any, x: Any) -> Any:
    x = keras.layers.GlobalAveragePooling2D()(x)
    out = keras.layers.Dense(CLASSES, activation="softmax", name="out")
    return keras.Model(inputs, out(x))


def resnet50(keras: ModuleType, pixels: int, blocks: tuple, widths: tuple) -> Any:
    layers = keras.layers

    def conv(width: int, size: int, name: str, stride: int = 1) -> Any:
        padding = "same" if size == 3 else "valid"
        how = {"strides": stride, "padding": padding, "use_bias": False}
        return layers.Conv2D(width, size, name=name, **how)

    inputs = keras.Input((pixels, pixels, 3))
    x = normed(keras, conv(widths[0], 7, "stem", 2), layers.ZeroPadding2D(3)(inputs), 0)
    x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))
    for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        for block in range(count):
            at, stride = f"s{stage}b{block}_", 2 if stage and not block else 1
            y = normed(keras, conv(width, 1, at + "a", stride), x, 0)
            y = normed(keras, conv(width, 3, at + "b"), y, 0)
            y = normed(keras, conv(4 * width, 1, at + "c"), y)
            if not block:
                x = normed(keras, conv(4 * width, 1, at + "short", stride), x)
            x = layers.ReLU()(layers.Add()([x, y]))
    return classified(keras, inputs, x)


def mobilenetv2(keras: ModuleType, pixels: int, first: int, last: int, stages: tuple) -> Any:
    layers = keras.layers
    plain: dict[str, Any] = {"padding": "same", "use_bias": False}
    inputs = keras.Input((pixels, pixels, 3))
    x = normed(keras, layers.Conv2D(first, 3, strides=2, name="stem", **plain), inputs, 6)
    before = first
    for stage, (expansion, width, count, stride) in enumerate(stages):
        for block in range(count):
            at, strides, y = f"s{stage}b{block}_", 1 if block else stride, x
            if expansion > 1:
                wide = layers.Conv2D(expansion * before, 1, name=at + "wide", **plain)
                y = normed(keras, wide, y, 6)
            depth = layers.DepthwiseConv2D(3, strides=strides, name=at + "depth", **plain)
            y = normed(keras, depth, y, 6)
            y = normed(keras, layers.Conv2D(width, 1, name=at + "narrow", **plain), y)
            x = layers.Add()([x, y]) if strides == 1 and before == width else y
            before = width
    x = normed(keras, layers.Conv2D(last, 1, name="last", **plain), x, 6)
    return classified(keras, inputs, x)


def gpt(keras: ModuleType, words: int, steps: int, width: int, heads: int, layers: int) -> Any:
    of = keras.layers
    inputs = keras.Input((steps,), dtype="int32")
    x = places(keras)(name="places")(of.Embedding(words, width, name="words")(inputs))
    for i in range(layers):
        y = of.LayerNormalization(epsilon=1e-5, name=f"norm{i}a")(x)
        y = of.MultiHeadAttention(heads, width // heads, name=f"attention{i}")(
            y, y, use_causal_mask=True
        )
        x = of.Add()([x, y])
        y = of.LayerNormalization(epsilon=1e-5, name=f"norm{i}b")(x)
        y = of.Dense(4 * width, activation="gelu", name=f"wide{i}")(y)
        x = of.Add()([x, of.Dense(width, name=f"narrow{i}")(y)])
    x = of.LayerNormalization(epsilon=1e-5, name="norm")(x)
    return keras.Model(inputs, of.Dense(words, activation="softmax", name="out")(x))


def unet(keras: ModuleType, pixels: int, widths: tuple) -> Any:
    layers = keras.layers

    def twice(x: Any, width: int, name: str) -> Any:
        for part in "ab":
            conv = layers.Conv2D(width, 3, padding="same", use_bias=False, name=name + part)
            x = normed(keras, conv, x, 0)
        return x

    inputs = x = keras.Input((pixels, pixels, 3))
    across = []
    for i, width in enumerate(widths[:-1]):
        across.append(twice(x, width, f"down{i}"))
        x = layers.MaxPooling2D(2)(across[-1])
    x = twice(x, widths[-1], "bottom")
    for i, width in reversed([*enumerate(widths[:-1])]):
        x = layers.Conv2DTranspose(width, 2, strides=2, name=f"wider{i}")(x)
        x = twice(layers.Concatenate()([across.pop(), x]), width, f"up{i}")
    return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid", name="out")(x))


MODELS: dict[str, Callable] = {
    model.__name__: model for model in (mlp, deep, many, resnet50, mobilenetv2, gpt, unet)
}
