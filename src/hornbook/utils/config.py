"""`Config`: named values for a program, as attributes and as a dictionary."""

import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from hornbook.core.config import nearest

_OWN = {"_config", "_frozen"}


class Config:
    """A dictionary of named values that are attributes too, and that can be frozen.

    Args:
        **kwargs: the first values.

    Raises:
        ValueError: if it is changed while frozen.
        AttributeError: for a name that it does not have.

    Example:
        >>> config = Config(learning_rate=0.1)
        >>> config.seed = 123
        >>> config["seed"], config.learning_rate, list(config)
        (123, 0.1, ['learning_rate', 'seed'])
        >>> config.freeze()
        >>> config.to_json()
        '{"learning_rate": 0.1, "seed": 123}'
    """

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any):
        object.__setattr__(self, "_config", kwargs)
        object.__setattr__(self, "_frozen", False)

    @property
    def frozen(self) -> bool:
        """Whether it cannot be changed."""
        return self._frozen

    def freeze(self) -> None:
        """Refuse changes from now on."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Allow changes again."""
        object.__setattr__(self, "_frozen", False)

    def _changeable(self) -> dict[str, Any]:
        if self._frozen:
            raise ValueError("this Config is frozen: call unfreeze() before changing it")
        return self._config

    def as_dict(self) -> dict[str, Any]:
        """The values as a new dictionary."""
        return dict(self._config)

    def to_json(self) -> str:
        """The values as JSON."""
        return json.dumps(self._config)

    def keys(self) -> KeysView:
        """The names."""
        return self._config.keys()

    def values(self) -> ValuesView:
        """The values."""
        return self._config.values()

    def items(self) -> ItemsView:
        """The names with their values."""
        return self._config.items()

    def pop(self, *args: Any) -> Any:
        """Remove a name and return its value.

        Args:
            *args: the name, and what to return if it is missing.
        """
        return self._changeable().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several values, as `dict.update` does."""
        self._changeable().update(*args, **kwargs)

    def get(self, keyname: str, value: Any = None) -> Any:
        """The value of a name, or another one if it is missing.

        Args:
            keyname: the name.
            value: returned if it is missing.
        """
        return self._config.get(keyname, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name) or name in _OWN:
            raise AttributeError(
                f"{name!r} is a method of Config; as a value it is config[{name!r}] = ..."
            )
        self._changeable()[name] = value

    def __getattr__(self, name: str) -> Any:
        if name in _OWN or name not in self._config:  # _OWN: a copy that is being made
            known = self.__dict__.get("_config", {})
            hint = nearest(name, known) if known else "It is empty."
            raise AttributeError(f"this Config has no value {name!r}. {hint}")
        return self._config[name]

    def __setitem__(self, key: str, item: Any) -> None:
        self._changeable()[key] = item

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __delitem__(self, key: str) -> None:
        del self._changeable()[key]

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self):
        return f"<Config {self._config}>"
