"""Dtype policies, under the names of `keras.dtype_policies`."""

from typing import Any

from hornbook.core import config as _config
from hornbook.core import doors
from hornbook.core.dtype import DTypePolicy as DTypePolicy
from hornbook.core.dtype import DTypePolicyMap as DTypePolicyMap
from hornbook.core.dtype import FloatDTypePolicy as FloatDTypePolicy
from hornbook.core.dtype import Int4DTypePolicy as Int4DTypePolicy
from hornbook.core.dtype import QuantizedDTypePolicy as QuantizedDTypePolicy
from hornbook.core.dtype import QuantizedFloat8DTypePolicy as QuantizedFloat8DTypePolicy
from hornbook.core.dtype import as_plain as _as_plain
from hornbook.core.dtype import get_policy as _get_policy


def serialize(dtype_policy: DTypePolicy) -> dict:
    """The class and config of a policy as plain data.

    Args:
        dtype_policy: a policy.

    Example:
        >>> serialize(DTypePolicy("mixed_bfloat16"))["config"]
        {'name': 'mixed_bfloat16'}
    """
    return _as_plain(dtype_policy)


def deserialize(config: dict, custom_objects: dict | None = None) -> Any:
    """Recreate a policy from what `serialize` returned.

    Args:
        config: what `serialize` returned.
        custom_objects: maps names to classes, for this call.

    Raises:
        ValueError: for a class that is not known.
    """
    return _config.deserialize(config, custom_objects, "dtype_policies")


get = _get_policy
doors.publish(globals())
