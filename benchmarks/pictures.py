"""`ImageDataGenerator` against Keras 2's keras-preprocessing: batches of augmented images.

    python -m benchmarks.pictures
    python -m benchmarks.pictures --sizes 64,150 --rounds 20

Both produce the next batch in turn, in one process, from the same images with the same seed. The
minimum over all rounds is reported, in wall time and in CPU time, which is more reliable on a
shared machine. The batches are checked to be alike.
"""

import argparse
import contextlib
import io
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.tables import line, seconds, times

BATCH = 32
ALL = {
    "rotation_range": 40,
    "width_shift_range": 0.2,
    "height_shift_range": 0.2,
    "shear_range": 10,
    "zoom_range": 0.2,
    "horizontal_flip": True,
    "vertical_flip": True,
}
OPTIONS = {
    "all affine options": ALL,
    "the same, nearest pixels": ALL | {"interpolation_order": 0, "fill_mode": "constant"},
    "the same, rescaled, channels shifted": ALL | {"rescale": 1 / 255, "channel_shift_range": 9},
    "horizontal flips": {"horizontal_flip": True},
}
ALIKE = 1e-3  # tolerance for values up to 255
EDGES = 0.01  # fraction of values that may be farther off, by rounding at edges


def flows(kinds: list[Any], options: dict, size: int, folder: Path | None) -> list[Any]:
    """The same batches from each library: of arrays, or of the files in a folder."""
    if folder is not None:
        how: dict[str, Any] = {"target_size": (size, size), "batch_size": BATCH, "seed": 1}
        with contextlib.redirect_stdout(io.StringIO()):
            return [kind(**options).flow_from_directory(str(folder), **how) for kind in kinds]
    x = np.random.default_rng(0).uniform(0, 255, (BATCH, size, size, 3)).astype("float32")
    return [kind(**options).flow(x, batch_size=BATCH, seed=1) for kind in kinds]


def measure(both: list[Any], rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """The minimum seconds per batch of each, in wall time and CPU time."""
    clocks = (time.perf_counter, time.process_time)
    spent = []
    for number in range(rounds + 1):
        batches = []
        for flow in both:
            start = [clock() for clock in clocks]
            batch = next(flow)
            spent.append([clock() - begun for clock, begun in zip(clocks, start)])
            batches.append(batch[0] if isinstance(batch, tuple) else batch)
        if number == 0:
            off = np.abs(batches[0] - batches[1]) > ALIKE
            assert off.mean() < EDGES, f"{off.mean():.2%} of the values differ"
    by_round = np.reshape(spent, (rounds + 1, len(both), len(clocks)))[1:]  # the first compiles
    least = by_round.min(0)
    return least[:, 0], least[:, 1]


def files(folder: Path) -> Path:
    """Photograph-like JPEGs of two classes, 320 x 240."""
    draw = np.random.default_rng(0)
    for i in range(BATCH):
        small = Image.fromarray(draw.integers(0, 255, (12, 16, 3)).astype("uint8"))
        path = folder / ("cats" if i % 2 else "dogs") / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        small.resize((320, 240), Image.Resampling.BICUBIC).save(path, quality=90)
    return folder


def main(arguments: list[str] | None = None) -> int:
    """Print a Markdown table, line by line as it is measured."""
    parser = argparse.ArgumentParser(description="augmented images, against keras-preprocessing")
    parser.add_argument("--sizes", default="64,150,224", help="%(default)s")
    parser.add_argument("--rounds", type=int, default=10, help="%(default)s")
    args = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # of names of scipy that will go
    import keras_preprocessing.image as old

    from hornbook.preprocessing.image import ImageDataGenerator

    kinds = [ImageDataGenerator, old.ImageDataGenerator]
    heads = [f"{BATCH} images of 3 channels", "size", "hornbook", "keras-preprocessing"]
    print(line([*heads, "wall time", "CPU time"]), line(["---"] * 6), sep="\n")
    sizes = [int(size) for size in args.sizes.split(",")]
    with tempfile.TemporaryDirectory() as place:
        works = [(name, options, None) for name, options in OPTIONS.items()]
        works.append(("JPEG files, all affine options", ALL, files(Path(place))))
        for name, options, folder in works:
            for size in sizes:
                clock, work = measure(flows(kinds, options, size, folder), args.rounds)
                row = [name, f"{size} x {size}", *map(seconds, clock)]
                print(
                    line([*row, times(clock[1] / clock[0]), times(work[1] / work[0])]), flush=True
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
