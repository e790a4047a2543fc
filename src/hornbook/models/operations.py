"""Ops in a graph to plain data and back, as Keras's operation objects.

Keras records `x * 2` as an object `Multiply()` called on `x` and 2, and `mean(x, axis=1)` as an
object `Mean(axis=1)` called on `x`. Argument names decide which belong to the call and which to the
object. Only functions of `hornbook.ops` and registered ones can be saved.
"""

import inspect
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from hornbook.core import symbolic
from hornbook.core.alike import agree, sample
from hornbook.core.config import get_registered_name, get_registered_object, serialize
from hornbook.core.symbolic import Node, infer, substitute, symbolic_leaves
from hornbook.ops import core, image, linalg, math, nn, numpy

FAMILIES = {"numpy": numpy, "nn": nn, "math": math, "core": core, "linalg": linalg, "image": image}

SAME_AS = {"swish": "silu", "hard_swish": "hard_silu"}
VARIADIC = {"reshape": "newshape", "transpose": "axes"}  # x.reshape(2, 3) as x.reshape((2, 3))

# Keras's class names that are not the op's name in camel case.
CLASSES = {
    name: cls
    for row in """
allclose AllClose|isin IsIn|searchsorted SearchSorted|ctc_loss CTCLoss|ctc_decode CTCDecode
psnr PSNR|cdist CDist|fft FFT|fft2 FFT2|ifft2 IFFT2|rfft RFFT|irfft IRFFT|stft STFT|istft ISTFT
svd SVD|jvp JVP|rgb_to_grayscale RGBToGrayscale|rgb_to_hsv RGBToHSV|hsv_to_rgb HSVToRGB|ssim SSIM
batch_normalization BatchNorm|layer_normalization LayerNorm|rms_normalization RMSNorm
""".split("\n")
    for name, cls in (pair.split() for pair in row.split("|") if pair)
}

# Arguments without a default and without a non-array type are passed in the call; all others are
# settings of the object. These are Keras's exceptions, for all ops and for some.
CALLED_WITH = set(
    "atol beta bias branches choicelist condlist constant_values default f false_fn fun gamma mask "
    "offset output_shape rtol scale step stop true_fn weights x x1 x2 xs".split()
)
SETTLED = set(
    "axis axis1 axis2 destination dtype indices_or_sections kwargs pad_width probabilities pyfunc "
    "repeats shape shift source volumes".split()
)
SETTINGS = {
    "allclose": {"rtol", "atol"},
    "bincount": {"weights"},
    "diagonal": {"offset"},
    "histogram": {"bins"},
    "squareplus": {"b"},
    "trace": {"offset"},
    "trapezoid": {"x"},
    "unique": {"fill_value"},
    **dict.fromkeys(
        "affine_transform elastic_transform map_coordinates perspective_transform resize".split(),
        {"fill_value"},
    ),
}

CANNOT_SAVE = """the op {!r} in the graph cannot be saved: files name functions of `ops`, and your \
own by the names they are registered under.
Wrong:  x = jax.numpy.unwrap(x)
Right:  a function of `ops`, a layer, or @register_keras_serializable() over @op over a function"""


def _find(name: str) -> tuple[str, str, Callable] | None:
    """(family, name, function) of an op."""
    name = SAME_AS.get(name, name)
    for family, module in FAMILIES.items():
        if name in module.__all__:
            return family, name, getattr(module, name)
    return None


def _class_name(name: str) -> str:
    camel = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    return CLASSES.get(name, camel)


_BY_CLASS = {
    (family, _class_name(name)): name
    for family, module in FAMILIES.items()
    for name in module.__all__
}


def _split(name: str, fn: Callable, args: tuple, kwargs: dict) -> tuple[list, dict, dict]:
    """The positional and named arguments of the call, and the settings."""
    signature = inspect.signature(fn)
    bound = signature.bind(*args, **kwargs)
    called: list = []
    named: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    gap = False
    for key, parameter in signature.parameters.items():
        if not _is_called_with(name, parameter):
            if key in bound.arguments:
                settings[key] = bound.arguments[key]
        elif key not in bound.arguments:
            gap = True
        elif parameter.kind is parameter.VAR_POSITIONAL:
            called += bound.arguments[key]
        elif gap:
            named[key] = bound.arguments[key]
        else:
            called.append(bound.arguments[key])
    if symbolic_leaves(settings):
        raise TypeError(f"{', '.join(settings)} of the op {name!r} must be known values")
    return called, named, settings


def _is_called_with(name: str, parameter: inspect.Parameter) -> bool:
    """Whether an argument of an op is passed in the call, rather than being a setting."""
    key, empty = parameter.name, parameter.empty
    if key in SETTLED or key in SETTINGS.get(name, ()):
        return False
    is_array = parameter.default is empty and parameter.annotation in (empty, Any)
    return is_array or key in CALLED_WITH


