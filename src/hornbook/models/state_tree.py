"""All values of a model as a nested dictionary, by the names in their paths."""

from typing import Any

import numpy as np

from hornbook.core.variable import Variable

GROUPS = (
    "trainable_variables",
    "non_trainable_variables",
    "optimizer_variables",
    "metrics_variables",
)
TWICE = """the path {!r} is found twice in the model, so its values have no unique place in a \
tree. Give the layers unique names"""


def by_path(model: Any, group: str) -> dict[str, Variable]:
    """The variables of a group, by path.

    Raises:
        ValueError: if two have the same path, or there is no such group.
    """
    if group not in GROUPS:
        raise ValueError(f"a state tree has {', '.join(GROUPS)}; there is no {group!r}")
    if group == "optimizer_variables":
        variables = getattr(model.optimizer, "variables", [])
    else:
        variables = getattr(model, group)
    found: dict[str, Variable] = {}
    for variable in variables:
        if variable.path in found:
            raise ValueError(TWICE.format(variable.path))
        found[variable.path] = variable
    return found


def state_tree(model: Any, value_format: str) -> dict[str, dict]:
    """The values of a model; see `Model.get_state_tree`."""
    if value_format not in ("backend_tensor", "numpy_array"):
        raise ValueError(f"value_format={value_format!r} must be 'backend_tensor' or 'numpy_array'")
    numpy = value_format == "numpy_array"
    return {
        group: nested(
            {p: v.numpy() if numpy else v.value for p, v in by_path(model, group).items()}
        )
        for group in GROUPS
    }


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """A dictionary by path as nested dictionaries.

    Example:
        >>> nested({"dense/kernel": 1, "dense/bias": 2})
        {'dense': {'kernel': 1, 'bias': 2}}
    """
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *folders, name = path.split("/")
        inner = tree
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner[name] = value
    return tree


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The inverse of `nested`."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        inner = flat(value, f"{prefix}{name}/") if isinstance(value, dict) else None
        found |= {f"{prefix}{name}": value} if inner is None else inner
    return found


def set_state_tree(model: Any, tree: dict[str, dict]) -> None:
    """Assign values by path; see `Model.set_state_tree`."""
    pairs = []
    for group, values in tree.items():
        pairs += matched(model, group, flat(values))
    for variable, value in pairs:
        variable.assign(value)


def matched(model: Any, group: str, values: dict[str, Any]) -> list[tuple[Variable, Any]]:
    """The variables of a group with their values.

    A Sequential has its own name in the paths of layers that it has built, and not of those that a
    file has built. So what has no equal path goes to the only variable of its shape whose path is
    the end of its own, or the other way round. Keras leaves such variables as they are.
    """
    known = by_path(model, group)
    pairs = [(known.pop(path), values[path]) for path in [*values] if path in known]
    for path in [path for path in values if not any(v.path == path for v, _ in pairs)]:
        alike = [
            name
            for name, variable in known.items()
            if _ends_alike(path, name, group) and variable.shape == np.shape(values[path])
        ]
        if len(alike) == 1:
            pairs.append((known.pop(alike[0]), values[path]))
        elif group != "metrics_variables":  # those are made with the first batch
            raise ValueError(
                f"the model {model.name!r} has no place for {path!r} of shape "
                f"{np.shape(values[path])} among its {group}; left are "
                f"{', '.join(f'{v.path} {v.shape}' for v in known.values()) or 'none'}. Name its "
                "layers as they were, and build it and its optimizer first"
            )
    return pairs


def _ends_alike(one: str, other: str, group: str) -> bool:
    if group == "optimizer_variables":  # "adam/dense_kernel_momentum"
        one, other = (path.partition("/")[2] for path in (one, other))
    one, other = (f"_{path.replace('/', '_')}" for path in (one, other))
    return one.endswith(other) or other.endswith(one)
