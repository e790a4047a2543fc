"""Names that Keras keeps for programs written before Keras 3."""

from hornbook.core import doors
from hornbook.legacy import saving as saving

doors.publish(globals())