def normal_form(node: Node) -> tuple[str, Callable, tuple, dict] | None:
    """An equivalent (name, function of `hornbook.ops`, args, kwargs) for a node, or `None`."""
    found = _find(str(node.name))
    if found is None:
        return None
    _, name, fn = found
    args, kwargs = node.args, node.kwargs
    if getattr(node.op, "__module__", "") == fn.__module__:
        return name, fn, args, kwargs
    if name in VARIADIC and len(args) > 1 and isinstance(args[1], int):
        args = (args[0], tuple(args[1:]))
    kwargs = {key: value for key, value in kwargs.items() if value is not None}
    if not is_operator(node.op):
        values = {leaf: sample(leaf) for leaf in symbolic_leaves((args, kwargs))}
        known = substitute(args, values), substitute(kwargs, values)
        return (name, fn, args, kwargs) if agree(fn, node.op, *known) else None
    try:
        specs = infer(fn, args, kwargs)
    except Exception:
        return None
    return (name, fn, args, kwargs) if _same_specs(specs, node.outputs) else None


def is_operator(target: Any) -> bool:
    """Whether a recorded call is an operator or method of a symbolic tensor."""
    return getattr(target, "__module__", None) == symbolic.__name__


def _same_specs(specs: Any, outputs: Any) -> bool:
    shown = [(s.shape, str(s.dtype)) for s in _leaves(specs)]
    return shown == [(t.shape, str(t.dtype)) for t in _leaves(outputs)]


def _leaves(value: Any) -> list:
    if isinstance(value, list | tuple):
        return [leaf for child in value for leaf in _leaves(child)]
    return [value]


def describe_op(node: Node, name: str) -> tuple[dict, list, dict]:
    """A node that calls a function, as plain data.

    Args:
        node: a call of an op.
        name: its name in the file, unique in the model.

    Returns:
        The description of the op, and the positional and named arguments of the call.

    Raises:
        ValueError: if it is neither a function of `hornbook.ops` nor registered.
    """
    registered = get_registered_name(node.op)
    if get_registered_object(registered) is node.op:
        described = {
            "module": None,
            "class_name": "function",
            "config": registered,
            "registered_name": registered,
        }
        return described, list(node.args), dict(node.kwargs)
    form = normal_form(node)
    if form is None:
        raise ValueError(CANNOT_SAVE.format(node.name))
    op, fn, args, kwargs = form
    family = _find(op)[0]  # type: ignore[index]
    called, named, settings = _split(op, fn, args, kwargs)
    cls = _class_name(op)
    described = {
        "module": f"keras.src.ops.{family}",
        "class_name": cls,
        "config": {"name": name, **serialize(settings)},
        "registered_name": cls,
    }
    return described, called, named


def is_op(described: dict) -> bool:
    """Whether plain data describe an op, rather than a layer or a function."""
    return str(described.get("module")).startswith("keras.src.ops.")


def op_from(described: dict, settings: dict) -> Callable:
    """A function that calls the op described by plain data.

    Args:
        described: what `describe_op` returned.
        settings: its config, deserialized.

    Raises:
        ValueError: if there is no such op, or it lacks a setting.
    """
    family = described["module"].rpartition(".")[2]
    name = _BY_CLASS.get((family, str(described["class_name"])))
    if name is None:
        raise ValueError(
            f"there is no op {described['class_name']!r} in {described['module']!r}; the file "
            "needs a newer version"
        )
    fn = getattr(FAMILIES[family], name)
    parameters = inspect.signature(fn).parameters
    settings = {key: value for key, value in settings.items() if key != "name"}
    unknown = {key: value for key, value in settings.items() if key not in parameters and value}
    if unknown:
        raise ValueError(f"the op {name!r} has no setting {next(iter(unknown))!r}")
    settings = {key: value for key, value in settings.items() if key in parameters}

    def call(*args, **kwargs):
        return _call(name, fn, args, {**kwargs, **settings})

    return call


def _call(name: str, fn: Callable, args: tuple, named: dict) -> Any:
    """Call an op whose settings may come before or between its call arguments."""
    signature = inspect.signature(fn)
    rest = list(args)
    bound = inspect.BoundArguments(signature, OrderedDict())
    for key, parameter in signature.parameters.items():
        if key in named:
            bound.arguments[key] = named[key]
        elif not _is_called_with(name, parameter) or not rest:
            continue
        elif parameter.kind is parameter.VAR_POSITIONAL:
            bound.arguments[key], rest = tuple(rest), []
        else:
            bound.arguments[key] = rest.pop(0)
    if rest:
        raise ValueError(f"the op {name!r} was called with {len(args)} arguments, too many for it")
    skipped = False
    positional: list = []
    by_name: dict[str, Any] = {}
    for key, parameter in signature.parameters.items():
        if key not in bound.arguments:
            skipped = True
        elif parameter.kind is parameter.VAR_POSITIONAL:
            positional += bound.arguments[key]
        elif skipped or parameter.kind is parameter.KEYWORD_ONLY:
            by_name[key] = bound.arguments[key]
        else:
            positional.append(bound.arguments[key])
    return fn(*positional, **by_name)
