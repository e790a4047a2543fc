"""Process-wide numeric settings: the default float type, the fuzz factor, the image layout."""

import os
import warnings
from typing import Any

import jax

_FLOAT_TYPES = ("float16", "bfloat16", "float32", "float64")
_settings: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "flash_attention": None,
    "interactive_logging": True,
    "unstated_backend": None,
    "broadcast_targets": False,
    "max_epochs": os.environ.get("KERAS_MAX_EPOCHS"),
    "max_steps_per_epoch": os.environ.get("KERAS_MAX_STEPS_PER_EPOCH"),
}


def floatx() -> str:
    """Default float type of new variables and of inputs, e.g. `"float32"`.

    Example:
        >>> floatx()
        'float32'
    """
    return _settings["floatx"]


def set_floatx(value: str) -> None:
    """Set the default float type.

    `"float64"` also switches on JAX's 64-bit mode, which stays on for the life of the process.

    Args:
        value: one of `"float16"`, `"bfloat16"`, `"float32"`, `"float64"`.

    Raises:
        ValueError: for any other name.
    """
    if value not in _FLOAT_TYPES:
        raise ValueError(f"floatx must be one of {_FLOAT_TYPES}, not {value!r}")
    if value == "float64":
        allow_float64()
    _settings["floatx"] = value


def allow_float64() -> None:
    """Switch on JAX's 64-bit mode; without it every float64 array becomes float32."""
    jax.config.update("jax_enable_x64", True)


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite (default `1e-7`).

    Example:
        >>> epsilon()
        1e-07
    """
    return _settings["epsilon"]


def set_epsilon(value: float) -> None:
    """Set the fuzz factor that `epsilon()` returns.

    Args:
        value: a small positive float.
    """
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """The default layout of images: `"channels_last"` or `"channels_first"`.

    Example:
        >>> image_data_format()
        'channels_last'
    """
    return _settings["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Set the default layout of image layers.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for any other name.
    """
    _settings["image_data_format"] = standardize_data_format(data_format)


def enable_flash_attention() -> None:
    """Let attention use fused kernels that never materialize its weights (the default)."""
    _settings["flash_attention"] = None


def disable_flash_attention() -> None:
    """Make attention materialize its weights, except where `flash_attention=True` is passed."""
    _settings["flash_attention"] = False


def is_flash_attention_enabled() -> bool | None:
    """`False` if disabled; `None`, as in Keras, if used where possible.

    Example:
        >>> is_flash_attention_enabled() is False
        False
    """
    return _settings["flash_attention"]


def enable_interactive_logging() -> None:
    """Print progress bars and messages (the default)."""
    _settings["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Send progress and messages to the log `"hornbook"` of Python's `logging`, with level INFO.

    Nothing is printed, and the log has one line per epoch instead of a bar. For jobs on servers.
    """
    _settings["interactive_logging"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress bars and messages are printed rather than logged.

    Example:
        >>> is_interactive_logging_enabled()
        True
    """
    return _settings["interactive_logging"]


def unstated_backend() -> str | None:
    """The backend of weights that state none, as in files of Keras 1; `None` if it is unknown.

    Example:
        >>> unstated_backend() is None
        True
    """
    return _settings["unstated_backend"]


def set_unstated_backend(backend: str | None) -> None:
    """Set the backend of weights that state none.

    Args:
        backend: `"theano"`, whose convolutions flipped their kernels, `"tensorflow"`, or `None`.
    """
    _settings["unstated_backend"] = backend


def broadcast_targets() -> bool:
    """Whether losses broadcast targets and predictions, as those of Keras 1 and 2 did.

    Example:
        >>> broadcast_targets()
        False
    """
    return _settings["broadcast_targets"]


def set_broadcast_targets(value: bool) -> None:
    """Set whether losses broadcast targets and predictions.

    Args:
        value: `True` still refuses one target for several predictions, and the reverse.
    """
    _settings["broadcast_targets"] = bool(value)


def max_epochs() -> int | None:
    """The limit on the epochs of every `fit`; also set by the variable `KERAS_MAX_EPOCHS`.

    Example:
        >>> max_epochs() is None
        True
    """
    value = _settings["max_epochs"]
    return int(value) if value else None


def set_max_epochs(max_epochs: int | None) -> None:
    """Limit the epochs of every `fit`, to try out a program quickly.

    Args:
        max_epochs: the limit, `None` for no limit.
    """
    _settings["max_epochs"] = max_epochs


def max_steps_per_epoch() -> int | None:
    """The limit on the steps of every epoch, evaluation and prediction.

    Also set by the environment variable `KERAS_MAX_STEPS_PER_EPOCH`.

    Example:
        >>> max_steps_per_epoch() is None
        True
    """
    value = _settings["max_steps_per_epoch"]
    return int(value) if value else None


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limit the steps of every epoch, evaluation and prediction, to try out a program quickly.

    Args:
        max_steps_per_epoch: the limit, `None` for no limit.
    """
    _settings["max_steps_per_epoch"] = max_steps_per_epoch


def limited(what: str, number: int | None, limit: int | None) -> int | None:
    """The smaller of a number (`None`: unlimited) and a limit, with a warning if the limit wins."""
    if limit is None or (number is not None and number <= limit):
        return number
    warnings.warn(f"{what} is limited to {limit} by keras.config", stacklevel=4)
    return limit


def standardize_data_format(value: str | None) -> str:
    """A validated data format; `None` means the process default."""
    if value is None:
        return image_data_format()
    if value not in ("channels_last", "channels_first"):
        raise ValueError(f"data_format must be 'channels_last' or 'channels_first', not {value!r}")
    return value
