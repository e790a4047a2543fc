"""Process-wide settings, under the names of `keras.config`."""

from hornbook.backend import backend as backend
from hornbook.core import doors
from hornbook.core.dtype import dtype_policy as dtype_policy
from hornbook.core.dtype import set_dtype_policy as set_dtype_policy
from hornbook.core.errors import disable_traceback_filtering as disable_traceback_filtering
from hornbook.core.errors import enable_traceback_filtering as enable_traceback_filtering
from hornbook.core.errors import is_traceback_filtering_enabled as is_traceback_filtering_enabled
from hornbook.core.settings import disable_flash_attention as disable_flash_attention
from hornbook.core.settings import enable_flash_attention as enable_flash_attention
from hornbook.core.settings import epsilon as epsilon
from hornbook.core.settings import floatx as floatx
from hornbook.core.settings import image_data_format as image_data_format
from hornbook.core.settings import is_flash_attention_enabled as is_flash_attention_enabled
from hornbook.core.settings import max_epochs as max_epochs
from hornbook.core.settings import max_steps_per_epoch as max_steps_per_epoch
from hornbook.core.settings import set_epsilon as set_epsilon
from hornbook.core.settings import set_floatx as set_floatx
from hornbook.core.settings import set_image_data_format as set_image_data_format
from hornbook.core.settings import set_max_epochs as set_max_epochs
from hornbook.core.settings import set_max_steps_per_epoch as set_max_steps_per_epoch

doors.publish(globals())
