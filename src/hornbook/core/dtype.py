"""Dtype names, and policies: the dtypes in which a layer stores its variables and computes."""

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

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


def is_int(dtype) -> bool:
    """Whether a dtype is an integer type, signed or not (`"bool"` is none).

    Example:
        >>> is_int("uint8"), is_int("float32"), is_int(bool)
        (True, False, False)
    """
    name = standardize_dtype(dtype)
    return name != STRING and jnp.issubdtype(name, np.integer)


def result_type(*dtypes) -> str:
    """The dtype of a computation with values of these dtypes.

    Args:
        dtypes: anything that names a dtype. The Python types `int` and `float` stand for numbers,
            which adapt to the other dtypes; `None` means `floatx()`.

    Raises:
        ValueError: for a float8 dtype, which has to be cast first, and for strings with numbers.

    Example:
        >>> result_type("int32", "float16"), result_type("bfloat16", float)
        ('float16', 'bfloat16')
    """
    numbers = [dtype(0) for dtype in dtypes if dtype is int or dtype is float]
    named = [standardize_dtype(d) for d in dtypes if d is not int and d is not float]
    apart = [name for name in named if name.startswith("float8") or name == STRING]
    if not dtypes or list(dtypes) == [STRING]:
        return standardize_dtype(*dtypes)
    if apart:
        raise ValueError(f"{apart[0]} mixes with no other dtype: cast it first, e.g. to float32")
    if "uint64" in named and any(name.startswith("int") for name in named):
        numbers.append(0.0)  # no integer type holds both, even if JAX's 64-bit mode is off
    return canonical(jnp.result_type(*map(jnp.dtype, map(canonical, named)), *numbers))


def is_float(dtype) -> bool:
    """Whether a dtype is floating-point (bfloat16 and float8 included)."""
    return dtype != STRING and jnp.issubdtype(dtype, np.floating)


class DTypePolicy:
    """The dtype of a layer's variables and the dtype it computes in.

    Args:
        name: a dtype name, for both; or `"mixed_bfloat16"` / `"mixed_float16"`: variables in
            float32, computation in the 16-bit type. Default the process-wide policy's.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> policy = DTypePolicy("mixed_bfloat16")
        >>> policy.variable_dtype, policy.compute_dtype
        ('float32', 'bfloat16')
    """

    name: str
    compute_dtype: str
    variable_dtype: str
    quantization_mode: str | None = None  # "int8", "int4" or "float8"

    def __init__(self, name: str | None = None):
        name = dtype_policy().name if name is None else name
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

    def of(self, path: str) -> "DTypePolicy":
        """The policy of the layer at a path: this one, unless it is a map."""
        return self

    def __eq__(self, other):
        return type(other) is type(self) and self.get_config() == other.get_config()

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f"<{type(self).__name__} {self.name!r}>"


LONGEST = 255  # characters of a path or pattern: files may hold both, and comparing takes time
SLOW_PATTERN = (
    "the key {!r} of a DTypePolicyMap could take very long to compare. A pattern has no repeated "
    "group, no (?...) and no backreference, at most three of * + {{, at most eight of those and "
    "? |, and 255 characters"
)


def _is_slow(pattern: str) -> bool:
    unbounded, choices = re.findall(r"[*+{]", pattern), re.findall(r"[*+{?|]", pattern)
    several = len(unbounded) > 3 or len(choices) > 8 or len(pattern) > LONGEST
    return several or bool(re.search(r"\)[*+?{]|\\\d|\(\?", pattern))


