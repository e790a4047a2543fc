"""Mixed precision: the dtype policies under their names before Keras 3."""

from hornbook.core import doors
from hornbook.core.dtype import DTypePolicy as DTypePolicy
from hornbook.core.dtype import dtype_policy as dtype_policy
from hornbook.core.dtype import set_dtype_policy as set_dtype_policy
from hornbook.optimizers import LossScaleOptimizer as LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy
doors.publish(globals())
