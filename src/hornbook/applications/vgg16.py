"""VGG with 16 weight layers."""

from hornbook.applications.imagenet_utils import decode_predictions
from hornbook.applications.imagenet_utils import preprocess_caffe as preprocess_input
from hornbook.applications.vgg import VGG16

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy
