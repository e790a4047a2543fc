"""Resetting global state."""

from hornbook.core import dtype, module, settings


def clear_session(free_memory: bool = True) -> None:
    """Reset automatic names and global settings, as in a new process.

    Args:
        free_memory: accepted for compatibility; models are freed when nothing refers to them.
    """
    module.reset_names()
    dtype.set_dtype_policy(None)
    settings.set_floatx("float32")
    settings.set_image_data_format("channels_last")
    settings.enable_flash_attention()
