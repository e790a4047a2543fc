"""Messages to the user: printed, or sent to the log if interactive logging is off."""

import logging

from hornbook.core import settings

LOG = logging.getLogger("hornbook")


def tell(text: str, end: str = "\n") -> None:
    """Print a text; if interactive logging is off, log it with level INFO instead.

    Args:
        text: one or more lines.
        end: printed after it.
    """
    if settings.is_interactive_logging_enabled():
        print(text, end=end, flush=True)
    elif text.strip():
        LOG.info("%s", text.strip())
