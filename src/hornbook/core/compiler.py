"""XLA's compiler: what it is asked for on a CPU, and what it compiled kept for the next process.

Measured on two Zen 5 cores with jax 0.10.2, in `kernels/README.md`.
"""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from hornbook.core.processor import flags, kind

OPTIONS = {
    # Convolutions by Eigen: two to four times as fast as by the library that the default includes.
    "xla_cpu_experimental_ynn_fusion_type": (
        "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
    ),
}
TRIED = (0, 10)  # the jax for which `as_one` is known to work
WORTH_KEEPING = 0.1  # seconds that a compilation took
NOT_OURS = """HORNBOOK_CACHE: {folder} can be written by others, and what lies there is run. \
Take a folder of your own, or make it one: chmod 700 {folder}"""
WIDE = {"xla_cpu_prefer_vector_width": "512"}


def compiler_options(wide: bool = False, whole: bool = False) -> dict[str, str] | None:
    """Options for `jax.jit(compiler_options=...)`; none on other devices.

    An option that this version of XLA does not know is left out.

    Args:
        wide: whether the longest vectors of the processor pay: for large arrays, one after the
            other, as an optimizer's. Otherwise they are half as long.
        whole: whether it is for `as_one`, where no library can be called.

    Example:
        >>> jax.jit(jnp.sin, compiler_options=compiler_options())(0.0).item()
        0.0
    """
    if jax.default_backend() != "cpu":
        return None
    found = {k: v for k, v in _supported().items() if wide or k not in WIDE}
    libraries = dict.fromkeys(OPTIONS.keys() & found.keys(), "") if whole else {}
    return found | libraries or None


def as_one(function: Callable, *args: Any) -> tuple[Any, jax.Array]:
    """`function(*args)`, compiled to one function of the processor's, loops and all.

    Otherwise XLA compiles each operation by itself and calls them in turn, which takes a tenth of a
    microsecond each. Here there is nothing between them; but there are no threads either, no
    libraries, no `jax.ffi`. For the operations that are known to work see `training/small.py`.

    Returns:
        What the function returns, and a number made of all that it was given, which has to be
        among the results of what is compiled: XLA ends the process over an argument that turns out
        not to be needed.

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
    """Whether there is `as_one`, and the arrays, some of them perhaps numpy's, lie on one CPU."""
    if jax.__version_info__[:2] != TRIED or jax.default_backend() != "cpu":
        return False
    return all(len(a.sharding.device_set) == 1 for a in arrays if isinstance(a, jax.Array))


@functools.cache
def _supported() -> dict[str, str]:
    """The options that this XLA knows and that suit the processor; asked of the compiler once."""
    wanted = OPTIONS | (WIDE if _wide_vectors() else {})
    if _known(wanted):
        return wanted
    return {name: value for name, value in wanted.items() if _known({name: value})}


def _wide_vectors() -> bool:
    """Whether the processor works on 512 bits at full speed; the first that could did not."""
    return "avx512_bf16" in flags()


def _known(options: dict[str, str]) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options=options)()
    except (RuntimeError, ValueError):
        return False
    return True


def keep_compiled() -> Path | None:
    """Let what is compiled be found by the next process, in the folder that `HORNBOOK_CACHE` names.

    `HORNBOOK_CACHE=1` stands for `~/.cache/hornbook`. Below it, each version of jax and each kind
    of processor has a folder of its own, so that nothing is run that was made for another; what is
    compiled for other settings has another name. Delete the folder at any time.

    Returns:
        The folder; `None` if `HORNBOOK_CACHE` is not set.

    Raises:
        PermissionError: if others than its owner can write to the folder.
    """
    wanted = os.environ.get("HORNBOOK_CACHE")
    if not wanted:
        return None
    root = Path.home() / ".cache" / "hornbook" if wanted == "1" else Path(wanted).expanduser()
    folder = root / f"jax-{jax.__version__}-{kind()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in (folder, root):
        status = one.stat()
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
            raise PermissionError(NOT_OURS.format(folder=one))
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", WORTH_KEEPING)
    return folder
