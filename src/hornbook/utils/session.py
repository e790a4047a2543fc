"""Resetting global state."""

import gc

from hornbook.core import dtype, module, settings
from hornbook.core.allocator import give_back


def clear_session(free_memory: bool = True) -> None:
    """Reset automatic names and global settings, as in a new process.

    Args:
        free_memory: whether to free the models that nothing refers to any more, which Python
            otherwise does some time later, and to return their memory to the system. It takes a
            few tenths of a second in a large program.
    """
    module.reset_names()
    dtype.set_dtype_policy(None)
    settings.set_floatx("float32")
    settings.set_image_data_format("channels_last")
    settings.enable_flash_attention()
    if free_memory:
        gc.collect()
        give_back()
