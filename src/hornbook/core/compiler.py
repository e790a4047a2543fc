"""What XLA's compiler is asked for on a CPU, beyond its own defaults.

Measured on two Zen 5 cores with jax 0.10.2, in `kernels/README.md`.
"""

import functools
from pathlib import Path

import jax

OPTIONS = {
    # Convolutions by Eigen: two to four times as fast as by the library that the default includes.
    "xla_cpu_experimental_ynn_fusion_type": (
        "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
    ),
}
WIDE = {"xla_cpu_prefer_vector_width": "512"}


@functools.cache
def compiler_options(wide: bool = False) -> dict[str, str] | None:
    """Options for `jax.jit(compiler_options=...)`; none on other devices.

    An option that this version of XLA does not know is left out.

    Args:
        wide: whether the longest vectors of the processor pay: for large arrays, one after the
            other, as an optimizer's. Otherwise they are half as long.

    Example:
        >>> jax.jit(jnp.sin, compiler_options=compiler_options())(0.0).item()
        0.0
    """
    if jax.default_backend() != "cpu":
        return None
    wanted = OPTIONS | (WIDE if wide and _wide_vectors() else {})
    if _known(wanted):
        return wanted
    return {name: value for name, value in wanted.items() if _known({name: value})} or None


def _wide_vectors() -> bool:
    """Whether the processor works on 512 bits at full speed; the first that could did not."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def _known(options: dict[str, str]) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options=options)()
    except (RuntimeError, ValueError):
        return False
    return True
