"""VGG with 19 weight layers."""

from hornbook.applications.imagenet_utils import decode_predictions
from hornbook.applications.imagenet_utils import preprocess_caffe as preprocess_input
from hornbook.applications.vgg import VGG19

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy
