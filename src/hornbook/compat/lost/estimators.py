"""scikit-learn: classes that were removed or whose arguments have changed."""

import functools
import inspect
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hornbook.dialects.libraries import SCORERS as OLD_SCORERS


def imputer(missing_values: Any = "NaN", strategy: str = "mean", axis: int = 0, **options: Any):
    """`preprocessing.Imputer`."""
    from sklearn.impute import SimpleImputer

    if axis != 0:
        raise ValueError("Imputer: only axis=0 is supported; transpose the array for axis=1")
    strategy = "most_frequent" if strategy == "mode" else strategy
    missing = np.nan if missing_values == "NaN" else missing_values
    options.pop("verbose", None)
    return SimpleImputer(missing_values=missing, strategy=strategy, **options)


class _Folds:
    """Cross-validation splits for a fixed number of samples."""

    def __init__(self, splitter: Any, n: int, y: Any = None):
        self.splitter, self.n, self.y = splitter, n, y

    def __iter__(self) -> Iterator:
        return self.splitter.split(np.zeros((self.n, 1)), self.y)

    def __len__(self) -> int:
        return self.splitter.get_n_splits(np.zeros((self.n, 1)), self.y)


def _seed(shuffle: bool, random_state: Any) -> dict[str, Any]:
    return {"shuffle": shuffle, "random_state": random_state if shuffle else None}


def kfold(n: int, n_folds: int = 3, shuffle: bool = False, random_state: Any = None) -> _Folds:
    """`cross_validation.KFold`."""
    from sklearn.model_selection import KFold

    return _Folds(KFold(n_folds, **_seed(shuffle, random_state)), n)


def stratified_kfold(
    y: Any, n_folds: int = 3, shuffle: bool = False, random_state: Any = None
) -> _Folds:
    """`cross_validation.StratifiedKFold`."""
    from sklearn.model_selection import StratifiedKFold

    return _Folds(StratifiedKFold(n_folds, **_seed(shuffle, random_state)), len(y), y)


def shuffle_split(n: int, n_iter: int = 10, test_size: float = 0.1, **options: Any) -> _Folds:
    """`cross_validation.ShuffleSplit`."""
    from sklearn.model_selection import ShuffleSplit

    return _Folds(ShuffleSplit(n_iter, test_size=test_size, **options), n)


def stratified_shuffle_split(
    y: Any, n_iter: int = 10, test_size: float = 0.1, **options: Any
) -> _Folds:
    """`cross_validation.StratifiedShuffleSplit`."""
    from sklearn.model_selection import StratifiedShuffleSplit

    return _Folds(StratifiedShuffleSplit(n_iter, test_size=test_size, **options), len(y), y)


def leave_one_out(n: int) -> _Folds:
    """`cross_validation.LeaveOneOut`."""
    from sklearn.model_selection import LeaveOneOut

    return _Folds(LeaveOneOut(), n)


def randomized_pca(n_components: Any = None, **options: Any) -> Any:
    """`decomposition.RandomizedPCA`."""
    from sklearn.decomposition import PCA

    return PCA(n_components, svd_solver="randomized", **options)


