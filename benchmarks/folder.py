"""Train a small convnet on a folder of JPEG files: hornbook against torch's `DataLoader`.

    python -m benchmarks.folder
    python -m benchmarks.folder --files 500 --rounds 1

The files are photograph-like, 2,000 of 400 x 300 pixels in two classes, and are written first. They
are resized to 128 x 128 and flipped at random. Each peer is a process that trains for an epoch that
is not measured, then for one that is, and then reads the files once more without training. Rounds
alternate between the peers; the least is reported. CPU time includes that of worker processes, and
is more reliable on a shared machine.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables import line, times

SIZE, BATCH = 128, 32
WIDTHS = 16, 32, 64  # channels of the convolutions
READERS = min(8, os.cpu_count() or 1)


def write(folder: Path, count: int) -> None:
    """Write the files."""
    from PIL import Image

    draw = np.random.default_rng(0)
    for i in range(count):
        small = Image.fromarray(draw.integers(0, 255, (19, 25, 3), "uint8"))
        large = np.asarray(small.resize((400, 300), Image.Resampling.BICUBIC), "float32")
        grain = draw.normal(0, 6, large.shape)
        path = folder / ("cats" if i % 2 else "dogs") / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray((large + grain).clip(0, 255).astype("uint8")).save(path, quality=90)


# ---- the peers: each returns what trains for an epoch and what reads for one


def hornbook(folder: str) -> tuple[Callable, Callable]:
    """`image_dataset_from_directory` and `fit`."""
    import hornbook as keras

    size = (SIZE, SIZE)
    data = keras.utils.image_dataset_from_directory(folder, image_size=size, verbose=False)
    model = keras.Sequential([keras.Input((*size, 3)), keras.layers.Rescaling(1 / 255)])
    model.add(keras.layers.RandomFlip("horizontal"))
    for width in WIDTHS:
        model.add(keras.layers.Conv2D(width, 3, activation="relu"))
        model.add(keras.layers.MaxPooling2D())
    model.add(keras.layers.GlobalAveragePooling2D())
    model.add(keras.layers.Dense(2))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    return lambda: model.fit(data, verbose=0), lambda: through(data)


def torch(folder: str) -> tuple[Callable, Callable]:
    """A `DataLoader` with worker processes, and the usual loop."""
    import torch
    from torch import nn

    loader = torch.utils.data.DataLoader(
        _with_pillow(folder), BATCH, shuffle=True, num_workers=READERS
    )
    parts: list[Any] = []
    for before, width in zip((3, *WIDTHS), WIDTHS, strict=False):
        parts += [nn.Conv2d(before, width, 3), nn.ReLU(), nn.MaxPool2d(2)]
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTHS[-1], 2)]
    model = nn.Sequential(*parts, *pooled).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def epoch() -> None:
        for x, y in loader:
            optimizer.zero_grad()
            x = x.to(memory_format=torch.channels_last)
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()

    return epoch, lambda: through(loader)


def _with_pillow(folder: str) -> Any:
    import torch
    from PIL import Image

    names = sorted(os.listdir(folder))
    files = [(path, i) for i, name in enumerate(names) for path in Path(folder, name).iterdir()]

    class Files(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, number: int) -> tuple:
            path, label = files[number]
            with Image.open(path) as file:
                img = file.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
            x = torch.from_numpy(np.array(img)).permute(2, 0, 1).float() / 255
            return (x.flip(2) if torch.rand(()) < 0.5 else x), label

    return Files()


PEERS: dict[str, Callable] = {"hornbook": hornbook, "torch": torch}  # by module


# ---- measuring


def through(batches: Iterable) -> None:
    """Read all batches."""
    for _ in batches:
        pass


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def measured(peer: str, folder: str) -> dict[str, float]:
    """Seconds of one epoch of a peer, in this process."""
    train, read = PEERS[peer](folder)
    train()
    found = {}
    for name, work in (("train", train), ("read", read)):
        clock, used = time.perf_counter(), cpu()
        work()
        found[name], found[f"{name}, CPU"] = time.perf_counter() - clock, cpu() - used
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description="a folder of JPEG files, against torch")
    parser.add_argument("--files", type=int, default=2000, help="%(default)s")
    parser.add_argument("--rounds", type=int, default=2, help="%(default)s")
    parser.add_argument("--peers", default=",".join(PEERS), help="%(default)s")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.worker:
        print(json.dumps(measured(args.peers, args.worker)))
        return 0
    peers = [peer for peer in args.peers.split(",") if find_spec(peer)]
    rounds: dict[str, list[dict]] = {peer: [] for peer in peers}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), args.files)
        for number in range(args.rounds):
            for peer in peers[number % len(peers) :] + peers[: number % len(peers)]:
                command = [sys.executable, "-m", "benchmarks.folder", "--worker", folder]
                done = subprocess.run(
                    [*command, "--peers", peer], stdout=subprocess.PIPE, check=True, text=True
                )
                rounds[peer].append(json.loads(done.stdout.splitlines()[-1]))
    kinds = list(rounds[peers[0]][0])
    best = {peer: {k: min(one[k] for one in rounds[peer]) for k in kinds} for peer in peers}
    print(f"{args.files} files, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end.")
    print(
        "Pictures per second of wall time and of CPU time; how much longer than the first peer.\n"
    )
    print(line(["", *kinds]), line(["---"] * (len(kinds) + 1)), sep="\n")
    for peer in peers:
        cells = [
            f"{args.files / best[peer][k]:.0f} ({times(best[peer][k] / best[peers[0]][k])})"
            for k in kinds
        ]
        print(line([peer, *cells]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
