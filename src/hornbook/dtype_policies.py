"""Dtype policies, under the names of `keras.dtype_policies`."""

from hornbook.core import doors
from hornbook.core.dtype import DTypePolicy as DTypePolicy
from hornbook.core.dtype import FloatDTypePolicy as FloatDTypePolicy
from hornbook.core.dtype import get_policy as _get_policy

get = _get_policy
doors.publish(globals())
