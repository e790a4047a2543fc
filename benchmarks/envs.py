"""Virtual environments for the peers, created once in a cache directory and reused."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "hornbook-benchmarks"

JAX, KERAS, TORCH, TORCHVISION, TENSORFLOW = (
    "jax==0.10.2",
    "keras==3.15.0",
    "torch==2.13.0",
    "torchvision==0.28.0",
    "tensorflow==2.21.0",
)

ENVS = {
    "keras-jax": [KERAS, JAX],
    "keras-tensorflow": [KERAS, TENSORFLOW],
    "keras-torch": [KERAS, TORCH],
    "torch": [TORCH, TORCHVISION, "numpy"],
    "jax": [JAX],
}


def ensure(name: str, folder: Path, say: Callable[[str], None]) -> Path:
    """Return the Python of environment `name` under `folder`, creating it if absent.

    Raises:
        RuntimeError: if pip cannot install the packages; includes its last lines of output.
    """
    home = folder.expanduser() / name
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = home / "installed.txt", "\n".join([sys.version, *ENVS[name]])
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    say(f"making the environment of {name} in {home}: {', '.join(ENVS[name])}")
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", *ENVS[name]],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}"
            )
    stamp.write_text(wanted)
    return python


def interpreter(
    env: str | None, given: str | None, folder: Path, say: Callable[[str], None]
) -> Path | str:
    """The Python of a peer: this one without an environment, a given one, or `ensure`'s."""
    return sys.executable if env is None else given or ensure(env, folder, say)


def say(text: str) -> None:
    """Tell the user, apart from results."""
    print(text, file=sys.stderr)
