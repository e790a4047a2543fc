"""`plot_model` and `model_to_dot`."""

import os
import sys
from pathlib import Path
from typing import Any

from hornbook.plot.boxes import Group, Show, boxes_of
from hornbook.plot.dot import dot_text
from hornbook.plot.drawing import draw
from hornbook.plot.raster import raster
from hornbook.plot.svg import svg_text

DIRECTIONS = ("TB", "BT", "LR", "RL")
NOT_A_MODEL = "{} draws a model; {!r} is not a model"


class Diagram:
    """A diagram of a model: as DOT source, SVG or bitmap.

    It has the methods that programs call on the result of Keras's `model_to_dot`.

    Args:
        group: boxes and arrows.
        rankdir: the direction of the arrows: `"TB"`, `"BT"`, `"LR"` or `"RL"`.
        dpi: resolution of bitmaps.
        subgraph: whether the source is a subgraph of another graph.

    Example:
        >>> import hornbook as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model_to_dot(model).create(prog="dot", format="svg")[:5]
        b'<?xml'
    """

    def __init__(self, group: Group, rankdir: str = "TB", dpi: int = 200, subgraph: bool = False):
        if rankdir not in DIRECTIONS:
            raise ValueError(f"rankdir is one of {', '.join(DIRECTIONS)}, not {rankdir!r}")
        self.group = group
        self.rankdir = rankdir
        self.dpi = dpi
        self.subgraph = subgraph

    def to_string(self) -> str:
        """The DOT source."""
        return dot_text(self.group, self.rankdir, self.dpi, self.subgraph)

    def create(self, prog: Any = None, format: str = "ps") -> bytes:
        """The bytes of a file.

        Args:
            prog: accepted for compatibility; no Graphviz program is run.
            format: `"svg"`, `"dot"`, `"raw"`, or a format that matplotlib writes, such as `"png"`.

        Raises:
            ImportError: for a bitmap without matplotlib.
        """
        if format in ("dot", "raw", "gv"):
            return self.to_string().encode()
        drawing = draw(self.group, self.rankdir)
        if format == "svg":
            return svg_text(drawing).encode()
        return raster(drawing, format, self.dpi)

    def write(self, path: Any, prog: Any = None, format: str = "raw") -> bool:
        """Write the bytes from `create` to a file.

        Args:
            path: path of the file.
            prog: see `create`.
            format: see `create`.
        """
        Path(path).write_bytes(self.create(prog, format))
        return True

    def __getattr__(self, name: str) -> Any:
        """`create_svg()`, `write_png(path)` and so on."""
        action, _, format = name.partition("_")
        if action in ("create", "write") and format:
            method = getattr(self, action)
            return lambda *args, **kwargs: method(*args, **{"format": format, **kwargs})
        raise AttributeError(f"{type(self).__name__} has no {name!r}")

    def _repr_svg_(self) -> str:
        """The SVG that notebooks show."""
        return self.create(format="svg").decode()


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> Diagram:
    """A diagram of a model, to write or show.

    Args:
        model: a model; a built one shows how its layers are connected.
        show_shapes: show the shapes of inputs and outputs.
        show_dtype: show the dtype of the outputs.
        show_layer_names: show the names of the layers besides their classes.
        rankdir: `"TB"` (top to bottom), `"BT"`, `"LR"` or `"RL"`.
        expand_nested: draw the layers of nested models.
        dpi: resolution of bitmaps.
        subgraph: whether the source is a subgraph of another graph.
        show_layer_activations: show the activations of layers that have one.
        show_trainable: show which layers are trainable.
        **kwargs: `splines`, which only Graphviz uses.

    Raises:
        ValueError: for an unknown direction.
        TypeError: if `model` is not a model, or for an unknown argument.

    Example:
        >>> import hornbook as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="last")])
        >>> "last (Dense)" in model_to_dot(model).to_string()
        True
    """
    if not hasattr(model, "layers"):
        raise TypeError(NOT_A_MODEL.format("model_to_dot", model))
    unknown = set(kwargs) - {"splines", "layer_range"}
    if unknown:
        raise TypeError(f"model_to_dot() got an unknown argument {sorted(unknown)[0]!r}")
    show = Show(
        show_shapes,
        show_dtype,
        show_layer_names,
        show_layer_activations,
        show_trainable,
        expand_nested,
    )
    return Diagram(boxes_of(model, show), rankdir, dpi, subgraph)


def plot_model(
    model: Any,
    to_file: str | os.PathLike | None = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> Any:
    """Draw a model to a file; in a notebook, also show it.

    An SVG (`to_file="model.svg"`) needs no other library, other formats need `hornbook[plot]`;
    Graphviz is never needed.

    Args:
        model: a model; a built one shows how its layers are connected.
        to_file: path whose extension sets the format; `None`: only return the diagram.
        show_shapes: show the shapes of inputs and outputs.
        show_dtype: show the dtype of the outputs.
        show_layer_names: show the names of the layers besides their classes.
        rankdir: `"TB"` (top to bottom), `"BT"`, `"LR"` or `"RL"`.
        expand_nested: draw the layers of nested models.
        dpi: resolution of bitmaps.
        show_layer_activations: show the activations of layers that have one.
        show_trainable: show which layers are trainable.
        **kwargs: see `model_to_dot`.

    Returns:
        In a notebook the image, else the `Diagram`.

    Raises:
        ImportError: for a bitmap without matplotlib.
        ValueError: for an unknown direction.

    Example:
        >>> import pathlib, tempfile
        >>> import hornbook as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.svg"
        >>> diagram = plot_model(model, path, show_shapes=True)
        >>> "(None, 2)" in path.read_text()
        True
    """
    diagram = model_to_dot(
        model,
        show_shapes,
        show_dtype,
        show_layer_names,
        rankdir,
        expand_nested,
        dpi,
        False,
        show_layer_activations,
        show_trainable,
        **kwargs,
    )
    if to_file is None:
        return diagram
    path = Path(to_file)
    format = path.suffix.lstrip(".").lower() or "png"
    diagram.write(path if path.suffix else path.with_suffix(".png"), format=format)
    display = sys.modules.get("IPython.display")
    if display is not None and "ipykernel" in sys.modules:
        shown = {"svg": display.SVG, "png": display.Image}.get(format)
        return shown(filename=str(path)) if shown else diagram
    return diagram
