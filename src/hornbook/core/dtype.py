"""Dtype names, and policies: the dtypes in which a layer stores its variables and computes."""

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import settings

STRING = "string"  # values that stay on the host; device arrays cannot hold them

ALIASES = {
    float: "float32",
    int: "int32",
    bool: "bool",
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "int": "int32",
    "long": "int64",
    "bool_": "bool",
    str: STRING,
    "str": STRING,
    STRING: STRING,
}
NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}


def standardize_dtype(dtype=None) -> str:
    """The name of a dtype given as a name, a numpy or JAX dtype, a Python type or `None`.

    Args:
        dtype: anything that names a dtype; `None` means `floatx()`.

    Returns:
        A name such as `"float32"`.

    Raises:
        ValueError: if it names no supported dtype.

    Example:
        >>> standardize_dtype(float), standardize_dtype(np.int8), standardize_dtype(str)
        ('float32', 'int8', 'string')
    """
    if dtype is None:
        return settings.floatx()
    if isinstance(dtype, type | str) and dtype in ALIASES:
        return settings.floatx() if dtype in (float, "float") else ALIASES[dtype]
    try:
        found = jnp.dtype(dtype)
        return STRING if found.kind in "US" else found.name
    except TypeError:
        pass
    name = getattr(dtype, "name", None) or str(dtype).removeprefix("torch.")
    if name == STRING:  # TensorFlow's
        return STRING
    try:
        return jnp.dtype(name).name
    except TypeError:
        raise ValueError(f"{dtype!r} is not a dtype; pass a name such as 'float32'") from None


def canonical(dtype) -> str:
    """The dtype an array actually gets: 64-bit dtypes narrow to 32 if JAX's 64-bit mode is off."""
    name = standardize_dtype(dtype)
    return name if jax.config.read("jax_enable_x64") else NARROW.get(name, name)


def is_float(dtype) -> bool:
    """Whether a dtype is floating-point (bfloat16 and float8 included)."""
    return dtype != STRING and jnp.issubdtype(dtype, np.floating)


class DTypePolicy:
    """The dtype of a layer's variables and the dtype it computes in.

    Args:
        name: a dtype name, for both; or `"mixed_bfloat16"` / `"mixed_float16"`: variables in
            float32, computation in the 16-bit type.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> policy = DTypePolicy("mixed_bfloat16")
        >>> policy.variable_dtype, policy.compute_dtype
        ('float32', 'bfloat16')
    """

    def __init__(self, name: str):
        if not isinstance(name, str):
            raise TypeError(f"a dtype policy is made from a name, not from {name!r}")
        self.name = name
        if name.startswith("mixed_"):
            self.compute_dtype = standardize_dtype(name.removeprefix("mixed_"))
            self.variable_dtype = "float32"
            if self.compute_dtype not in ("float16", "bfloat16"):
                raise ValueError(f"no such policy: {name!r}; use mixed_bfloat16 or mixed_float16")
        else:
            self.compute_dtype = self.variable_dtype = self.name = standardize_dtype(name)
        if self.compute_dtype == "float64":
            settings.allow_float64()

    def get_config(self) -> dict:
        """The plain data that rebuilds this policy."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict) -> "DTypePolicy":
        """The policy that `get_config` described."""
        return cls(**config)

    def __eq__(self, other):
        return isinstance(other, DTypePolicy) and self.name == other.name

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f"<DTypePolicy {self.name!r}>"


FloatDTypePolicy = DTypePolicy
Policy = DTypePolicy
_global_policy: list[DTypePolicy | None] = [None]


def dtype_policy() -> DTypePolicy:
    """The default policy of layers.

    Example:
        >>> dtype_policy().name
        'float32'
    """
    return _global_policy[0] or DTypePolicy(settings.floatx())


def set_dtype_policy(policy: "str | DTypePolicy | None") -> None:
    """Set the default policy of layers created from now on.

    Args:
        policy: a policy, its name, or `None` to follow `floatx()` again.
    """
    _global_policy[0] = None if policy is None else get_policy(policy)


def get_policy(identifier=None) -> DTypePolicy:
    """A policy from a policy, its name, its config, a dtype, or `None` for the process default."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        config = identifier.get("config", identifier)
        return DTypePolicy(config["name"])
    if isinstance(identifier, str) and identifier.startswith("mixed_"):
        return DTypePolicy(identifier)
    return DTypePolicy(standardize_dtype(identifier))