class DTypePolicyMap(DTypePolicy, MutableMapping):
    """A dtype policy for each layer, by the layer's path; usable as the `dtype` of a layer.

    Sublayers that are given the same map (`dtype=self.dtype_policy`) find their own entry.

    Args:
        default_policy: the policy of layers without an entry; default the process-wide one.
        policy_map: policies, or their names, by path. A key is the path of one layer
            (`"encoder/dense"`) or a regular expression that matches whole paths (`"encoder/.*"`).

    Raises:
        TypeError: if `policy_map` is not a dictionary.
        ValueError: for a key that is no regular expression, or one that could take very long.

    Example:
        >>> policies = DTypePolicyMap("float32", {"encoder/.*": "mixed_bfloat16"})
        >>> policies["encoder/dense"].compute_dtype, policies["decoder"].compute_dtype
        ('bfloat16', 'float32')
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None):
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("default_policy must be a single policy, not a DTypePolicyMap")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"policy_map must be a dictionary of policies, not {policy_map!r}")
        self._default = None if default_policy is None else get_policy(default_policy)
        self._policies: dict[str, DTypePolicy] = {}
        self.update(policy_map or {})

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of layers without an entry."""
        return dtype_policy() if self._default is None else self._default

    @property
    def name(self) -> str:  # type: ignore[override]
        """The default policy's name, after `map_`."""
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:  # type: ignore[override]
        """The default policy's compute dtype."""
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:  # type: ignore[override]
        """The default policy's variable dtype."""
        return self.default_policy.variable_dtype

    def of(self, path: str) -> DTypePolicy:
        """The policy of the layer at a path; the same as `self[path]`."""
        return self[path]

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._policies:
            return self._policies[key]
        if len(key) > LONGEST:
            raise ValueError(
                f"a DTypePolicyMap has paths of at most {LONGEST} characters, not {key!r}"
            )
        found = [pattern for pattern in self._policies if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(
                f"the path {key!r} matches {len(found)} keys of a DTypePolicyMap: {found}. Make "
                "the patterns exclude each other, or add an entry for the path itself"
            )
        return self._policies[found[0]] if found else self.default_policy

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._policies:
            raise ValueError(f"a DTypePolicyMap has an entry {key!r} already: delete it first")
        try:
            re.compile(key)
        except (re.error, TypeError) as error:
            raise ValueError(f"{key!r} is no path and no regular expression: {error}") from None
        if _is_slow(key):
            raise ValueError(SLOW_PATTERN.format(key))
        self._policies[key] = get_policy(policy)

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)

    def __bool__(self) -> bool:
        return True

    def get_config(self) -> dict:
        """The plain data that rebuilds this map; a default that was not given stays so."""
        policies = {key: as_plain(policy) for key, policy in self._policies.items()}
        return {"default_policy": self._default and as_plain(self._default), "policy_map": policies}

    def __repr__(self):
        shown = {key: policy.name for key, policy in self._policies.items()}
        return f"<DTypePolicyMap {self.default_policy.name!r}, {shown}>"


MODES = ("int8", "int4", "float8")  # of quantization
FROM = "_from_"


class QuantizedDTypePolicy(DTypePolicy):
    """The dtypes of a quantized layer: how its kernel is stored, and the policy it was made from.

    Args:
        mode: `"int8"`, `"int4"` or `"float8"`.
        source_name: name of the policy for everything but the kernel; default the process-wide one.

    Raises:
        ValueError: for another mode, and for `"int8"` with a float16 computation, which overflows.

    Example:
        >>> policy = QuantizedDTypePolicy("int8", "mixed_bfloat16")
        >>> policy.name, policy.quantization_mode, policy.compute_dtype
        ('int8_from_mixed_bfloat16', 'int8', 'bfloat16')
    """

    def __init__(self, mode: str, source_name: str | None = None):
        super().__init__(source_name)
        self.mode, self.source_name = mode, self.name
        self.name = f"{mode}{FROM}{self.source_name}"
        self.quantization_mode = mode.partition("/")[0]
        check_mode(self.quantization_mode, self.compute_dtype)

    def get_config(self) -> dict:
        """The plain data that rebuilds this policy."""
        return {"mode": self.mode, "source_name": self.source_name}


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """The dtypes of a layer whose products are of 8-bit floats.

    Args:
        mode: `"float8"`.
        source_name: see `QuantizedDTypePolicy`.
        amax_history_length: number of steps whose largest values determine a scale.

    Raises:
        TypeError: if `amax_history_length` is not an integer.

    Example:
        >>> QuantizedFloat8DTypePolicy("float8", "float32").amax_history_length
        1024
    """

    default_amax_history_length = 1024

    def __init__(self, mode: str, source_name: str | None = None, amax_history_length: int = 1024):
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, int):
            raise TypeError(f"amax_history_length must be an integer, not {amax_history_length!r}")
        self.amax_history_length = amax_history_length

    def get_config(self) -> dict:
        """The plain data that rebuilds this policy."""
        return {**super().get_config(), "amax_history_length": self.amax_history_length}


