"""`outputs.txt`: what a small network of each family gives in Keras, for weights from a formula.

To write it anew: `KERAS_BACKEND=jax python -m tests.applications.small`.
"""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

OUTPUTS = Path(__file__).with_name("outputs.txt")
LEARNT = ("mean", "variance", "count")  # of Normalization; Keras's heeds a change of them late
SHOWN = 8  # numbers of each sample
ENDS: dict[str, Any] = {"classes": SHOWN, "classifier_activation": None}
CUT: dict[str, Any] = {"include_top": False, "pooling": "avg"}

# Rows and columns, and other arguments.
SMALL: dict[str, tuple[int, dict[str, Any]]] = {
    "ConvNeXtTiny": (32, ENDS),
    "DenseNet121": (32, CUT),
    "EfficientNetB0": (32, ENDS),
    "EfficientNetV2B0": (32, CUT),
    "InceptionResNetV2": (75, CUT),
    "InceptionV3": (75, CUT),
    "MobileNet": (32, {"alpha": 0.25, **ENDS}),
    "MobileNetV2": (32, {"alpha": 0.35, **ENDS}),
    "MobileNetV3Small": (32, {"alpha": 0.5, **ENDS}),
    "NASNetMobile": (32, CUT),
    "ResNet50": (32, CUT),
    "ResNet50V2": (32, CUT),
    "VGG16": (32, {"include_top": False, "pooling": "max"}),
    "Xception": (71, CUT),
}


def weights_for(model: Any) -> list[np.ndarray]:
    """Numbers of the size that keeps activations as they are, from a seed for each weight."""
    made = []
    for number, weight in enumerate(model.weights):
        rng, shape = np.random.default_rng(number), tuple(weight.shape)
        if weight.name in LEARNT:
            values = np.asarray(weight)
        elif len(shape) < 2:
            values = 1 + 0.1 * np.abs(rng.standard_normal(shape))
        else:
            inputs = math.prod(shape[:2] if shape[-1] == 1 else shape[:-1])
            values = rng.standard_normal(shape) * math.sqrt(2 / inputs)
        made.append(np.asarray(values, str(weight.dtype)))
    return made


def output(door: Any, name: str) -> np.ndarray:
    """The first numbers that a network gives for two pictures."""
    size, arguments = SMALL[name]
    model = getattr(door, name)(weights=None, input_shape=(size, size, 3), **arguments)
    model.set_weights(weights_for(model))
    pictures = np.random.default_rng(0).uniform(0, 1, (2, size, size, 3)).astype("float32")
    return np.asarray(model.predict(pictures, verbose=0))[:, :SHOWN]


def read() -> dict[str, np.ndarray]:
    """The numbers by name."""
    lines = [one.split() for one in OUTPUTS.read_text().splitlines()]
    return {name: np.array(numbers, "float64").reshape(2, -1) for name, *numbers in lines}


def write() -> None:
    """Ask Keras."""
    import keras

    from tests.applications.golden import draw_nothing

    draw_nothing()
    with OUTPUTS.open("w") as file:
        for name in SMALL:
            numbers = output(keras.applications, name).ravel()
            print(name, *(f"{number:.7g}" for number in numbers), file=file, flush=True)


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "jax"
    write()
