"""Galleries: images in rows and columns, with matplotlib."""

import functools
from typing import Any

import numpy as np

from hornbook.visualization.boxes import draw_bounding_boxes
from hornbook.visualization.drawing import as_bytes, batch, pyplot
from hornbook.visualization.masks import classes_of, draw_segmentation_masks


def plot_image_gallery(
    images: Any,
    y_true: Any = None,
    y_pred: Any = None,
    label_map: dict | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: tuple = (0, 255),
    scale: float = 2,
    path: Any = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: int = 60,
    legend_handles: list | None = None,
    data_format: str | None = None,
) -> None:
    """Show images in a grid, or save the grid as a file.

    Args:
        images: `(batch, height, width, channels)`, with 1, 3 or 4 channels.
        y_true, y_pred: labels and predicted labels, shown above the images.
        label_map: the names of labels; needed for `y_true` and `y_pred`.
        rows, cols: the size of the grid; default nearly as many rows as columns. Images beyond it
            are not shown.
        value_range: smallest and largest value of the images.
        scale: size of an image in inches.
        path: file to save the grid as; its suffix is the format.
        show: whether to show the grid; default if there is no `path`.
        transparent: whether the background of the file is transparent.
        dpi: pixels per inch of the file.
        legend_handles: entries of a legend, as matplotlib's artists.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: if the images are not a batch, if `path` and `show` are both given, or if labels
            are given without `label_map`.
        ImportError: without matplotlib.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3))
        >>> keras.visualization.plot_image_gallery(images, show=False)
    """
    plt = pyplot("plot_image_gallery")
    if path is not None and show:
        raise ValueError("plot_image_gallery takes a path, or show=True, not both")
    if label_map is None and (y_true is not None or y_pred is not None):
        raise ValueError("plot_image_gallery needs label_map, the names of labels, to show them")
    pictures = as_bytes(batch(images, data_format), value_range)
    rows, cols = _grid(len(pictures), rows, cols)
    figure, axes = plt.subplots(
        rows,
        cols,
        figsize=(cols * scale, rows * scale),
        frameon=False,
        layout="tight",
        squeeze=False,
    )
    try:
        for place in axes.flat:
            place.axis("off")
        for i, (place, picture) in enumerate(zip(axes.flat, pictures)):
            place.imshow(picture, cmap="gray", vmin=0, vmax=255)
            given = {"Label": y_true, "Pred": y_pred}
            title = "  ".join(
                f"{name}: {(label_map or {}).get(np.asarray(labels)[i].item(), 'Unknown')}"
                for name, labels in given.items()
                if labels is not None and i < len(labels)
            )
            place.set_title(title, fontsize=8)
        if legend_handles is not None:
            figure.legend(handles=legend_handles, loc="lower center")
        if path is not None:
            look = {"pad_inches": 0, "bbox_inches": "tight", "transparent": transparent, "dpi": dpi}
            figure.savefig(path, **look)
        elif show or show is None:
            plt.show()
    finally:
        plt.close(figure)


def _grid(count: int, rows: int | None, cols: int | None) -> tuple[int, int]:
    """The sizes of a grid for so many images. (Keras's is too small for 3, 5, 7, ... images.)"""
    if rows is None:
        rows = int(np.ceil(np.sqrt(count) if cols is None else count / cols))
    return max(rows, 1), max(int(np.ceil(count / max(rows, 1))) if cols is None else cols, 1)


