"""`tf.logging`: Python's logger named tensorflow."""

import logging
from typing import Any

DEBUG, INFO, WARN, ERROR, FATAL = 10, 20, 30, 40, 50
_logger = logging.getLogger("tensorflow")
debug, info, warning, error, fatal = (
    _logger.debug,
    _logger.info,
    _logger.warning,
    _logger.error,
    _logger.fatal,
)
warn, log = warning, _logger.log


def set_verbosity(level: Any) -> None:
    """The lowest level that is written."""
    _logger.setLevel(int(level))


def get_verbosity() -> int:
    """That level."""
    return _logger.getEffectiveLevel()
