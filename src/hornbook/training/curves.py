"""Curves over epochs or learning rates, with matplotlib."""

from typing import Any

NO_MATPLOTLIB = "plotting needs matplotlib: pip install 'hornbook[plot]'"
WIDTH, HEIGHT = 4.2, 3.2  # of a panel, inches
COLUMNS = 3
LOGARITHMIC = ("learning_rate", "lr")


def plot_curves(panels: dict[str, dict[str, tuple]], x_label: str, log_x: bool = False) -> Any:
    """A figure with one panel for each quantity.

    Args:
        panels: by the quantity's name, a dict from a curve's label to its `(x, y)`.
        x_label: what is on the horizontal axis.
        log_x: whether that axis is logarithmic.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: without matplotlib.
    """
    try:
        from matplotlib import pyplot
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        raise ImportError(NO_MATPLOTLIB) from error
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    figure = pyplot.figure(figsize=(WIDTH * columns, HEIGHT * rows), layout="constrained")
    labels = dict.fromkeys(label for curves in panels.values() for label in curves)
    colors = {label: f"C{number}" for number, label in enumerate(labels)}
    for position, (name, curves) in enumerate(panels.items(), 1):
        panel = figure.add_subplot(rows, columns, position)
        for label, (x, y) in curves.items():
            mark = "." if len(x) < 30 else None
            panel.plot(x, y, label=label, marker=mark, color=colors[label])
        panel.set(title=name, xlabel=x_label)
        if log_x:
            panel.set_xscale("log")
        else:
            panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if name in LOGARITHMIC:
            panel.set_yscale("log")
        if len(colors) > 1:
            panel.legend()
        panel.grid(alpha=0.3)
    return figure