def plot_bounding_box_gallery(
    images: Any,
    bounding_box_format: str,
    y_true: dict | None = None,
    y_pred: dict | None = None,
    value_range: tuple = (0, 255),
    true_color: tuple = (0, 188, 212),
    pred_color: tuple = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: dict | None = None,
    ground_truth_mapping: dict | None = None,
    prediction_mapping: dict | None = None,
    legend: bool = False,
    legend_handles: list | None = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Show images with true and predicted boxes in a grid.

    Args:
        images: `(batch, height, width, channels)`.
        bounding_box_format: as in `utils.bounding_boxes.convert_format`, such as `"xyxy"`.
        y_true, y_pred: boxes, as in `draw_bounding_boxes`.
        value_range: smallest and largest value of the images.
        true_color, pred_color: red, green and blue of the boxes, 0 to 255.
        line_thickness, text_thickness: in pixels; default for texts that of the lines.
        font_scale: size of the letters.
        class_mapping: names of classes, for true and predicted boxes.
        ground_truth_mapping, prediction_mapping: names of classes for one of them.
        legend: whether to explain the colors.
        legend_handles: entries of another legend.
        rows, cols: the size of the grid.
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: arguments of `plot_image_gallery`, such as `path`.

    Raises:
        ValueError: if the images are not a batch, or `legend` and `legend_handles` are both given.
        ImportError: without matplotlib.

    Example:
        >>> images = np.zeros((1, 16, 16, 3))
        >>> boxes = {"boxes": np.array([[[2, 2, 12, 12]]]), "labels": np.array([[1]])}
        >>> keras.visualization.plot_bounding_box_gallery(images, "xyxy", boxes, show=False)
    """
    pyplot("plot_bounding_box_gallery")
    if legend and legend_handles:
        raise ValueError("plot_bounding_box_gallery takes legend=True or legend_handles, not both")
    pictures = as_bytes(batch(images, data_format), value_range)
    both = (
        (y_true, true_color, ground_truth_mapping, "Ground Truth"),
        (y_pred, pred_color, prediction_mapping, "Prediction"),
    )
    for boxes, color, mapping, _ in both:
        if boxes is not None:
            pictures = draw_bounding_boxes(
                pictures,
                boxes,
                bounding_box_format,
                mapping or class_mapping,
                color,
                line_thickness,
                text_thickness or line_thickness,
                font_scale,
                "channels_last",
            )
    if legend:
        from matplotlib.patches import Patch

        legend_handles = [
            Patch(color="#{:02x}{:02x}{:02x}".format(*c), label=text) for _, c, _, text in both
        ]
    kwargs |= {"rows": rows, "cols": cols, "data_format": "channels_last"}
    plot_image_gallery(pictures, legend_handles=legend_handles, **kwargs)


def plot_segmentation_mask_gallery(
    images: Any,
    num_classes: int,
    value_range: tuple = (0, 255),
    y_true: Any = None,
    y_pred: Any = None,
    color_mapping: dict | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Show images, beside them with true and with predicted masks, one image a row.

    Args:
        images: `(batch, height, width, channels)`.
        num_classes: the largest class.
        value_range: smallest and largest value of the images.
        y_true, y_pred: masks, as in `draw_segmentation_masks`.
        color_mapping: the colors of classes 1 to `num_classes`, as red, green and blue.
        blend: if false, the colors are opaque.
        alpha: opacity of the colors, 0 to 1.
        ignore_index: a class that is left as it is.
        data_format: `"channels_last"` or `"channels_first"`.
        kwargs: arguments of `plot_image_gallery`, such as `path`.

    Raises:
        ValueError: if the images are not a batch.
        ImportError: without matplotlib.

    Example:
        >>> images, masks = np.zeros((2, 8, 8, 3)), np.ones((2, 8, 8, 1), "int32")
        >>> keras.visualization.plot_segmentation_mask_gallery(images, 2, y_true=masks, show=False)
    """
    pictures = as_bytes(batch(images, data_format), value_range)
    draw = functools.partial(
        draw_segmentation_masks,
        pictures,
        num_classes=num_classes,
        color_mapping=color_mapping,
        alpha=alpha,
        blend=blend,
        ignore_index=ignore_index,
        data_format="channels_last",
    )
    columns = [pictures]
    for masks in (y_true, y_pred):
        if masks is not None:
            classes = classes_of(np.asarray(masks).astype("int32"), data_format)
            columns.append(draw(segmentation_masks=classes))
    gallery = np.stack(columns, 1).reshape(-1, *pictures.shape[1:])
    kwargs |= {"rows": len(pictures), "cols": len(columns), "data_format": "channels_last"}
    plot_image_gallery(gallery, **kwargs)
