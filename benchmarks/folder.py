"""Train a small convnet on a folder of JPEG files, against tf.data with Keras, and torchvision.

    python -m benchmarks.folder
    python -m benchmarks.folder --files 500 --rounds 1 --peers hornbook,torch

The files are photograph-like, 2,000 of 400 x 300 pixels in two classes, and are written first. They
are resized to 128 x 128, and flipped, rotated and zoomed at random, each peer in its usual way:
hornbook in the model, Keras in the threads of tf.data, torch in worker processes. Each peer is a
process that trains for an epoch that is not measured, then for one that is, and then reads all
files without training (for hornbook, thus without augmentation). Rounds alternate between the
peers; the least is reported. CPU time includes that of worker processes, and is more reliable on a
shared machine.
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
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import envs, turns
from benchmarks.tables import line, times

SIZE, BATCH = 128, 32
TURN, ZOOM = 0.1, 0.2  # at most, as a fraction of a turn and of the size
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
    """`image_dataset_from_directory` and `fit`; the layers of the model augment."""
    import hornbook as keras

    data = _files(keras, folder)
    model = _with_keras(keras, _augmentation(keras))
    return lambda: model.fit(data, verbose=0), lambda: through(data)


def keras_tensorflow(folder: str) -> tuple[Callable, Callable]:
    """The same with Keras, whose layers augment in tf.data's threads."""
    import keras
    import tensorflow

    augment, auto = keras.Sequential(_augmentation(keras)), tensorflow.data.AUTOTUNE
    data = _files(keras, folder).map(lambda x, y: (augment(x, training=True), y), auto)
    data = data.prefetch(auto)
    model = _with_keras(keras, [])
    return lambda: model.fit(data, verbose=0), lambda: through(data)


def _files(keras: Any, folder: str) -> Any:
    how = {"image_size": (SIZE, SIZE), "batch_size": BATCH, "verbose": False}
    return keras.utils.image_dataset_from_directory(folder, **how)


def _augmentation(keras: Any) -> list:
    layers = keras.layers
    return [layers.RandomFlip("horizontal"), layers.RandomRotation(TURN), layers.RandomZoom(ZOOM)]


def _with_keras(keras: Any, first: list) -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *first, layers.Rescaling(1 / 255)])
    for width in WIDTHS:
        model.add(layers.Conv2D(width, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(2))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def torch(folder: str) -> tuple[Callable, Callable]:
    """A `DataLoader` with worker processes that augment, and the usual loop."""
    import torch
    from torch import nn

    loader = torch.utils.data.DataLoader(
        _with_pillow(folder, _transform()), BATCH, shuffle=True, num_workers=READERS
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


def _transform() -> Callable:
    """torchvision's transforms, which take less time on tensors than on Pillow's images."""
    import torch

    try:
        from torchvision.transforms import v2
    except (ImportError, RuntimeError) as error:  # its extension is for another build of torch
        print(f"torchvision does not load ({error}): torch's grid_sample instead", file=sys.stderr)
        return _without_torchvision
    how = {"interpolation": v2.InterpolationMode.BILINEAR}
    return v2.Compose(
        [
            v2.ToImage(),
            v2.Resize((SIZE, SIZE), antialias=True, **how),
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(360 * TURN, scale=(1 - ZOOM, 1 + ZOOM), **how),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )


def _without_torchvision(img: Any) -> Any:
    import torch
    from PIL import Image

    img = img.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    x = torch.from_numpy(np.array(img)).permute(2, 0, 1)[None].float() / 255
    turn, scale, flip = (torch.rand(3) * 2 - 1) * torch.tensor([2 * np.pi * TURN, ZOOM, 1])
    cos, sin = (1 + scale) * torch.cos(turn), (1 + scale) * torch.sin(turn)
    side = torch.sign(flip)
    rows = torch.stack([torch.stack([cos * side, -sin]), torch.stack([sin * side, cos])])
    maps = torch.cat([rows, torch.zeros(2, 1)], 1)[None].float()
    grid = torch.nn.functional.affine_grid(maps, list(x.shape), align_corners=False)
    return torch.nn.functional.grid_sample(x, grid, align_corners=False)[0]


def _with_pillow(folder: str, transform: Callable) -> Any:
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
                return transform(file.convert("RGB")), label

    return Files()


# Name -> its worker, the environment it runs in (`None`: this one), and Keras's backend.
PEERS: dict[str, tuple[Callable, str | None, str]] = {
    "hornbook": (hornbook, None, ""),
    "keras-tensorflow": (keras_tensorflow, "keras-tensorflow", "tensorflow"),
    "torch": (torch, "torch", ""),
}


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
    train, read = PEERS[peer][0](folder)
    train()
    found = {}
    for name, work in (("train", train), ("read", read)):
        clock, used = time.perf_counter(), cpu()
        work()
        found[name], found[f"{name}, CPU"] = time.perf_counter() - clock, cpu() - used
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description="a folder of JPEG files, against peers")
    parser.add_argument("--files", type=int, default=2000, help="%(default)s")
    parser.add_argument("--rounds", type=int, default=2, help="%(default)s")
    parser.add_argument("--peers", default=",".join(PEERS), help="%(default)s")
    parser.add_argument("--env-dir", type=Path, default=envs.CACHE, help="%(default)s")
    parser.add_argument(
        "--python", action="append", default=[], help="PEER=PATH: use this interpreter"
    )
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.worker:
        print(json.dumps(measured(args.peers, args.worker)))
        return 0
    peers, given = args.peers.split(","), dict(one.split("=", 1) for one in args.python)
    pythons = {
        peer: str(envs.interpreter(PEERS[peer][1], given.get(peer), args.env_dir, envs.say))
        for peer in peers
    }
    rounds: dict[str, list[dict]] = {peer: [] for peer in peers}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), args.files)
        for number in range(args.rounds):
            for peer in turns.in_turn(peers, number):
                command = [pythons[peer], "-m", "benchmarks.folder", "--worker", folder]
                more = {"KERAS_BACKEND": PEERS[peer][2]} if PEERS[peer][2] else {}
                done = subprocess.run(
                    [*command, "--peers", peer],
                    stdout=subprocess.PIPE,
                    check=True,
                    text=True,
                    env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **more},
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
