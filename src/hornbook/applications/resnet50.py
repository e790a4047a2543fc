"""ResNet with 50 layers of weights; `resnet` has those with more."""

from hornbook.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy
