"""`network`: a row of a family's table becomes a function with Keras's arguments.

A family says how the features of a picture are computed and what stands at the end. What all
networks have in common is here: arguments and their checks, the input, the model, its weights.
"""

import inspect
import os
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, ParamSpec

from hornbook import layers
from hornbook.applications.imagenet_utils import obtain_input_shape, validate_activation
from hornbook.core.errors import door
from hornbook.core.settings import image_data_format
from hornbook.core.symbolic import SymbolicTensor
from hornbook.data.files import get_file
from hornbook.models import Model

P = ParamSpec("P")
Network = Callable[..., Model]
CLASSES = 1000  # of ImageNet
STORE = "https://storage.googleapis.com/tensorflow/keras-applications/"
KERNELS = "_weights_tf_dim_ordering_tf_kernels{}.h5"  # how names of files end

# What each argument of a network is, for its documentation.
ARGUMENTS = {
    "include_top": "whether it ends in classes; otherwise in features.",
    "weights": '`"imagenet"` (downloaded once), the path of a file, or `None`: drawn at random.',
    "input_tensor": "a symbolic tensor to begin with, instead of an input of its own.",
    "input_shape": "shape of one picture; default that of the training, without the top any size.",
    "pooling": 'without the top: `"avg"` or `"max"` over rows and columns, `None` for neither.',
    "classes": "how many classes there are.",
    "classifier_activation": "of the classes; `None` for logits.",
    "name": "of the model.",
    "alpha": "factor of the filters of all layers.",
    "depth_multiplier": "filters of a depthwise convolution for each channel.",
    "dropout": "rate of the dropout before the classes.",
    "dropout_rate": "rate of the dropout before the classes; 0 for none.",
    "minimalistic": "whether it does without squeeze-and-excite, hard swish and 5 x 5 kernels.",
    "include_preprocessing": "whether it takes pictures from 0 to 255 as they are.",
}


class Files(NamedTuple):
    """Where the weights of a network are.

    Attributes:
        address: below `STORE` or whole; `{}` stands for `part` in the file without the top.
        with_top: the checksum of the file with the top, where one was published.
        without_top: that of the other.
        part: what the name of the file without the top has more.
        kept_as: the name in the cache; default the last part of the address.
    """

    address: str
    with_top: str | None = None
    without_top: str | None = None
    part: str = "_notop"
    kept_as: str | None = None

    def found(self, include_top: bool) -> str:
        """The path of a file, downloaded if it is not there."""
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
    """The arguments of most networks, by name. A family with others has a function like this."""
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
    """A function that makes a network.

    Args:
        arguments: takes its arguments, and gives them by name.
        title: its name.
        features: from symbolic pictures and the arguments to features.
        end: from features and the arguments to what the model gives.
        files: where its weights are.
        name: of its models, if no other is given; default the title in small letters.
        size: rows and columns of the pictures that it was trained on.
        least: the fewest rows and columns that it takes.
        fixed: whether rows and columns must be known below the top.
        settle: looks at the arguments, and completes them, once the shape of the pictures is known.
        paper: the source.
        **plan: how large its parts are; stands among the arguments for `features` and `end`.
    """

    signature = inspect.signature(arguments).replace(return_annotation=Model)

    def build(*args: P.args, **kwargs: P.kwargs) -> Model:
        try:
            named = arguments(*args, **kwargs)
        except TypeError as error:  # which names `arguments`
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
    """The documentation of a network."""
    listed = [f"    {name}: {ARGUMENTS[name]}" for name in signature.parameters]
    return "\n".join(
        [
            f"{title}, which tells the 1000 classes of ImageNet apart, or others.",
            "",
            "Args:",
            *listed,
            "",
            "Raises:",
            "    ValueError: for arguments that do not go together, or weights that do not fit.",
            "",
            f"Source: {paper}.",
        ]
    )


# ---- before: arguments, weights and the input


def check(given: SimpleNamespace) -> None:
    """Raise a `ValueError` where weights, classes and the activation do not go together."""
    title, weights = given.title, given.weights
    pretrained = isinstance(weights, str) and weights == "imagenet"
    if weights is not None and not pretrained and not os.path.exists(weights):
        raise ValueError(
            f"The `weights` argument of {title} is None (drawn at random), 'imagenet' (downloaded) "
            f"or the path of a file. Received: weights={weights!r}, and there is no such file"
        )
    if pretrained and given.include_top and given.classes != CLASSES:
        raise ValueError(
            f"{title} with weights='imagenet' and include_top=True has classes={CLASSES}. "
            f"Received: classes={given.classes}. For classes of your own, put layers of your own "
            "on include_top=False"
        )
    if given.include_top:
        validate_activation(given.classifier_activation, weights)
    if given.pooling not in POOLING:
        warnings.warn(
            f"{title}: pooling is 'avg', 'max' or None; {given.pooling!r} counts as None",
            stacklevel=4,
        )


def channels_last_only(given: SimpleNamespace) -> None:
    """Raise a `ValueError` where channels come first: the network was never made for that."""
    if image_data_format() == "channels_first":
        raise ValueError(
            f"{given.title} takes pictures with channels last, and this process has them first: "
            "call hornbook.config.set_image_data_format('channels_last') before"
        )


def found(given: SimpleNamespace, files: Files | Callable[[SimpleNamespace], Files]) -> Any:
    """The file of the weights that were asked for; looked for before anything is built."""
    if not (isinstance(given.weights, str) and given.weights == "imagenet"):
        return given.weights
    return (files(given) if callable(files) else files).found(given.include_top)


def sources(tensor: SymbolicTensor) -> Any:
    """The input that a symbolic tensor is computed from; a list where there are several."""
    first: dict[SymbolicTensor, None] = {}
    stack, seen = [tensor], {tensor}
    while stack:
        one = stack.pop()
        if not one.node.inputs:
            first[one] = None
        before = [t for t in one.node.inputs if t not in seen]
        seen.update(before)
        stack.extend(reversed(before))
    return list(first) if len(first) > 1 else next(iter(first))


# ---- after: the end

POOLING: dict[str | None, tuple[type[layers.Layer], str] | None] = {
    "avg": (layers.GlobalAveragePooling2D, "avg_pool"),
    "max": (layers.GlobalMaxPooling2D, "max_pool"),
    None: None,
}


def pooled(x: Any, given: SimpleNamespace, named: bool = False) -> Any:
    """The end of a network without the top."""
    row = POOLING.get(given.pooling)
    return x if row is None else row[0](name=row[1] if named else None)(x)


def averaged(
    name: str | None = "avg_pool", named: bool = False, dropout: float = 0, **dense: Any
) -> Callable[[Any, SimpleNamespace], Any]:
    """An end of means over rows and columns, then the classes.

    Args:
        name: of the layer of means.
        named: whether the layer that pools without the top has a name.
        dropout: its rate, before the classes.
        **dense: more arguments of the last layer.
    """

    def end(x: Any, given: SimpleNamespace) -> Any:
        if not given.include_top:
            return pooled(x, given, named)
        x = layers.GlobalAveragePooling2D(name=name)(x)
        x = layers.Dropout(dropout, name="top_dropout")(x) if dropout else x
        return classified(x, given, **dense)

    return end


def classified(x: Any, given: SimpleNamespace, **dense: Any) -> Any:
    """The last layer: what speaks for each class."""
    return layers.Dense(
        given.classes, activation=given.classifier_activation, name="predictions", **dense
    )(x)
