"""Objects as plain data in the format of Keras 2."""

from hornbook.core import doors
from hornbook.saving.objects import deserialize_keras_object as deserialize_keras_object
from hornbook.saving.objects import serialize_keras_object as serialize_keras_object

doors.publish(globals())
