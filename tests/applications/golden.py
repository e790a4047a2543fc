"""`golden.txt`: a line for each network of Keras.

Its name; the numbers of layers and of parameters; a digest of the names and classes of the layers
and of the shapes of the weights, in order; then the files of the weights with the top and without
it: name in the cache, address, checksum.

To write it anew from Keras itself: `KERAS_BACKEND=jax python -m tests.applications.golden`.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("golden.txt")


def layers_of(model: Any) -> Iterator[str]:
    """A line for each layer; a model in the model is its layers."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from layers_of(layer)
        shapes = [tuple(weight.shape) for weight in layer.weights]
        yield f"{layer.name} {type(layer).__name__} {shapes}"


def described(model: Any) -> str:
    """The numbers and the digest of a network."""
    text = "\n".join(layers_of(model))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{len(model.layers)} {model.count_params()} {digest}"


def networks(door: Any) -> list[str]:
    """The names of the networks that `applications` shows, in order."""
    return sorted(name for name in dir(door) if name[0].isupper())


def read() -> dict[str, tuple[str, list[str]]]:
    """What `described` says, and the files, by name."""
    lines = [one.split() for one in GOLDEN.read_text().splitlines()]
    return {name: (" ".join(rest[:3]), rest[3:]) for name, *rest in lines}


class Asked(Exception):
    """A file was asked for."""


def get_file(fname: Any = None, origin: Any = None, *rest: Any, **named: Any) -> None:
    """In the place of Keras's: says what was asked for."""
    raise Asked(fname, origin, named.get("file_hash"))


def file_of(network: Any, include_top: bool) -> list[str]:
    """The name, address and checksum of a file of weights."""
    try:
        network(include_top=include_top, weights="imagenet")
    except Asked as asked:
        return [str(word) for word in asked.args]
    raise AssertionError(f"{network} loads no file")


def draw_nothing() -> None:
    """Keras's networks are made with zeros, in less time."""
    from keras.src import backend
    from keras.src.initializers.random_initializers import VarianceScaling

    VarianceScaling.__call__ = lambda self, shape, dtype=None: backend.numpy.zeros(shape, "float32")


def files_of(network: Any) -> list[str]:
    """The files of weights of one of Keras's networks; nothing is computed but shapes."""
    from unittest.mock import patch

    from keras import KerasTensor, Layer, tree
    from keras.src.utils import file_utils

    def call(self: Any, x: Any, *rest: Any, **named: Any) -> Any:
        shape = tree.map_structure(lambda tensor: tensor.shape, x)
        for layer in getattr(self, "layers", [self]):
            if type(layer).__name__ == "CustomScaleLayer":
                shape = shape[0]
            elif type(layer).__name__ != "LayerScale":
                shape = layer.compute_output_shape(shape)
        return KerasTensor(shape)

    place = network.__module__.replace(".resnet_v2", ".resnet")  # where its model is made
    with (
        patch.object(Layer, "__call__", call),
        patch(f"{place}.Functional"),
        patch.object(file_utils, "get_file", get_file),
    ):
        return [word for top in (True, False) for word in file_of(network, top)]


def write() -> None:
    """Ask Keras."""
    import keras

    draw_nothing()
    with GOLDEN.open("w") as file:
        for name in networks(keras.applications):
            network = getattr(keras.applications, name)
            keras.backend.clear_session()
            words = [name, described(network(weights=None)), *files_of(network)]
            print(*words, file=file, flush=True)


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "jax"
    write()