class Int4DTypePolicy(QuantizedDTypePolicy):
    """The dtypes of a layer whose kernel is stored in 4-bit integers.

    Args:
        mode: `"int4/128"`: blocks of 128 inputs with a scale each; `"int4/-1"`: one block.
        source_name: see `QuantizedDTypePolicy`.

    Raises:
        ValueError: if the mode has another form.

    Example:
        >>> Int4DTypePolicy("int4/64", "float32").block_size
        64
    """

    def __init__(self, mode: str, source_name: str | None = None):
        kind, _, size = mode.partition("/")
        if kind != "int4" or not re.fullmatch("-1|[1-9][0-9]*", size):
            raise ValueError(
                f"the mode of an Int4DTypePolicy must be 'int4/BLOCK_SIZE', with -1 or a positive "
                f"number, not {mode!r}"
            )
        super().__init__(mode, source_name)
        self.block_size = int(size)


def check_mode(mode: Any, compute_dtype: str) -> None:
    """Raise a `ValueError` if layers cannot be quantized to this mode."""
    if mode in ("gptq", "awq"):
        raise ValueError(
            f"quantization by {mode.upper()} is not supported (docs/excluded.md): use 'int4' with "
            "a block size, which needs no calibration"
        )
    if mode not in MODES:
        raise ValueError(f"mode of quantization must be one of {MODES}, not {mode!r}")
    if mode == "int8" and compute_dtype == "float16":
        raise ValueError(
            "a layer that computes in float16 cannot be quantized to int8, because its products "
            "overflow. Use the policy 'mixed_bfloat16' or 'float32'"
        )


POLICIES: dict[str, Any] = {
    **{
        kind.__name__: kind
        for kind in (
            DTypePolicy,
            DTypePolicyMap,
            QuantizedDTypePolicy,
            QuantizedFloat8DTypePolicy,
            Int4DTypePolicy,
        )
    },
    "FloatDTypePolicy": DTypePolicy,
}


def as_plain(policy: DTypePolicy) -> dict:
    """A policy as plain data, in Keras 3's file format."""
    cls = type(policy)
    return {
        "module": "keras" if cls is DTypePolicy else "keras.dtype_policies",
        "class_name": cls.__name__,
        "config": policy.get_config(),
        "registered_name": None,
    }


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
        kind = identifier.get("class_name", "DTypePolicy")
        if kind not in POLICIES:
            raise ValueError(
                f"the dtype policy {kind!r} is not known here; the known ones are "
                f"{', '.join(POLICIES)}"
            )
        return POLICIES[kind].from_config(identifier.get("config", identifier))
    if isinstance(identifier, str) and FROM in identifier:
        mode, _, source = identifier.partition(FROM)
        kinds = {"int4/": Int4DTypePolicy, "float8": QuantizedFloat8DTypePolicy}
        found = (kind for start, kind in kinds.items() if mode.startswith(start))
        return next(found, QuantizedDTypePolicy)(mode, source)
    if isinstance(identifier, str) and identifier.startswith("mixed_"):
        return DTypePolicy(identifier)
    return DTypePolicy(standardize_dtype(identifier))