def neighbors(
    n_estimators: int = 10,
    radius: float = 1.0,
    n_candidates: int = 50,
    n_neighbors: int = 5,
    **options: Any,
) -> Any:
    """`neighbors.LSHForest`: exact instead of approximate neighbours, by cosine distance."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=n_neighbors, radius=radius, metric="cosine")


def with_one_class(original: Callable) -> Callable:
    """`metrics.log_loss` with `eps=`, and with labels of a single class, which is the first one.

    Args:
        original: today's function.
    """

    @functools.wraps(original)
    def log_loss(y_true, y_pred, eps=None, normalize=True, sample_weight=None, labels=None):
        if eps is not None:
            y_pred = np.clip(np.asarray(y_pred, float), eps, 1 - eps)
            y_pred = y_pred / y_pred.sum(-1, keepdims=True) if y_pred.ndim == 2 else y_pred
        if labels is None and np.ndim(y_true) == 1 and len(np.unique(y_true)) == 1:
            y_true, labels = np.zeros(len(y_true), int), range(max(2, *np.shape(y_pred)[1:]))
        return original(
            y_true, y_pred, normalize=normalize, sample_weight=sample_weight, labels=labels
        )

    return log_loss


def by_position(init: Callable) -> Callable:
    """A constructor whose arguments, which are keywords today, may be positional.

    Args:
        init: today's constructor.
    """
    known = [*inspect.signature(init).parameters][1:]

    @functools.wraps(init)
    def call(self, *args, **options):
        init(self, **dict(zip(known, args, strict=False)), **options)

    return call


def to_the_end(init: Callable) -> Callable:
    """A constructor that takes `tol=-inf`, which is `None` today: training does not stop early.

    Args:
        init: today's constructor.
    """

    @functools.wraps(init)
    def call(self, *args, **options):
        if isinstance(tol := options.get("tol"), float) and tol == -np.inf:
            options["tol"] = None
        init(self, *args, **options)

    return call


def fetch_mldata(dataname: str, target_name: str = "label", **options: Any) -> Any:
    """`datasets.fetch_mldata`: mldata.org is gone; MNIST is loaded as by `keras.datasets.mnist`."""
    from sklearn.utils import Bunch

    from hornbook.datasets import mnist

    if "mnist" not in dataname.lower():
        raise ValueError(
            f"fetch_mldata: mldata.org is gone, and {dataname!r} is not known. "
            "sklearn.datasets.fetch_openml has most of its data"
        )
    (x, y), (x_test, y_test) = mnist.load_data()
    data = np.concatenate([x, x_test]).reshape(-1, 784)
    return Bunch(data=data, target=np.concatenate([y, y_test]).astype(np.float64), DESCR=dataname)


def load_boston(return_X_y: bool = False) -> Any:
    """`datasets.load_boston`, loaded as by `keras.datasets.boston_housing`."""
    from sklearn.utils import Bunch

    from hornbook.datasets import boston_housing

    (x, y), (x_test, y_test) = boston_housing.load_data()
    x, y = np.concatenate([x, x_test]), np.concatenate([y, y_test])
    names = "CRIM ZN INDUS CHAS NOX RM AGE DIS RAD TAX PTRATIO B LSTAT".split()
    return (
        (x, y) if return_X_y else Bunch(data=x, target=y, feature_names=np.array(names), DESCR="")
    )


def feature_names(self: Any) -> list[str]:
    """`get_feature_names` of vectorizers and encoders."""
    return self.get_feature_names_out().tolist()


GridScore = namedtuple("GridScore", "parameters mean_validation_score cv_validation_scores")


def _grid_scores(self: Any) -> list[GridScore]:
    found = self.cv_results_
    folds = np.stack([found[f"split{i}_test_score"] for i in range(self.n_splits_)], axis=1)
    return [*map(GridScore, found["params"], found["mean_test_score"], folds)]


grid_scores = property(_grid_scores, doc="`grid_scores_` of a search: candidates and scores.")


def with_old_scorers(before: Callable) -> Callable:
    """A function with `scoring=` that also accepts old names of scorers."""

    @functools.wraps(before)
    def call(*args, **kwargs):
        args = tuple(_scorer(one) if isinstance(one, str) else one for one in args)
        if "scoring" in kwargs:
            kwargs["scoring"] = _scorer(kwargs["scoring"])
        return before(*args, **kwargs)

    return call


def _scorer(given: Any) -> Any:
    if isinstance(given, list | tuple):
        return type(given)(map(_scorer, given))
    return OLD_SCORERS.get(given, given) if isinstance(given, str) else given


def __getattr__(name: str) -> Any:
    """`metrics.SCORERS`, which needs scikit-learn."""
    if name != "SCORERS":
        raise AttributeError(name)
    from sklearn.metrics import get_scorer, get_scorer_names

    return {known: get_scorer(known) for known in get_scorer_names()}
