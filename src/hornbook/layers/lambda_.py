"""Lambda: a function as a layer."""

import inspect
from collections.abc import Callable
from typing import Any

from hornbook.layers.base import Layer


class Lambda(Layer):
    """Applies a function: `function(x, **arguments)`.

    The function may use `hornbook.ops`, `jax.numpy` and Python operators, and has no weights of its
    own. To save the model, write it with `def` and decorate it with
    `@register_keras_serializable()`: code itself is never written to or read from a file.

    Args:
        function: called with the input, and with `mask` and `training` if it takes them.
        output_shape: accepted for Keras compatibility; shapes are inferred from the function.
        mask: the output mask, or a function `(inputs, mask)` that returns it; default none.
        arguments: further keyword arguments of the function.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Lambda(lambda x: x**2)(np.array([3.0])).tolist()
        [9.0]
    """

    _runs_given_function = True

    def __init__(
        self,
        function: Callable,
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"a Lambda takes a function, not {function!r}")
        self.function = function
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        try:
            taken = list(inspect.signature(function).parameters)
        except ValueError:  # some built-in functions have no signature
            taken = []
        self._flags = [name for name in ("mask", "training") if name in taken]

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        flags = {"mask": mask, "training": training}
        return self.function(
            inputs, **self.arguments, **{name: flags[name] for name in self._flags}
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask
