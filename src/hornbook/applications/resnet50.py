"""ResNet with 50 weight layers; deeper ones are in `resnet`."""

from hornbook.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy
