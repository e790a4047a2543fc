"""Helpers of `keras.utils` without an equivalent today."""

import inspect
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from hornbook.core import settings
from hornbook.layers.convolutional.base import Convolution

FORMATS = {"th": "channels_first", "tf": "channels_last"}


# ---- numbers


def binary_logloss(p: Any, y: Any) -> float:
    """The mean binary crossentropy.

    Args:
        p: probabilities of 1.
        y: ones and zeros.
    """
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return float(-np.mean(y * np.log(p) + (1 - np.asarray(y)) * np.log(1 - p)))


def multiclass_logloss(P: Any, Y: Any) -> float:
    """The mean crossentropy for classes counted from 1.

    Args:
        P: probabilities `(samples, classes)`.
        Y: classes.
    """
    return float(-np.mean([np.log(p[y - 1]) for p, y in zip(P, Y, strict=True)]))


def accuracy(p: Any, y: Any) -> float:
    """The fraction of equal elements.

    Args:
        p: predictions.
        y: targets.
    """
    return float(np.mean([a == b for a, b in zip(p, y, strict=True)]))


def probas_to_classes(y_pred: np.ndarray) -> np.ndarray:
    """The most likely class of each sample; for one column, whether it exceeds 0.5.

    Args:
        y_pred: probabilities.
    """
    if y_pred.ndim > 1 and y_pred.shape[1] > 1:
        return categorical_probas_to_classes(y_pred)
    return np.array([1 if p > 0.5 else 0 for p in y_pred])


def categorical_probas_to_classes(p: np.ndarray) -> np.ndarray:
    """The most likely class of each sample.

    Args:
        p: probabilities `(samples, classes)`.
    """
    return np.argmax(p, axis=1)


def get_test_data(
    num_train: int = 1000,
    num_test: int = 500,
    input_shape: tuple = (10,),
    output_shape: tuple = (2,),
    classification: bool = True,
    num_classes: int = 2,
) -> tuple:
    """Synthetic data: classes with different means, or targets computed from the inputs.

    Args:
        num_train, num_test: numbers of samples.
        input_shape: of a sample.
        output_shape: of a target, for regression.
        classification: whether targets are classes.
        num_classes: number of classes.
    """
    samples = num_train + num_test
    if classification:
        y = np.random.randint(0, num_classes, size=(samples,))
        x = np.stack([np.random.normal(loc=one, scale=0.7, size=input_shape) for one in y])
    else:
        loc = np.random.random((samples,))
        x = np.stack([np.random.normal(loc=one, scale=0.7, size=input_shape) for one in loc])
        y = np.stack([np.full(output_shape, one) for one in loc])
    x = x.astype("float32")
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:])


# ---- kernels and sizes


def convert_kernel(kernel: np.ndarray, data_format: str | None = None) -> np.ndarray:
    """Flip a kernel between Theano's convention and TensorFlow's.

    Args:
        kernel: with taps first, or last with channels first (Keras 1).
        data_format: `"channels_last"` or `"channels_first"`, `"tf"` or `"th"`.
    """
    form = FORMATS.get(data_format or "", data_format) or settings.image_data_format()
    rank = kernel.ndim - 2
    turned = (slice(None, None, -1),) * rank
    whole = (slice(None),) * 2
    return np.copy(kernel[whole + turned if form == "channels_first" else turned + whole])


def convert_all_kernels_in_model(model: Any) -> None:
    """Flip the kernels of all convolutions, in place.

    Args:
        model: a model with weights from Theano for TensorFlow, or vice versa.
    """
    for layer in model._all_modules():
        if isinstance(layer, Convolution) and layer.built:
            for variable in layer.weights:
                if variable.name.endswith("kernel") and variable.name != "pointwise_kernel":
                    taps = tuple(range(variable.ndim - 2))
                    variable.assign(np.flip(variable.numpy(), taps))


def convert_dense_weights_data_format(
    dense: Any, previous_feature_map_shape: tuple, target_data_format: str = "channels_first"
) -> None:
    """Permute the kernel of a `Dense` layer after `Flatten` for another image layout.

    Args:
        dense: the layer; its kernel is changed in place.
        previous_feature_map_shape: of an image, in the target layout.
        target_data_format: the target layout.
    """
    kernel, *others = dense.get_weights()
    shape = tuple(previous_feature_map_shape)
    first = target_data_format == "channels_first"
    before = shape[1:] + shape[:1] if first else shape[-1:] + shape[:-1]
    pictures = kernel.reshape(*before, kernel.shape[1])
    turned = pictures.transpose((2, 0, 1, 3) if first else (1, 2, 0, 3))
    dense.set_weights([turned.reshape(kernel.shape), *others])


def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> int | None:
    """The output length of a convolution; `None` if unknown.

    Args:
        input_length: length of the input.
        filter_size: length of the kernel.
        padding: `"same"`, `"valid"`, `"causal"` or `"full"`.
        stride: stride of the kernel.
        dilation: spacing of the taps.
    """
    if input_length is None:
        return None
    reach = filter_size + (filter_size - 1) * (dilation - 1)
    lost = {"same": 0, "causal": 0, "valid": reach - 1, "full": 1 - reach}[padding]
    return (input_length - lost + stride - 1) // stride


