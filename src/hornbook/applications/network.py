"""`network`: turns a row of a family's table into a function with Keras's arguments.

A family defines how features are computed from an image, and the top of the network. What all
networks share is here: argument checks, the input, the model and its weights.
"""

import inspect
import os
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, ParamSpec

from hornbook import layers
from hornbook.applications.imagenet_utils import obtain_input_shape, validate_activation
from hornbook.core import tree
from hornbook.core.errors import door
from hornbook.core.settings import image_data_format
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import Variable
from hornbook.data.files import get_file
from hornbook.models import Model

P = ParamSpec("P")
Network = Callable[..., Model]
CLASSES = 1000  # of ImageNet
STORE = "https://storage.googleapis.com/tensorflow/keras-applications/"
KERNELS = "_weights_tf_dim_ordering_tf_kernels{}.h5"  # suffix of file names

# Descriptions of arguments, for the networks' docstrings.
ARGUMENTS = {
    "include_top": "whether to include the classification layers; otherwise it returns features.",
    "weights": '`"imagenet"` (downloaded once), the path of a file, or `None`: random.',
    "input_tensor": "a symbolic tensor to use as the input, instead of a new one.",
    "input_shape": "shape of one image; default that used in training, any size without the top.",
    "pooling": 'without the top: `"avg"` or `"max"` pooling over rows and columns, or `None`.',
    "classes": "number of classes.",
    "classifier_activation": "activation of the last layer; `None` for logits.",
    "name": "name of the model.",
    "alpha": "width multiplier: scales the filters of all layers.",
    "depth_multiplier": "number of depthwise filters per channel.",
    "dropout": "rate of the dropout before the classification layer.",
    "dropout_rate": "rate of the dropout before the classification layer; 0 for none.",
    "minimalistic": "whether to omit squeeze-and-excite, hard swish and 5 x 5 kernels.",
    "include_preprocessing": "whether it takes raw images, with values from 0 to 255.",
}


class Files(NamedTuple):
    """The weight files of a network.

    Attributes:
        address: relative to `STORE`, or a full URL; `{}` is replaced by `part` without the top.
        with_top: checksum of the file with the top, if published.
        without_top: checksum of the file without the top, if published.
        part: suffix in the name of the file without the top.
        kept_as: file name in the cache; default the last part of the address.
    """

    address: str
    with_top: str | None = None
    without_top: str | None = None
    part: str = "_notop"
    kept_as: str | None = None

    def found(self, include_top: bool) -> str:
        """The path of the file, downloaded if missing."""
        part = "" if include_top else self.part
        address = self.address.format(part)
        address = address if "://" in address else STORE + address
        name = (self.kept_as or address.rpartition("/")[2]).format(part.replace("-", "_"))
        checksum = self.with_top if include_top else self.without_top
        return get_file(name, address, cache_subdir="models", file_hash=checksum)


