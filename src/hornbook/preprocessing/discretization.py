"""Discretization: numbers to bins."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.layers.base import Layer
from hornbook.preprocessing.adapting import Adapting
from hornbook.preprocessing.encoding import encode_on_device, mode_of, only_dense

NOT_ADAPTED = (
    "layer {!r} does not know its bins: pass bin_boundaries, or call adapt(data), before calling it"
)


class Discretization(Adapting, Layer):
    """Maps numbers to bins: `searchsorted(bin_boundaries, x, "right")`.

    Args:
        bin_boundaries: lower bounds of all bins but the first, ascending.
        num_bins: number of bins that `adapt` determines, with about equal counts.
        epsilon: error bound of the quantiles for data that come in batches.
        output_mode: `"int"`: the bin of each number; `"one_hot"`, `"multi_hot"`, `"count"`:
            vectors, see `StringLookup`.
        sparse: must be `False`.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.Discretization(bin_boundaries=[0.0, 1.0])
        >>> layer(np.array([[-5.0, 0.0, 0.5, 7.0]])).tolist()
        [[0, 1, 1, 2]]
    """

    columns = False

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype=dtype, **kwargs)
        only_dense(self, sparse)
        self.output_mode = mode_of(self, output_mode, ("int", "one_hot", "multi_hot", "count"))
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError("Discretization takes either bin_boundaries or num_bins")
        if num_bins is not None and num_bins < 0:
            raise ValueError(f"num_bins of Discretization is at least 0, not {num_bins}")
        self.num_bins, self.epsilon, self.sparse = num_bins, epsilon, sparse
        self.bin_boundaries = None if bin_boundaries is None else _plain(bin_boundaries)
        self.supports_masking = True
        self.reset_state()

    # ---- adapting

    def batches(self, data: Any) -> Any:
        """Batches of data; an array in memory is a single batch."""
        in_memory = isinstance(data, np.ndarray) and not isinstance(data, np.memmap)
        return iter([data]) if in_memory else super().batches(data)

    def reset_state(self) -> None:
        """Discard the summary of the data."""
        self._summary = np.zeros((2, 0), "float32")

    def update_state(self, data: Any) -> None:
        """Add a batch of numbers to the summary."""
        if self.num_bins is None:
            raise ValueError(
                f"layer {self.name!r} cannot adapt: it was made with bin_boundaries. Make it with "
                "num_bins instead"
            )
        summary = summarize(np.asarray(data, "float32"), self.epsilon)
        merged = np.concatenate((summary, self._summary), axis=1)
        merged = merged[:, np.argsort(merged[0])]
        self._summary = compressed(merged, self.epsilon)

    def finalize_state(self) -> None:
        """Compute boundaries of bins with about equal counts."""
        if self.num_bins is not None:
            found = compressed(self._summary, 1.0 / self.num_bins)[0, :-1].tolist()
            self.bin_boundaries = found
            self._learnt = tuple(found)  # constants of compiled code

    # ---- calling

    def call(self, inputs: jax.Array) -> jax.Array:
        if self.bin_boundaries is None:
            raise ValueError(NOT_ADAPTED.format(self.name))
        bins = jnp.digitize(jnp.asarray(inputs), jnp.asarray(self.bin_boundaries))
        dtype = "int32" if self.output_mode == "int" else self.compute_dtype
        return encode_on_device(bins, self.output_mode, len(self.bin_boundaries) + 1, dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return previous_mask if self.output_mode == "int" else None

    # ---- configs

    def get_config(self) -> dict:
        """Constructor arguments as plain data, with the learned boundaries."""
        config = super().get_config() | {
            "bin_boundaries": self.bin_boundaries,
            "output_mode": self.output_mode,
            "dtype": self.dtype_policy.name,
        }
        config.pop("trainable")  # Keras's takes none
        return config

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """Create a layer from what `get_config` returned."""
        learnt = config.get("bin_boundaries") if config.get("num_bins") is not None else None
        if learnt is None:
            return super().from_config(config)
        layer = super().from_config({**config, "bin_boundaries": None})
        layer.bin_boundaries = _plain(learnt)
        return layer

    def save_own_variables(self, store: dict) -> None:
        """Save nothing: it has no variables."""

    def load_own_variables(self, store: dict) -> None:
        """Load the summary of the data, which only old files hold."""
        if len(store) == 1:
            self._summary = np.asarray(store["0"], "float32")


def _plain(boundaries: Any) -> list[float]:
    return np.asarray(boundaries).tolist()


def summarize(values: np.ndarray, epsilon: float) -> np.ndarray:
    """Summarize numbers by about `1 / epsilon` quantiles and the count that each represents.

    Returns:
        `(2, K)`: the numbers, ascending, and their weights.
    """
    values = np.sort(values, axis=None)
    step = max(values.size * epsilon, 1)
    chosen = values[int(step - 1) :: int(step)]
    return np.stack([chosen, np.full_like(chosen, step)])


def compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """Compress a summary to about `1 / epsilon` numbers by interpolation."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    total = summary[1].cumsum()
    share = total / total[-1]
    numbers, below = (np.interp(shares, share, row) for row in (summary[0], total))
    weights = below - np.concatenate((np.array([0]), below[:-1]))
    return np.stack((numbers, weights)).astype("float32")
