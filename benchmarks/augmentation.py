"""Layers that augment pictures, against Keras's on JAX: batches of arrays.

    python -m benchmarks.augmentation
    python -m benchmarks.augmentation --sizes 64,150 --rounds 20

Both change the same batch in turn, in one process. The minimum over all rounds is reported, in wall
time and in CPU time, which is more reliable on a shared machine. Keras's layers are called as a
`Sequential`, as its guide does; compiled by `jax.jit` it is slower.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from benchmarks.tables import line, seconds, times

BATCH = 32
ALL = ("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation")
ARGUMENTS: dict[str, tuple] = {
    "RandomFlip": (),
    "RandomRotation": (0.1,),
    "RandomZoom": (0.2,),
    "RandomTranslation": (0.1, 0.1),
    "RandomElasticTransform": (1.0, 0.5),
}
WORKS = {
    "flip, rotate, zoom, translate": ALL,
    "flip": ALL[:1],
    "rotate": ALL[1:2],
    "elastic": ("RandomElasticTransform",),
}


def augmentation(keras: Any, names: tuple[str, ...]) -> Callable:
    """The layers of a library as a function of a batch."""
    made = [getattr(keras.layers, name)(*ARGUMENTS[name]) for name in names]
    model = keras.Sequential(made)
    return lambda batch: jax.block_until_ready(model(batch, training=True))


def measure(both: list[Callable], batch: np.ndarray, rounds: int) -> tuple[Any, Any]:
    """The minimum seconds per batch of each, in wall time and CPU time."""
    clocks = (time.perf_counter, time.process_time)
    spent = []
    for _ in range(rounds + 1):
        for change in both:
            start = [clock() for clock in clocks]
            change(batch)
            spent.append([clock() - begun for clock, begun in zip(clocks, start)])
    by_round = np.reshape(spent, (rounds + 1, len(both), len(clocks)))[1:]  # the first compiles
    least = by_round.min(0)
    return least[:, 0], least[:, 1]


def main(arguments: list[str] | None = None) -> int:
    """Print a Markdown table, line by line as it is measured."""
    parser = argparse.ArgumentParser(description="augmented pictures, against Keras on JAX")
    parser.add_argument("--sizes", default="64,150", help="%(default)s")
    parser.add_argument("--rounds", type=int, default=10, help="%(default)s")
    args = parser.parse_args(arguments)
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    import hornbook

    heads = [f"{BATCH} pictures of 3 channels", "size", "hornbook", "keras-jax"]
    print(line([*heads, "wall time", "CPU time"]), line(["---"] * 6), sep="\n")
    for size in map(int, args.sizes.split(",")):
        draw = np.random.default_rng(0)
        batch = draw.uniform(0, 255, (BATCH, size, size, 3)).astype("float32")
        for name, names in WORKS.items():
            both = [augmentation(library, names) for library in (hornbook, keras)]
            clock, work = measure(both, batch, args.rounds)
            row = [name, f"{size} x {size}", *map(seconds, clock)]
            print(line([*row, times(clock[1] / clock[0]), times(work[1] / work[0])]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