def usual(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: tuple | None = None,
    pooling: str | None = None,
    classes: int = CLASSES,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> dict[str, Any]:
    """The arguments of most networks, by name. Families with others define a similar function."""
    return locals()


def network(
    arguments: Callable[P, dict[str, Any]],
    title: str,
    features: Callable[[Any, SimpleNamespace], Any],
    end: Callable[[Any, SimpleNamespace], Any],
    files: Files | Callable[[SimpleNamespace], Files],
    *,
    name: str = "",
    size: int | Callable[[SimpleNamespace], int] = 224,
    least: int = 32,
    fixed: bool = True,
    settle: Callable[[SimpleNamespace], None] | None = None,
    paper: str,
    **plan: Any,
) -> Callable[P, Model]:
    """Create the function that builds a network.

    Args:
        arguments: function that takes the network's arguments and returns them by name.
        title: name of the network.
        features: function from symbolic images and the arguments to features.
        end: function from features and the arguments to the model's outputs.
        files: the weight files.
        name: default name of the models; default the title in lower case.
        size: rows and columns of the training images.
        least: minimum rows and columns.
        fixed: whether rows and columns must be known with the top.
        settle: validates and completes the arguments once the image shape is known.
        paper: the source.
        **plan: sizes of the network's parts, added to the arguments of `features` and `end`.
    """

    signature = inspect.signature(arguments).replace(return_annotation=Model)

    def build(*args: P.args, **kwargs: P.kwargs) -> Model:
        try:
            named = arguments(*args, **kwargs)
        except TypeError as error:  # its message names `arguments`
            what = str(error).partition("() ")[2]
            takes = ", ".join(signature.parameters)
            raise TypeError(f"{title} {what}; its arguments are {takes}") from None
        given = SimpleNamespace(**plan, **named, title=title)
        check(given)
        given.shape = obtain_input_shape(
            given.input_shape,
            size(given) if callable(size) else size,
            least,
            image_data_format(),
            fixed and given.include_top,
            given.weights,
        )
        if settle is not None:
            settle(given)
        given.name = given.name or name or title.lower()
        weights = found(given, files)
        if given.input_tensor is None:
            inputs = image = layers.Input(shape=given.shape)
        else:
            image = layers.Input(tensor=given.input_tensor)
            inputs = sources(image)
        model = Model(inputs, end(features(image, given), given), name=given.name)
        if weights is not None:
            model.load_weights(weights)
        return model

    build.__name__ = build.__qualname__ = title
    build.__module__ = features.__module__
    build.__doc__ = document(title, signature, paper)
    build.__signature__ = signature  # type: ignore[attr-defined]
    return door(build)


def document(title: str, signature: inspect.Signature, paper: str) -> str:
    """The docstring of a network."""
    listed = [f"    {name}: {ARGUMENTS[name]}" for name in signature.parameters]
    return "\n".join(
        [
            f"{title}, a classifier of the 1000 ImageNet classes, or of others.",
            "",
            "Args:",
            *listed,
            "",
            "Raises:",
            "    ValueError: for conflicting arguments, or weights that do not fit.",
            "",
            f"Source: {paper}.",
        ]
    )


# ---- arguments, weights and the input


def check(given: SimpleNamespace) -> None:
    """Raise a `ValueError` if weights, classes and activation conflict."""
    title, weights = given.title, given.weights
    pretrained = isinstance(weights, str) and weights == "imagenet"
    if weights is not None and not pretrained and not os.path.exists(weights):
        raise ValueError(
            f"The `weights` argument of {title} must be None (random), 'imagenet' (downloaded) or "
            f"the path of a file. Received: weights={weights!r}, and there is no such file"
        )
    if pretrained and given.include_top and given.classes != CLASSES:
        raise ValueError(
            f"{title} with weights='imagenet' and include_top=True has classes={CLASSES}. "
            f"Received: classes={given.classes}. For other classes, use include_top=False and add "
            "your own layers"
        )
    if given.include_top:
        validate_activation(given.classifier_activation, weights)
    if given.pooling not in POOLING:
        warnings.warn(
            f"{title}: pooling is 'avg', 'max' or None; {given.pooling!r} counts as None",
            stacklevel=4,
        )


def channels_last_only(given: SimpleNamespace) -> None:
    """Raise a `ValueError` for channels-first data, which the network does not support."""
    if image_data_format() == "channels_first":
        raise ValueError(
            f"{given.title} takes channels-last images, but the data format is channels_first: "
            "call hornbook.config.set_image_data_format('channels_last') first"
        )


def found(given: SimpleNamespace, files: Files | Callable[[SimpleNamespace], Files]) -> Any:
    """The requested weight file, located before anything is built."""
    if not (isinstance(given.weights, str) and given.weights == "imagenet"):
        return given.weights
    return (files(given) if callable(files) else files).found(given.include_top)


def sources(tensor: SymbolicTensor) -> Any:
    """The input that a symbolic tensor is computed from; a list if there are several.

    If variables take part, it is the tensor itself: they are no weights of the network.
    """
    first: dict[SymbolicTensor, None] = {}
    stack, seen = [tensor], {tensor}
    while stack:
        one = stack.pop()
        if not one.node.inputs:
            first[one] = None
        given = tree.walk((one.node.args, one.node.kwargs))
        if any(isinstance(value, Variable) for value in given):
            return tensor
        before = [t for t in one.node.inputs if t not in seen]
        seen.update(before)
        stack.extend(reversed(before))
    return list(first) if len(first) > 1 else next(iter(first))


# ---- the top

POOLING: dict[str | None, tuple[type[layers.Layer], str] | None] = {
    "avg": (layers.GlobalAveragePooling2D, "avg_pool"),
    "max": (layers.GlobalMaxPooling2D, "max_pool"),
    None: None,
}


def pooled(x: Any, given: SimpleNamespace, named: bool = False) -> Any:
    """The outputs of a network without the top."""
    row = POOLING.get(given.pooling)
    return x if row is None else row[0](name=row[1] if named else None)(x)


def averaged(
    name: str | None = "avg_pool", named: bool = False, dropout: float = 0, **dense: Any
) -> Callable[[Any, SimpleNamespace], Any]:
    """A top of global average pooling and a dense layer.

    Args:
        name: name of the pooling layer.
        named: whether the pooling layer without the top has a name.
        dropout: rate of the dropout before the dense layer.
        **dense: further arguments of the dense layer.
    """

    def end(x: Any, given: SimpleNamespace) -> Any:
        if not given.include_top:
            return pooled(x, given, named)
        x = layers.GlobalAveragePooling2D(name=name)(x)
        x = layers.Dropout(dropout, name="top_dropout")(x) if dropout else x
        return classified(x, given, **dense)

    return end


def classified(x: Any, given: SimpleNamespace, **dense: Any) -> Any:
    """The last layer: one score per class."""
    return layers.Dense(
        given.classes, activation=given.classifier_activation, name="predictions", **dense
    )(x)
