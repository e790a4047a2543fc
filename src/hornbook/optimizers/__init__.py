"""Optimizers: how gradients update the weights."""

from typing import Any

from hornbook.core import config as _config
from hornbook.core import doors
from hornbook.optimizers import legacy as legacy
from hornbook.optimizers import schedules as schedules
from hornbook.optimizers.adafactor import Adafactor as Adafactor
from hornbook.optimizers.adam import Adam as Adam
from hornbook.optimizers.adam import Adamax as Adamax
from hornbook.optimizers.adam import AdamW as AdamW
from hornbook.optimizers.adam import Lamb as Lamb
from hornbook.optimizers.adam import Nadam as Nadam
from hornbook.optimizers.adam import ScheduleFreeAdamW as ScheduleFreeAdamW
from hornbook.optimizers.adaptive import Adadelta as Adadelta
from hornbook.optimizers.adaptive import Adagrad as Adagrad
from hornbook.optimizers.adaptive import Ftrl as Ftrl
from hornbook.optimizers.adaptive import RMSprop as RMSprop
from hornbook.optimizers.base import Optimizer as Optimizer
from hornbook.optimizers.loss_scale import LossScaleOptimizer as LossScaleOptimizer
from hornbook.optimizers.multi import MultiOptimizer as MultiOptimizer
from hornbook.optimizers.multi import OptimizerMap as OptimizerMap
from hornbook.optimizers.muon import Muon as Muon
from hornbook.optimizers.sgd import SGD as SGD
from hornbook.optimizers.sgd import Lion as Lion

_BY_NAME = {
    cls.__name__.lower(): cls
    for cls in doors.table("optimizers", globals(), bases=(Optimizer,)).values()
    if issubclass(cls, Optimizer)
}


def get(identifier: Any) -> Optimizer | None:
    """The optimizer that an identifier stands for.

    Args:
        identifier: a name in any case (`"adam"`), what `serialize` returned, an optimizer, its
            class, or `None`.

    Raises:
        ValueError: if it is none of these.

    Example:
        >>> keras.optimizers.get("SGD")
        SGD()
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    known = isinstance(identifier, str) and identifier.lower() in _BY_NAME
    name = identifier.lower() if known else identifier
    found = _config.lookup("optimizers", name, _BY_NAME, "an optimizer")
    if isinstance(found, Optimizer):
        return found
    raise ValueError(f"{identifier!r} is not an optimizer: pass a name, a config or an Optimizer")


def serialize(optimizer: Optimizer) -> dict:
    """The class and config of an optimizer as plain data.

    Args:
        optimizer: an optimizer.
    """
    return _config.serialize(optimizer)


def deserialize(config: dict, custom_objects: dict | None = None) -> Optimizer:
    """Recreate an optimizer from what `serialize` returned.

    Args:
        config: what `serialize` returned; the class name may be in any case.
        custom_objects: maps names to classes, for this call.
    """
    own = _BY_NAME.get(config["class_name"].lower())
    if own is not None:
        config = {**config, "class_name": own.__name__}
    return _config.deserialize(config, custom_objects, "optimizers")


doors.publish(globals())
