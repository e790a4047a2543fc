"""FlaxLayer: a module of flax.linen as a layer."""

import inspect
from collections.abc import Callable
from typing import Any

from hornbook.core.config import deserialize
from hornbook.layers.jax_layer import JaxLayer

NO_FLAX = "FlaxLayer wraps modules of flax.linen, and needs flax: pip install 'hornbook[flax]'"
NO_METHOD = "the module {!r} of a FlaxLayer has no method {!r}"


class FlaxLayer(JaxLayer):
    """A module of flax.linen as a layer.

    Its `"params"` are trained; its other collections, such as `"batch_stats"`, are updated by calls
    in training and not by the optimizer. In training it gets keys for dropout.

    To save the model, the module's class needs `get_config` and `from_config`, and must be
    decorated with `@register_keras_serializable()`: code itself is never written to or read from a
    file.

    Args:
        module: a `flax.linen.Module`; its `__call__` takes the inputs as one argument and, if it
            needs it, `training`.
        method: the method to call instead: bound to the module, or a function that takes the module
            and the inputs.
        variables: first values of the variables, as `module.init` returns them; default: those that
            it returns for the shape of the first inputs.
        seed: random seed of the keys.

    Raises:
        ImportError: if flax is not installed.

    Example:
        >>> import flax.linen as linen  # doctest: +SKIP
        >>> keras.layers.FlaxLayer(linen.Dense(3))(np.ones((2, 4))).shape  # doctest: +SKIP
        (2, 3)
    """

    _given = ("call_fn", "init_fn", "params", "state")

    def __init__(
        self, module: Any, method: Callable | None = None, variables: Any = None, **kwargs: Any
    ):
        try:
            from flax.linen import DenyList
        except ImportError as error:
            raise ImportError(NO_FLAX) from error
        self.module, self.method = module, method
        self._mutable = DenyList(["params"])
        takes = inspect.signature(method or module.__call__).parameters
        self._takes_training = "training" in takes
        params, state = (None, None) if variables is None else _parted(variables)
        super().__init__(self._apply, self._init, params, state, **kwargs)

    def _options(self, training: bool) -> dict[str, Any]:
        more = {"training": training} if self._takes_training else {}
        return {"method": self.method, **more}

    def _apply(self, params: Any, state: Any, rng: Any, inputs: Any, training: bool) -> Any:
        variables = {**(params or {}), **(state or {})}
        options = self._options(training)
        return self.module.apply(variables, inputs, rngs=rng, mutable=self._mutable, **options)

    def _init(self, rng: Any, inputs: Any) -> tuple[Any, Any]:
        return _parted(self.module.init(rng, inputs, **self._options(training=True)))

    def _get_init_rng(self) -> dict:
        """Keys for params and dropout."""
        return {"params": self._get_init_seed(), "dropout": self._get_init_seed()}

    def _get_call_rng(self, training: bool) -> dict:
        """A key for dropout, in training."""
        return {"dropout": self._get_call_seed()} if training else {}

    def get_config(self) -> dict:
        """Module, method (by name if it is bound to the module) and other arguments as plain data,
        without variables."""
        config = super().get_config()
        del config["variables"]
        if getattr(self.method, "__self__", None) is self.module:
            config["method"] = self.method.__name__  # type: ignore[union-attr]
        return config

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """Create a layer from what `get_config` returned.

        Raises:
            ValueError: if the module has no such method.
        """
        config = {**config, "module": deserialize(config["module"])}
        name = config.get("method")
        if isinstance(name, str):
            public = name == "__call__" or not name.startswith("_")
            if not (public and inspect.isfunction(getattr(type(config["module"]), name, None))):
                raise ValueError(NO_METHOD.format(config["module"], name))
            config["method"] = getattr(config["module"], name)
        return super().from_config(config)


def _parted(variables: Any) -> tuple[dict, dict]:
    """A module's variables as its params and the rest, each a dict of collections."""
    params = {name: value for name, value in variables.items() if name == "params"}
    return params, {name: value for name, value in variables.items() if name != "params"}
