"""Training on several devices that share one CPU: hornbook and Keras, the same model.

    python -m benchmarks.devices
    python -m benchmarks.devices --devices 1,8 --rounds 1

XLA shows one CPU as several devices (`--xla_force_host_platform_device_count`). They share its
cores, so more devices are not faster: the table shows what splitting a step costs. Each row is the
least of several rounds, in a process of its own each, after an epoch that is not measured.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict

BATCH, STEPS = 512, 10
WAYS = ("one device", "DataParallel", "ModelParallel")


def measure(peer: str, way: str, devices: int) -> dict[str, float]:
    """Seconds of a training step, on the clock and of the processor."""
    import numpy as np

    if peer == "keras":
        import keras as k
    else:
        import hornbook as k
    d = k.distribution
    if way == "DataParallel":
        d.set_distribution(d.DataParallel())
    if way == "ModelParallel":
        layouts = d.LayoutMap(d.DeviceMesh((1, devices), ("batch", "model"), d.list_devices()))
        layouts[".*dense.*kernel"] = (None, "model")
        layouts[".*dense.*bias"] = ("model",)
        d.set_distribution(d.ModelParallel(layout_map=layouts, batch_dim_name="batch"))
    k.utils.set_random_seed(0)
    dense = k.layers.Dense
    model = k.Sequential(
        [k.Input((784,)), dense(1024, activation="relu"), dense(1024, activation="relu"), dense(16)]
    )
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(k.optimizers.Adam(), loss)
    random = np.random.default_rng(0)
    x = random.normal(size=(BATCH * STEPS, 784)).astype("float32")
    y = random.integers(0, 10, BATCH * STEPS).astype("int32")
    found = []
    for _ in range(3):
        clock, processor = time.perf_counter(), time.process_time()
        model.fit(x, y, batch_size=BATCH, verbose=0)
        found.append((time.perf_counter() - clock, time.process_time() - processor))
    clock, processor = map(min, zip(*found[1:], strict=True))
    return {"clock": clock / STEPS, "processor": processor / STEPS}


def run(peer: str, way: str, devices: int) -> dict[str, float]:
    """`measure` in a process of its own."""
    call = f"measure({peer!r}, {way!r}, {devices})"
    code = f"from benchmarks.devices import *; print(json.dumps({call}))"
    flags = f"--xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "XLA_FLAGS": flags, "KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--devices", default="1,2,4,8")
    parser.add_argument("--peers", default="hornbook,keras")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rows = [
        (peer, way, int(devices))
        for peer in given.peers.split(",")
        for way in WAYS
        for devices in given.devices.split(",")
        if (way == WAYS[0]) == (devices == "1")
    ]
    found: dict[tuple, list] = defaultdict(list)
    for _ in range(given.rounds):
        for row in rows:
            found[row].append(run(*row))
    print("| | devices | ms a step | ms of processor time a step |")
    print("|---|---|---|---|")
    for (peer, way, devices), times in found.items():
        clock, processor = (1e3 * min(one[key] for one in times) for key in ("clock", "processor"))
        print(f"| {peer}, {way} | {devices} | {clock:.1f} | {processor:.1f} |")


if __name__ == "__main__":
    main()
