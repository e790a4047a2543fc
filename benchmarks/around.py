"""What is around a model, against Keras and torch: preprocessing and networks for ImageNet.

    python -m benchmarks.around
    python -m benchmarks.around --tasks text,padding --peers hornbook,keras-tensorflow --rounds 1

Each task of each peer is a process, which runs each part of the task once to compile it, and then
for some times. Peers take turns in each round; the least is reported, in wall time, as a ratio to
hornbook's, and in CPU time, which is more reliable on a shared machine. `build` is the first one of
the process.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks import envs, turns

SECONDS = 0.5  # minimum duration of the measured runs of a part
Parts = dict[str, Callable[[], Any]]

# ---- tasks for Keras and hornbook; each returns its parts by name


def _sentences(count: int, words: int) -> list[str]:
    """Texts whose words are as frequent as in natural ones."""
    draw = np.random.default_rng(0)
    ranks = np.minimum(draw.zipf(1.3, (count, words)), 80_000)
    return [" ".join(f"w{rank}," if rank % 9 == 0 else f"W{rank}" for rank in row) for row in ranks]


def text(keras: ModuleType) -> Parts:
    """TextVectorization of 25,000 reviews of 230 words."""
    reviews = _sentences(25_000, 230)
    layer = keras.layers.TextVectorization(max_tokens=20_000, output_sequence_length=200)
    layer.adapt(reviews[:100])
    return {
        "adapt": lambda: layer.adapt(reviews),
        "call, 1,024 reviews": lambda: np.asarray(layer(reviews[:1024])),
    }


def normalization(keras: ModuleType) -> Parts:
    """Normalization of 10 million numbers."""
    x = np.random.default_rng(0).normal(3, 2, (100_000, 100)).astype("float32")
    layer = keras.layers.Normalization()
    return {"adapt": lambda: layer.adapt(x)}


def padding(keras: ModuleType) -> Parts:
    """pad_sequences of 25,000 lists of 20 to 400 ids."""
    draw = np.random.default_rng(0)
    lists = [draw.integers(1, 20_000, n).tolist() for n in draw.integers(20, 400, 25_000)]
    return {"pad_sequences": lambda: keras.utils.pad_sequences(lists, maxlen=200)}


def augmentation(keras: ModuleType) -> Parts:
    """32 pictures in memory: flipped, rotated, zoomed, shifted."""
    layers = keras.layers
    chain = [
        layers.RandomFlip("horizontal"),
        layers.RandomRotation(0.1),
        layers.RandomZoom(0.2),
        layers.RandomTranslation(0.1, 0.1),
    ]
    pipeline = layers.Pipeline(chain)
    x = np.random.default_rng(0).uniform(0, 255, (32, 150, 150, 3)).astype("float32")
    return {"150 x 150": lambda: np.asarray(pipeline(x, training=True))}


def network(name: str, keras: ModuleType) -> Parts:
    """A network for ImageNet, at 224 x 224: built, predicting, training with a batch of 8."""
    build = partial(getattr(keras.applications, name), weights=None)
    start = time.perf_counter(), time.process_time()
    model = build()
    _build_times[:] = time.perf_counter() - start[0], time.process_time() - start[1]
    model.compile(keras.optimizers.SGD(0.001), "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).uniform(0, 1, (32, 224, 224, 3)).astype("float32")
    y = np.arange(8)
    return {
        "predict, 1": lambda: model.predict(x[:1], verbose=0),
        "predict, 32": lambda: model.predict(x, verbose=0),
        "train, 8": lambda: model.fit(x[:8], y, batch_size=8, verbose=0),
    }


def network_of_torch(name: str, torch: ModuleType) -> Parts:
    """The same in PyTorch, eagerly, channels last."""
    import torchvision

    start = time.perf_counter(), time.process_time()
    model = getattr(torchvision.models, TORCHVISION[name])(weights=None)
    _build_times[:] = time.perf_counter() - start[0], time.process_time() - start[1]
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.001)
    x = torch.rand(32, 3, 224, 224).to(memory_format=torch.channels_last)
    y = torch.arange(8)

    def predict(count: int) -> Any:
        model.eval()
        with torch.inference_mode():
            return model(x[:count]).numpy()

    def train() -> None:
        model.train()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x[:8]), y).backward()
        optimizer.step()

    return {
        "predict, 1": partial(predict, 1),
        "predict, 32": partial(predict, 32),
        "train, 8": train,
    }


_build_times: list[float] = []  # of a network: wall and CPU seconds
NETWORKS = ("ResNet50", "MobileNetV2", "EfficientNetB0")
TORCHVISION = dict(zip(NETWORKS, ("resnet50", "mobilenet_v2", "efficientnet_b0"), strict=True))
TASKS: dict[str, Callable[[ModuleType], Parts]] = {
    "text": text,
    "normalization": normalization,
    "padding": padding,
    "augmentation": augmentation,
    **{name: partial(network, name) for name in NETWORKS},
}
TORCH_TASKS = {name: partial(network_of_torch, name) for name in NETWORKS}
# by peer: the environment (see `envs.py`), the module, Keras's backend
PEERS = {
    "hornbook": (None, "hornbook", ""),
    "keras-jax": ("keras-jax", "keras", "jax"),
    "keras-tensorflow": ("keras-tensorflow", "keras", "tensorflow"),
    "torch": ("torch", "torch", ""),
}

# ---- measuring


def measured(task: str, module: str) -> dict[str, list[float]]:
    """The least wall and CPU seconds of each part, in this process."""
    parts = (TORCH_TASKS if module == "torch" else TASKS)[task](importlib.import_module(module))
    found = {"build": list(_build_times)} if _build_times else {}
    for name, run in parts.items():
        run()  # compiles
        least, begun, count = [np.inf, np.inf], time.perf_counter(), 0
        while count < 2 or time.perf_counter() - begun < SECONDS:
            start = time.perf_counter(), time.process_time()
            run()
            spent = time.perf_counter() - start[0], time.process_time() - start[1]
            least = [min(pair) for pair in zip(least, spent, strict=True)]
            count += 1
        found[name] = least
    return found


def ask(peer: str, task: str, python: str) -> dict[str, list[float]] | str:
    """What a process of a peer measured, or its last line of errors."""
    _, module, backend = PEERS[peer]
    more = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": backend, "HORNBOOK_CACHE": "0"}
    done = subprocess.run(
        [python, "-m", "benchmarks.around", "--worker", f"{task},{module}"],
        capture_output=True,
        text=True,
        env={**os.environ, **{k: v for k, v in more.items() if v}},
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no output"])[-1]
    return json.loads(done.stdout.splitlines()[-1])


def main(arguments: list[str] | None = None) -> int:
    """Print a Markdown table, line by line as it is measured."""
    parser = argparse.ArgumentParser(description="preprocessing and networks, against peers")
    parser.add_argument("--tasks", default=",".join(TASKS), help="%(default)s")
    parser.add_argument("--peers", default=",".join(PEERS), help="%(default)s")
    parser.add_argument("--rounds", type=int, default=2, help="%(default)s")
    parser.add_argument("--env-dir", type=Path, default=envs.CACHE, help="%(default)s")
    parser.add_argument(
        "--python", action="append", default=[], help="PEER=PATH: use this interpreter"
    )
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.worker:
        print(json.dumps(measured(*args.worker.split(","))))
        return 0
    from benchmarks.tables import line, seconds, times

    peers, given = args.peers.split(","), dict(one.split("=", 1) for one in args.python)
    pythons = {
        peer: str(envs.interpreter(PEERS[peer][0], given.get(peer), args.env_dir, envs.say))
        for peer in peers
    }
    others = [peer for peer in peers if peer != "hornbook"]
    print(line(["task", "part", "hornbook", *others, *(f"{one}, CPU time" for one in others)]))
    print(line(["---"] * (3 + 2 * len(others))), flush=True)
    for task in args.tasks.split(","):
        runs: dict[str, list] = {peer: [] for peer in peers}
        for number in range(args.rounds):
            for peer in turns.in_turn(peers, number):
                if PEERS[peer][1] != "torch" or task in TORCH_TASKS:
                    runs[peer].append(ask(peer, task, pythons[peer]))
        for peer, found in runs.items():
            for error in {one for one in found if isinstance(one, str)}:
                print(f"{peer}, {task}: {error}", file=sys.stderr)
        least = {
            peer: {part: np.min([one[part] for one in good], 0) for part in good[0]}
            for peer, found in runs.items()
            if (good := [one for one in found if isinstance(one, dict)])
        }
        for part, house in least.get("hornbook", {}).items():
            ratios = {peer: least[peer][part] / house for peer in others if peer in least}
            cells = [[times(ratios[p][i]) if p in ratios else "" for p in others] for i in (0, 1)]
            print(line([task, part, seconds(house[0]), *cells[0], *cells[1]]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
