"""ImageNet classifiers, with or without pretrained weights.

Example:
    >>> base = keras.applications.MobileNet(
    ...     weights=None, alpha=0.25, include_top=False, input_shape=(32, 32, 3), pooling="avg"
    ... )
    >>> outputs = keras.layers.Dense(5)(base.output)
    >>> keras.Model(base.input, outputs).output_shape
    (None, 5)
"""

from hornbook.applications import convnext as convnext
from hornbook.applications import densenet as densenet
from hornbook.applications import efficientnet as efficientnet
from hornbook.applications import efficientnet_v2 as efficientnet_v2
from hornbook.applications import imagenet_utils as imagenet_utils
from hornbook.applications import inception_resnet_v2 as inception_resnet_v2
from hornbook.applications import inception_v3 as inception_v3
from hornbook.applications import mobilenet as mobilenet
from hornbook.applications import mobilenet_v2 as mobilenet_v2
from hornbook.applications import mobilenet_v3 as mobilenet_v3
from hornbook.applications import nasnet as nasnet
from hornbook.applications import resnet as resnet
from hornbook.applications import resnet50 as resnet50
from hornbook.applications import resnet_v2 as resnet_v2
from hornbook.applications import vgg16 as vgg16
from hornbook.applications import vgg19 as vgg19
from hornbook.applications import xception as xception
from hornbook.applications.convnext import ConvNeXtBase as ConvNeXtBase
from hornbook.applications.convnext import ConvNeXtLarge as ConvNeXtLarge
from hornbook.applications.convnext import ConvNeXtSmall as ConvNeXtSmall
from hornbook.applications.convnext import ConvNeXtTiny as ConvNeXtTiny
from hornbook.applications.convnext import ConvNeXtXLarge as ConvNeXtXLarge
from hornbook.applications.densenet import DenseNet121 as DenseNet121
from hornbook.applications.densenet import DenseNet169 as DenseNet169
from hornbook.applications.densenet import DenseNet201 as DenseNet201
from hornbook.applications.efficientnet import EfficientNetB0 as EfficientNetB0
from hornbook.applications.efficientnet import EfficientNetB1 as EfficientNetB1
from hornbook.applications.efficientnet import EfficientNetB2 as EfficientNetB2
from hornbook.applications.efficientnet import EfficientNetB3 as EfficientNetB3
from hornbook.applications.efficientnet import EfficientNetB4 as EfficientNetB4
from hornbook.applications.efficientnet import EfficientNetB5 as EfficientNetB5
from hornbook.applications.efficientnet import EfficientNetB6 as EfficientNetB6
from hornbook.applications.efficientnet import EfficientNetB7 as EfficientNetB7
from hornbook.applications.efficientnet_v2 import EfficientNetV2B0 as EfficientNetV2B0
from hornbook.applications.efficientnet_v2 import EfficientNetV2B1 as EfficientNetV2B1
from hornbook.applications.efficientnet_v2 import EfficientNetV2B2 as EfficientNetV2B2
from hornbook.applications.efficientnet_v2 import EfficientNetV2B3 as EfficientNetV2B3
from hornbook.applications.efficientnet_v2 import EfficientNetV2L as EfficientNetV2L
from hornbook.applications.efficientnet_v2 import EfficientNetV2M as EfficientNetV2M
from hornbook.applications.efficientnet_v2 import EfficientNetV2S as EfficientNetV2S
from hornbook.applications.inception_resnet_v2 import InceptionResNetV2 as InceptionResNetV2
from hornbook.applications.inception_v3 import InceptionV3 as InceptionV3
from hornbook.applications.mobilenet import MobileNet as MobileNet
from hornbook.applications.mobilenet_v2 import MobileNetV2 as MobileNetV2
from hornbook.applications.mobilenet_v3 import MobileNetV3Large as MobileNetV3Large
from hornbook.applications.mobilenet_v3 import MobileNetV3Small as MobileNetV3Small
from hornbook.applications.nasnet import NASNetLarge as NASNetLarge
from hornbook.applications.nasnet import NASNetMobile as NASNetMobile
from hornbook.applications.resnet import ResNet50 as ResNet50
from hornbook.applications.resnet import ResNet101 as ResNet101
from hornbook.applications.resnet import ResNet152 as ResNet152
from hornbook.applications.resnet_v2 import ResNet50V2 as ResNet50V2
from hornbook.applications.resnet_v2 import ResNet101V2 as ResNet101V2
from hornbook.applications.resnet_v2 import ResNet152V2 as ResNet152V2
from hornbook.applications.vgg import VGG16 as VGG16
from hornbook.applications.vgg import VGG19 as VGG19
from hornbook.applications.xception import Xception as Xception
from hornbook.core import doors

doors.publish(globals())
