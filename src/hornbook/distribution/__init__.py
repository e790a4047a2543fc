"""Training on several devices and processes, under the names of `keras.distribution`."""

from hornbook.core import doors
from hornbook.distribution.devices import get_device_count as get_device_count
from hornbook.distribution.devices import initialize as initialize
from hornbook.distribution.devices import list_devices as list_devices
from hornbook.distribution.mesh import DeviceMesh as DeviceMesh
from hornbook.distribution.mesh import LayoutMap as LayoutMap
from hornbook.distribution.mesh import TensorLayout as TensorLayout
from hornbook.distribution.strategies import DataParallel as DataParallel
from hornbook.distribution.strategies import ModelParallel as ModelParallel
from hornbook.distribution.strategies import distribute_tensor as distribute_tensor
from hornbook.distribution.strategies import distribution as distribution
from hornbook.distribution.strategies import set_distribution as set_distribution

doors.publish(globals())