def conv_input_length(
    output_length: int | None, filter_size: int, padding: str, stride: int
) -> int | None:
    """The input length of a convolution; `None` if unknown.

    Args:
        output_length: length of the output.
        filter_size: length of the kernel.
        padding: `"same"`, `"valid"` or `"full"`.
        stride: stride of the kernel.
    """
    if output_length is None:
        return None
    pad = {"same": filter_size // 2, "valid": 0, "full": filter_size - 1}[padding]
    return (output_length - 1) * stride - 2 * pad + filter_size


def normalize_tuple(value: Any, n: int, name: str) -> tuple:
    """Expand an integer, or check a sequence, to `n` integers.

    Args:
        value: an integer, or `n` of them.
        n: the number of integers.
        name: for messages.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, int):
        return (value,) * n
    if not isinstance(value, list | tuple) or [type(one) for one in value] != [int] * n:
        raise ValueError(f"{name} is one integer or {n} of them, not {value!r}")
    return tuple(value)


def normalize_padding(value: str) -> str:
    """A padding mode in lower case.

    Args:
        value: `"valid"`, `"same"` or `"causal"`, in any case.

    Raises:
        ValueError: for anything else.
    """
    if str(value).lower() not in ("valid", "same", "causal"):
        raise ValueError(f"padding is 'valid', 'same' or 'causal', not {value!r}")
    return value.lower()


def deconv_length(
    input_length: int | None,
    stride: int,
    filter_size: int,
    padding: str,
    output_padding: int | None,
    dilation: int = 1,
) -> int | None:
    """The output length of a transposed convolution; `None` if unknown.

    Args:
        input_length: length of the input.
        stride: stride of the kernel.
        filter_size: length of the kernel.
        padding: `"same"`, `"valid"` or `"full"`.
        output_padding: steps added at the end; `None` for the minimum.
        dilation: spacing of the taps.
    """
    if input_length is None:
        return None
    reach = (filter_size - 1) * dilation + 1
    if output_padding is None:
        more = {"same": 0, "valid": max(reach - stride, 0), "full": 2 - stride - reach}[padding]
        return input_length * stride + more
    lost = {"same": reach // 2, "valid": 0, "full": reach - 1}[padding]
    return (input_length - 1) * stride + reach - 2 * lost + output_padding


# ---- models


def print_summary(
    model: Any, line_length: Any = None, positions: Any = None, print_fn: Any = None
) -> None:
    """Print a summary of a model.

    Args:
        model, line_length, positions, print_fn: see `model.summary`.
    """
    model.summary(line_length=line_length, positions=positions, print_fn=print_fn)


def count_params(weights: Any) -> int:
    """The number of elements in a list of weights.

    Args:
        weights: variables.
    """
    return int(sum(one.size for one in weights))


def count_total_params(layers: Any, layer_set: Any = None) -> tuple[int, int]:
    """The numbers of trainable and non-trainable parameters.

    Args:
        layers: layers.
        layer_set: layers counted already.
    """
    new = [one for one in layers if not any(one is known for known in layer_set or ())]
    trained = sum(count_params(one.trainable_weights) for one in new)
    return trained, sum(count_params(one.non_trainable_weights) for one in new)


def to_list(x: Any, allow_tuple: bool = False) -> list:
    """Wrap anything but a list in a list.

    Args:
        x: anything.
        allow_tuple: whether to convert a tuple to a list.
    """
    if isinstance(x, list):
        return x
    return list(x) if allow_tuple and isinstance(x, tuple) else [x]


def unpack_singleton(x: Any) -> Any:
    """The element of a list of one; anything else is returned as is.

    Args:
        x: anything.
    """
    return x[0] if isinstance(x, list | tuple) and len(x) == 1 else x


def has_arg(fn: Callable, name: str, accept_all: bool = False) -> bool:
    """Whether a function accepts an argument by name.

    Args:
        fn: a function.
        name: the argument.
        accept_all: whether `**kwargs` counts.
    """
    found = inspect.signature(fn).parameters.values()
    return any(
        one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        and one.name == name
        or (accept_all and one.kind is one.VAR_KEYWORD)
        for one in found
    )


# ---- arrays in files


class HDF5Matrix:
    """Rows of a dataset in an HDF5 file, read on demand.

    Args:
        datapath: the file.
        dataset: name of the dataset.
        start: the first row.
        end: one past the last row.
        normalizer: a function applied to the rows read.
    """

    _open: dict[str, Any] = {}

    def __init__(
        self,
        datapath: str,
        dataset: str,
        start: int = 0,
        end: int | None = None,
        normalizer: Callable | None = None,
    ):
        path = str(datapath)
        if not self._open.get(path):  # a closed file is falsy
            self._open[path] = h5py.File(path, "r")
        self.data = self._open[path][dataset]
        self.start = start
        self.end = len(self.data) if end is None else end
        self.normalizer = normalizer

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> Any:
        count = len(self)
        if isinstance(key, slice):
            rows = np.arange(*key.indices(count))
        else:
            rows = np.asarray(key)
            if rows.dtype == bool:
                rows = np.flatnonzero(rows)
            rows = np.where(rows < 0, rows + count, rows)
        if rows.size and (rows.min() < 0 or rows.max() >= count):
            raise IndexError(f"row {key} of {count} in {self.data.name}")
        if rows.ndim == 0:
            found = self.data[int(rows) + self.start]
        else:  # h5py needs increasing, unique rows
            wanted, place = np.unique(rows, return_inverse=True)
            found = self.data[wanted + self.start][place]
        return self.normalizer(found) if self.normalizer else found

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    @property
    def shape(self) -> tuple:
        """The number of rows, then the shape of a normalized row."""
        return (len(self), *np.shape(self[:1])[1:])

    @property
    def dtype(self) -> Any:
        """Of what is read."""
        return np.asarray(self[:1]).dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))


def ask_to_proceed_with_overwrite(filepath: Any) -> bool:
    """Ask on the terminal whether to overwrite a file.

    Args:
        filepath: the file.
    """
    answer = ""
    while answer not in ("y", "n"):
        answer = input(f"{filepath} already exists - overwrite? [y/n] ").strip().lower()
    return answer == "y"
