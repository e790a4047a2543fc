"""`StatelessScope` and `SymbolicScope`: Keras's interface to `bind`."""

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import jax.numpy as jnp

from hornbook.core.variable import Variable, bind, unwrap
from hornbook.layers import calling


class StatelessScope:
    """Context in which variables read given values, and assignments stay in the scope.

    Args:
        state_mapping: pairs of a variable and its value in the scope.
        collect_losses: whether to collect the losses that layers add in `losses`.
        initialize_variables: accepted for Keras compatibility; variables are initialized eagerly.

    Raises:
        ValueError: if a key is not a variable, or a value has the wrong shape.

    Example:
        >>> v = hornbook.Variable(1.0)
        >>> with hornbook.StatelessScope([(v, 5.0)]) as scope:
        ...     _ = v.assign_add(1.0)
        >>> float(scope.get_current_value(v)), float(v)
        (6.0, 1.0)
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ):
        self.collect_losses = collect_losses
        self.losses: list = []
        self._values: dict[Variable, Any] = {}
        self._open = ExitStack()
        for variable, value in state_mapping or ():
            if not isinstance(variable, Variable):
                raise ValueError(f"a StatelessScope maps variables to values, not {variable!r}")
            value = jnp.asarray(unwrap(value), variable.dtype)
            if value.shape != variable.shape:
                raise ValueError(
                    f"variable {variable.path!r} has shape {variable.shape}; a StatelessScope got "
                    f"a value of shape {value.shape} for it"
                )
            self._values[variable] = value

    def __enter__(self) -> "StatelessScope":
        self._values = self._open.enter_context(bind(self._values))
        if self.collect_losses:
            self.losses = self._open.enter_context(calling.collect_losses())
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.close()

    def add_loss(self, loss: Any) -> None:
        """Add to `losses`."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Set the value of a variable in the scope.

        Args:
            update: the variable and the value.
        """
        variable, value = update
        self._values[variable] = value

    def get_current_value(self, variable: Variable) -> Any:
        """The value of a variable in the scope; `None` if none was given or assigned."""
        return self._values.get(variable)


class SymbolicScope:
    """Context for shape inference: losses that layers add in it do not count.

    Around `StatelessScope` and a call on symbolic tensors or tracers, in programs that infer shapes
    themselves; layers and ops need none.

    Example:
        >>> layer = keras.layers.ActivityRegularization(l2=1.0)
        >>> with keras.SymbolicScope():
        ...     _ = layer(np.ones((1, 2)))
        >>> layer.losses
        []
    """

    def __enter__(self) -> "SymbolicScope":
        self._losses = calling.collect_losses()
        self._losses.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._losses.__exit__(*error)
