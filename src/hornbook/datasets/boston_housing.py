"""House prices around Boston in the 1970s: 506 districts with 13 features each.

One feature is derived from the share of Black residents, on the assumption that it affects prices;
other data, such as `california_housing`, serve as well.
"""

from hornbook.core import doors
from hornbook.datasets.reading import read_npz
from hornbook.datasets.splitting import Pair, split
from hornbook.datasets.table import found


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Pair, Pair]:
    """Districts, and the median house price of each in thousands of dollars.

    Args:
        path: file name in the cache.
        test_split: fraction of the districts held out for testing.
        seed: seed of the shuffle.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays `(count, 13)` and `(count,)` of float64.

    Raises:
        ValueError: for an invalid fraction.
    """
    data = read_npz(found("boston_housing.npz", path))
    return split(data["x"], data["y"], test_split, seed)


doors.publish(globals(), own=True)
