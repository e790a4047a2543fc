"""XLA's compiler options on CPUs, and the compilation cache.

Measured on two Zen 5 cores with jax 0.10.2, in `kernels/README.md`.
"""

import functools
import gc
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import jax

from hornbook.core import placement
from hornbook.core.processor import flags, kind

OPTIONS = {
    # Convolutions by Eigen: two to four times as fast as the default library.
    "xla_cpu_experimental_ynn_fusion_type": (
        "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
    ),
}
TRIED = (0, 10)  # the jax version on which `as_one` is known to work
WORTH_KEEPING = 0.1  # seconds; faster compilations are not cached
MOST_BYTES = 2**30  # of the cache
NOT_OURS = """HORNBOOK_CACHE: {folder} can be written by others, and the code in it is run. \
Use a folder of your own, or make this one private: chmod 700 {folder}"""
WIDE = {"xla_cpu_prefer_vector_width": "512"}
# The time of the first pass grows with the square of the arrays that a loop carries. The second
# moves reshapes that the simplifier moves back, so that all simplifications run 25 times.
MANY = {"xla_disable_hlo_passes": "simplify-while-loops,reshape-mover"}
MANY_ARRAYS = 200


def compiler_options(
    wide: bool = False, whole: bool = False, carried: int = 0
) -> dict[str, str] | None:
    """CPU options for `jax.jit(compiler_options=...)`; `None` on other devices.

    Options that this version of XLA does not know are left out.

    Args:
        wide: use the CPU's full vector width, which pays for streaming over large arrays, as an
            optimizer does; otherwise half of it.
        whole: compile for `as_one`, where no library can be called.
        carried: number of arrays that a loop carries from step to step.

    Example:
        >>> jax.jit(jnp.sin, compiler_options=compiler_options())(0.0).item()
        0.0
    """
    if jax.default_backend() != "cpu":
        return None
    left_out = {*(() if wide else WIDE), *(() if carried > MANY_ARRAYS else MANY)}
    found = {k: v for k, v in _supported().items() if k not in left_out}
    libraries = dict.fromkeys(OPTIONS.keys() & found.keys(), "") if whole else {}
    return found | libraries or None


@contextmanager
def uncollected() -> Iterator[None]:
    """Context without garbage collection, for tracing.

    A trace makes many objects that stay to its end; each collection would go through all of them.

    Example:
        >>> import gc
        >>> with uncollected():
        ...     gc.isenabled()
        False
        >>> gc.isenabled()
        True
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def as_one(function: Callable, *args: Any) -> tuple[Any, jax.Array]:
    """`function(*args)`, compiled to a single native function, loops included.

    XLA otherwise compiles each operation separately and dispatches them in turn, at 0.1 us each.
    A single function has no dispatch, but also no threads, no library calls and no `jax.ffi`. The
    operations known to work are listed in `training/small.py`.

    Returns:
        The function's result, and a scalar that depends on every argument. Return the scalar from
        the compiled program too: XLA aborts the process if an argument turns out to be unused.

    Example:
        >>> jax.jit(lambda x: as_one(jnp.sin, x))(0.0)[0].item()
        0.0
    """
    from jax.experimental.xla_metadata import set_xla_metadata

    traced, results = jax.make_jaxpr(function, return_shape=True)(*args)

    def whole(captured: list, *args: Any) -> tuple:
        needed = sum((a.reshape(-1)[0] > 0).astype("int32") for a in (*captured, *args) if a.size)
        return jax.core.eval_jaxpr(traced.jaxpr, captured, *args), needed

    out, needed = set_xla_metadata(
        jax.jit(whole)(traced.consts, *jax.tree.leaves(args)),
        xla_cpu_small_call="true",
        inlineable="false",
    )
    return jax.tree.unflatten(jax.tree.structure(results), out), needed


def can_be_one(arrays: list) -> bool:
    """Whether `as_one` works here and all arrays (JAX's or numpy's) are on one CPU."""
    if jax.__version_info__[:2] != TRIED or jax.default_backend() != "cpu":
        return False
    if placement.current() is not None:
        return False
    return all(len(a.sharding.device_set) == 1 for a in arrays if isinstance(a, jax.Array))


@functools.cache
def _supported() -> dict[str, str]:
    """The options that this XLA accepts and that suit the CPU; the compiler is asked once."""
    wanted = OPTIONS | MANY | (WIDE if _wide_vectors() else {})
    if _known(wanted):
        return wanted
    return {name: value for name, value in wanted.items() if _known({name: value})}


def _wide_vectors() -> bool:
    """Whether the CPU runs 512-bit vectors at full speed; the first with AVX-512 did not."""
    return "avx512_bf16" in flags()


def _known(options: dict[str, str]) -> bool:
    try:
        with jax.ensure_compile_time_eval():  # the first call may be inside a trace
            jax.jit(lambda: 0, compiler_options=options)()
    except (RuntimeError, ValueError):
        return False
    return True


def keep_compiled() -> Path | None:
    """Cache compiled programs between processes, by default in `~/.cache/hornbook`.

    `HORNBOOK_CACHE` names another folder; 0 turns the cache off. Each jax version and CPU model has
    its own subfolder, so code compiled for another machine is never run; different settings give
    different keys. The folder is private, takes at most `MOST_BYTES`, and can be deleted at any
    time. A cache that the program has already given JAX stays.

    Returns:
        The folder; `None` if there is none, or the default one cannot be used.

    Raises:
        OSError: if a folder was named and cannot be used.
        PermissionError: if anyone but its owner can write to it.
    """
    wanted = os.environ.get("HORNBOOK_CACHE") or "1"
    if wanted == "0" or jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return None
    try:
        root = Path.home() / ".cache" / "hornbook" if wanted == "1" else Path(wanted).expanduser()
        folder = _private(root, f"jax-{jax.__version__}-{kind()}")
        forget_oldest(root)
    except (OSError, RuntimeError):  # there may be no home
        if wanted == "1":
            return None
        raise
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", WORTH_KEEPING)
    # a full disk, or a file that another process deleted: the program is compiled
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    return folder


def _private(root: Path, name: str) -> Path:
    """A folder in `root` that only its owner can write to; made if it is not there."""
    folder = root / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in (folder, root):
        status = one.stat()
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
            raise PermissionError(NOT_OURS.format(folder=one))
    return folder


def forget_oldest(root: Path, most: int = MOST_BYTES) -> None:
    """Delete the programs that have not been used for longest, down to a total size.

    Args:
        root: the folder of the cache.
        most: maximum number of bytes.
    """
    found = []
    for folder in root.glob("jax-*"):
        for file in os.scandir(folder):
            with suppress(FileNotFoundError):  # another process may delete files too
                status = file.stat(follow_symlinks=False)
                used = max(status.st_atime, status.st_mtime)
                found.append((used, status.st_size, file.path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            break
        Path(path).unlink(missing_ok=True)
        total -= size
