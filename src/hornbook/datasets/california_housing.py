"""House prices in California in 1990: 20,640 districts with 8 features each."""

from hornbook.core import doors
from hornbook.datasets.reading import read_npz
from hornbook.datasets.splitting import Pair, split
from hornbook.datasets.table import found

ROWS = {"large": None, "small": 600}


def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple[Pair, Pair]:
    """Districts, and the median house price of each in dollars.

    Args:
        version: `"large"`, all districts, or `"small"`, the first 600.
        path: file name in the cache.
        test_split: fraction of the districts held out for testing.
        seed: seed of the shuffle.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays `(count, 8)` (longitude, latitude, median
            age, rooms, bedrooms, population, households, median income) and `(count,)`.

    Raises:
        ValueError: for an unknown version, or an invalid fraction.
    """
    if version not in ROWS:
        raise ValueError(f"california_housing: version is 'large' or 'small', not {version!r}")
    data = read_npz(found("california_housing.npz", path))
    return split(data["x"][: ROWS[version]], data["y"][: ROWS[version]], test_split, seed)


doors.publish(globals(), own=True)
