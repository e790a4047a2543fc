"""Models as scikit-learn estimators: in pipelines, grid searches and cross-validation."""

from collections.abc import Callable
from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
    from sklearn.utils.multiclass import type_of_target
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "scikit-learn estimators need scikit-learn: pip install 'hornbook[sklearn]'"
    ) from error


class _Estimator(BaseEstimator):
    def __init__(
        self,
        model: Callable,
        warm_start: bool = False,
        model_kwargs: dict | None = None,
        fit_kwargs: dict | None = None,
    ):
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def _fit(self, X: np.ndarray, y: np.ndarray, kwargs: dict) -> "_Estimator":
        if not (self.warm_start and hasattr(self, "model_")):
            if hasattr(self.model, "fit"):
                raise TypeError(
                    "model must be a function (X, y, **model_kwargs) that returns a new compiled "
                    "model, so that each fit starts from scratch; it is a model itself"
                )
            self.model_ = self.model(X, y, **(self.model_kwargs or {}))
        options = {"verbose": 0, **(self.fit_kwargs or {}), **kwargs}
        self.history_ = self.model_.fit(X, y, **options).history
        return self

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False)
        return self.model_.predict(X, batch_size=1024, verbose=0)


class SKLearnRegressor(RegressorMixin, _Estimator):
    """A model as a scikit-learn regressor.

    Args:
        model: function `(X, y, **model_kwargs)` that returns a new compiled model.
        warm_start: whether a second `fit` continues with the model of the first.
        model_kwargs: passed to `model`.
        fit_kwargs: passed to the model's `fit`.

    Example:
        >>> import hornbook as keras
        >>> def line(X, y):
        ...     model = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Dense(1)])
        ...     model.compile("adam", "mse")
        ...     return model
        >>> X = np.random.default_rng(0).normal(size=(64, 2))
        >>> SKLearnRegressor(line, fit_kwargs={"epochs": 2}).fit(X, X[:, 0]).predict(X).shape
        (64,)
    """

    def fit(self, X: Any, y: Any, **kwargs: Any) -> "SKLearnRegressor":
        """Train a new model on features (N, F) and targets (N,) or (N, K)."""
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True)
        return self._fit(X, y, kwargs)

    def predict(self, X: Any) -> np.ndarray:
        """Predictions (N,), or (N, K) for several targets."""
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs


class SKLearnClassifier(ClassifierMixin, _Estimator):
    """A model as a scikit-learn classifier; labels may be of any type.

    The model gets class indices 0 .. K-1 and returns K probabilities, or one for two classes.

    Args:
        model: function `(X, y, **model_kwargs)` that returns a new compiled model.
        warm_start: whether a second `fit` continues with the model of the first.
        model_kwargs: passed to `model`.
        fit_kwargs: passed to the model's `fit`.

    Example:
        >>> import hornbook as keras
        >>> def judge(X, y):
        ...     model = keras.Sequential(
        ...         [keras.Input(X.shape[1:]), keras.layers.Dense(2, activation="softmax")]
        ...     )
        ...     model.compile("adam", "sparse_categorical_crossentropy")
        ...     return model
        >>> X = np.random.default_rng(0).normal(size=(64, 2))
        >>> labels = np.where(X[:, 0] > 0, "up", "down")
        >>> SKLearnClassifier(judge).fit(X, labels).predict(X).dtype.kind
        'U'
    """

    def fit(self, X: Any, y: Any, **kwargs: Any) -> "SKLearnClassifier":
        """Train a new model on features (N, F) and labels (N,)."""
        X, y = validate_data(self, X, y)
        kind = type_of_target(y, raise_unknown=True)
        if kind not in ("binary", "multiclass"):
            raise ValueError(f"a classifier needs one label per sample; y is {kind}")
        self.classes_, numbers = np.unique(y, return_inverse=True)
        return self._fit(X, numbers, kwargs)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (N, K), in the order of `classes_`."""
        outputs = self._outputs(X)
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        return outputs

    def predict(self, X: Any) -> np.ndarray:
        """Labels (N,)."""
        return self.classes_[self.predict_proba(X).argmax(1)]


class SKLearnTransformer(TransformerMixin, _Estimator):
    """A model as a scikit-learn transformer: its outputs are the new features.

    Args:
        model: function `(X, y, **model_kwargs)` that returns a new compiled model.
        warm_start: whether a second `fit` continues with the model of the first.
        model_kwargs: passed to `model`.
        fit_kwargs: passed to the model's `fit`.

    Example:
        >>> import hornbook as keras
        >>> def encoder(X, y):
        ...     model = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Dense(2)])
        ...     model.compile("adam", "mse")
        ...     return model
        >>> X = np.random.default_rng(0).normal(size=(64, 5))
        >>> SKLearnTransformer(encoder).fit(X, X[:, :2]).transform(X).shape
        (64, 2)
    """

    def fit(self, X: Any, y: Any = None, **kwargs: Any) -> "SKLearnTransformer":
        """Train a new model on features (N, F) and targets; without targets, on the features."""
        if y is None:
            X = validate_data(self, X)
            return self._fit(X, X, kwargs)
        X, y = validate_data(self, X, y, multi_output=True)
        return self._fit(X, y, kwargs)

    def transform(self, X: Any) -> np.ndarray:
        """The model's outputs, one row per sample."""
        return self._outputs(X)
