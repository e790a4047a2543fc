"""House prices around Boston in the 1970s: 506 districts with 13 numbers each.

One of the numbers was made from the share of black people, as if that lowered prices; other data,
such as `california_housing`, serve as well.
"""

from hornbook.core import doors
from hornbook.datasets.reading import read_npz
from hornbook.datasets.splitting import Pair, split
from hornbook.datasets.table import found


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Pair, Pair]:
    """The districts, and the median price of a house in each, in thousands of dollars.

    Args:
        path: the name of the file in the cache.
        test_split: share of the districts to test with.
        seed: of the shuffling.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays `(count, 13)` and `(count,)` of float64.

    Raises:
        ValueError: for a share that is none.
    """
    data = read_npz(found("boston_housing.npz", path))
    return split(data["x"], data["y"], test_split, seed)


doors.publish(globals(), own=True)
