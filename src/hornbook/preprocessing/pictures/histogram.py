"""Layers that equalize histograms, in training and inference."""

from typing import Any

from jax import Array

from hornbook.layers.arguments import WHOLE
from hornbook.preprocessing.pictures import colors
from hornbook.preprocessing.pictures.pixels import PixelLayer


class Equalization(PixelLayer):
    """Spreads the values of each channel of each picture evenly, by its histogram.

    Active in training and inference, as Keras's description says. Keras's layer does nothing in
    inference, and uses one histogram for a whole batch.

    Args:
        value_range: smallest and largest value of the pictures.
        bins: number of bins of the histogram.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: if the range is not two different numbers.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Equalization()(np.array([[[10], [11], [12]]])).ravel().tolist()
        [0.0, 128.0, 255.0]
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self._set_range(value_range)
        if isinstance(bins, bool) or not isinstance(bins, WHOLE) or bins < 2:
            raise ValueError(f"Equalization: bins must be an integer of at least 2; got {bins!r}")
        self.bins = bins

    def _changed(self, x: Array, transformation: Any) -> Array:
        return colors.within(
            self.value_range, colors.BYTES, lambda v: colors.equalize(v, self.bins), x
        )


class ContrastLimitedAdaptiveHistogramEqualization(PixelLayer):
    """Equalizes the tiles of a grid and interpolates between them, with limited contrast (CLAHE).

    The dtype of integer pictures is kept.

    Args:
        value_range: smallest and largest value of the pictures.
        clip_limit: most pixels of a bin of a histogram, relative to the mean of all 256 bins; the
            excess is divided among all bins. 0: no limit.
        tile_grid_size: number of rows and columns of tiles.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for a negative limit, or a grid that is not two positive integers.

    Source: Zuiderveld 1994, doi:10.1016/B978-0-12-336156-1.50061-6.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=99)
        >>> dark = np.arange(256).reshape(16, 16, 1) // 4
        >>> int(np.ptp(dark)), int(np.ptp(layer(dark)))
        (63, 211)
    """

    _keeps_integers = True

    def __init__(
        self,
        value_range: Any = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: tuple[int, int] = (8, 8),
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self._set_range(value_range)
        if clip_limit < 0:
            raise ValueError(
                f"{type(self).__name__}: clip_limit must not be negative: {clip_limit}"
            )
        self.clip_limit = clip_limit
        grid = tuple(tile_grid_size) if isinstance(tile_grid_size, list | tuple) else ()
        if len(grid) != 2 or not all(isinstance(n, WHOLE) and n > 0 for n in grid):
            raise ValueError(
                f"{type(self).__name__}: tile_grid_size must be two positive integers, rows and "
                f"columns; got {tile_grid_size!r}"
            )
        self.tile_grid_size = grid

    def _changed(self, x: Array, transformation: Any) -> Array:
        def equalized(v: Array) -> Array:
            return colors.equalize_tiles(v, self.clip_limit, self.tile_grid_size)

        return colors.within(self.value_range, colors.BYTES, equalized, x.astype("float32"))
