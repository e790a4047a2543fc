"""Does cost grow no faster than the work? Time and memory against five sizes.

    python -m benchmarks.scaling

Each point runs in its own process: an LSTM over sequences is trained; from row to row one size is
doubled and the others are fixed. `growth` is the cost relative to the previous point, which for a
doubled size should be at most 2 (4 for `width`, whose matrices are square). Time is for one epoch,
after an unmeasured one; memory is the peak resident size minus that before the data are created.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

SIZES = {"rows": 2048, "batch": 64, "width": 64, "depth": 1, "length": 32}
POINTS = {
    "rows": (2048, 4096, 8192, 16384),
    "batch": (32, 64, 128, 256),
    "width": (64, 128, 256, 512),
    "depth": (1, 2, 4, 8),
    "length": (16, 32, 64, 128),
}


def measure(rows: int, batch: int, width: int, depth: int, length: int) -> dict[str, float]:
    """Seconds per epoch and MiB of one training run."""
    import resource
    import time

    import numpy as np

    import hornbook as keras

    layers = [keras.Input((length, 8))]
    layers += [keras.layers.LSTM(width, return_sequences=True) for _ in range(depth)]
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.predict(np.zeros((1, length, 8), "float32"), verbose=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    x = np.random.default_rng(0).normal(size=(rows, length, 8)).astype("float32")
    y = x[..., :1]
    model.fit(x, y, batch_size=batch, verbose=0)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        model.fit(x, y, batch_size=batch, verbose=0)
        seconds.append(time.perf_counter() - start)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": sorted(seconds)[1], "mebibytes": (after - before) / 1024}


def table(size: str) -> Iterator[tuple[int, dict[str, float]]]:
    """The points of one size, each measured in its own process."""
    for value in POINTS[size]:
        sizes = json.dumps(SIZES | {size: value})
        command = [sys.executable, "-m", "benchmarks.scaling", "--point", sizes]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        yield value, json.loads(out.splitlines()[-1])


def main() -> None:
    """Print a table per size."""
    parser = argparse.ArgumentParser(description="time and memory against the sizes of a training")
    parser.add_argument("--sizes", default=",".join(POINTS), help="%(default)s")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.point:
        print(json.dumps(measure(**json.loads(args.point))))
        return
    for size in args.sizes.split(","):
        shown = Table("", "s an epoch", "growth", "MiB", "growth", title=size)
        last: dict[str, float] = {}
        for value, found in table(size):
            growth = {k: f"{v / last[k]:.2f}" if last.get(k) else "" for k, v in found.items()}
            shown.add_row(
                str(value),
                f"{found['seconds']:.3f}",
                growth["seconds"],
                f"{found['mebibytes']:.0f}",
                growth["mebibytes"],
            )
            last = found
        Console().print(shown)


if __name__ == "__main__":
    main()
