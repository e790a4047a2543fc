"""`keras.wrappers.scikit_learn`: estimators from a function that builds a model."""

import copy
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from hornbook.compat.install import install, installed_generation
from hornbook.compat.keras.callbacks import Logs
from hornbook.dialects import keras1, keras2
from hornbook.utils import to_categorical

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
except ImportError as error:
    raise ImportError(
        "keras.wrappers.scikit_learn needs scikit-learn: pip install 'hornbook[sklearn]'"
    ) from error

NO_ACCURACY = (
    "the model that build_fn returns does not compute accuracy, which score() needs: "
    "compile it with metrics=['accuracy']"
)


def _takes(method: str) -> set[str]:
    """The arguments that a model method took in either generation."""
    rows = [dialect.METHODS[f"Model.{method}"] for dialect in (keras1, keras2)]
    return {name for row in rows for argument in row.arguments for name in argument.old}


TAKES = {method: _takes(method) for method in ("fit", "predict", "evaluate")}


def _remade(generation: str | None, cls: Any) -> Any:
    """An empty estimator for unpickling, where no old Keras may be installed yet."""
    if generation is not None and installed_generation() is None:
        install(generation)
    return cls.__new__(cls)


class BaseWrapper(BaseEstimator):
    """Base class of the estimators.

    Args:
        build_fn: a callable that returns a compiled model; `None` if a subclass defines
            `__call__`.
        **sk_params: arguments of `build_fn`, `fit`, `predict` and `evaluate`, which a grid search
            can vary.

    Raises:
        ValueError: for an argument that none of these takes.
    """

    def __init__(self, build_fn: Callable | None = None, **sk_params: Any):
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.check_params(sk_params)

    def __reduce__(self) -> tuple:
        # The generation first: the rest of the pickle may name modules of an old Keras.
        return _remade, (installed_generation(), type(self)), self.__dict__

    @property
    def _builder(self) -> Callable:
        if self.build_fn is not None:
            return self.build_fn
        if not callable(self):
            raise ValueError(
                f"{type(self).__name__} needs build_fn, a function that returns a model"
            )
        return self.__call__

    def _of_builder(self) -> dict[str, Any]:
        known = inspect.signature(self._builder).parameters
        if any(p.kind is p.VAR_KEYWORD for p in known.values()):
            others = set().union(*TAKES.values())
            return {k: v for k, v in self.sk_params.items() if k in known or k not in others}
        return {k: v for k, v in self.sk_params.items() if k in known}

    def check_params(self, params: Iterable[str]) -> None:
        """Raise a `ValueError` for an argument that neither the builder nor the model takes.

        Args:
            params: argument names.
        """
        known = inspect.signature(self._builder).parameters
        if any(p.kind is p.VAR_KEYWORD for p in known.values()):
            return
        legal = {*known, "nb_epoch", "epochs"}.union(*TAKES.values())
        for name in params:
            if name not in legal:
                raise ValueError(
                    f"{name} is not a legal parameter: neither build_fn{tuple(known)} nor fit, "
                    "predict or evaluate takes it"
                )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor arguments."""
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> Any:
        """Change arguments.

        Raises:
            ValueError: see `check_params`.
        """
        params = dict(params)
        if "build_fn" in params:
            self.build_fn = params.pop("build_fn")
        self.check_params(params)
        self.sk_params.update(params)
        return self

    def filter_sk_params(self, method: str, override: dict | None = None) -> dict[str, Any]:
        """Select the arguments that a method of the model takes.

        Args:
            method: `"fit"`, `"predict"` or `"evaluate"`.
            override: arguments that take precedence.
        """
        own = {k: v for k, v in self.sk_params.items() if k in TAKES[method]}
        return {**own, **(override or {})}

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Build a model and train it.

        Args:
            x: features.
            y: targets.
            **kwargs: arguments of the model's `fit`.

        Returns:
            The history of the training.
        """
        self.model = self._builder(**self._of_builder())
        given = self.filter_sk_params("fit", kwargs)
        if "callbacks" in given:  # fresh callbacks for each fit
            given["callbacks"] = copy.deepcopy(given["callbacks"])
        return self.model.fit(np.asarray(x), self._targets(y), **given)

    def _targets(self, y: Any) -> np.ndarray:
        y = np.asarray(y)
        loss = self.model.loss
        name = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
        return to_categorical(y) if name == "categorical_crossentropy" and y.ndim != 2 else y

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model")


class KerasClassifier(ClassifierMixin, BaseWrapper):
    """A scikit-learn classifier from a function that builds a model.

    Args:
        build_fn: see `BaseWrapper`.
        **sk_params: see `BaseWrapper`.
    """

    def fit(self, x: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Any:
        """Build a model and train it on labels of any type, or one-hot rows.

        Args:
            x: features.
            y: labels `(samples,)`, or one-hot `(samples, classes)`.
            sample_weight: one weight per sample.
            **kwargs: arguments of the model's `fit`.

        Raises:
            ValueError: for targets of any other shape.
        """
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        elif y.ndim in (1, 2):
            self.classes_, y = np.unique(y, return_inverse=True)
        else:
            raise ValueError(f"y is (samples,) or (samples, classes), not {y.shape}")
        self.n_classes_ = len(self.classes_)
        if sample_weight is not None:
            kwargs["sample_weight"] = np.asarray(sample_weight)
        return super().fit(x, y, **kwargs)

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """The most likely label of each sample."""
        return self.classes_[np.argmax(self.predict_proba(x, **kwargs), axis=-1)]

    def predict_proba(self, x: Any, **kwargs: Any) -> np.ndarray:
        """Probabilities `(samples, classes)`, in the order of `classes_`."""
        given = self.filter_sk_params("predict", kwargs)
        found = np.asarray(self.model.predict(np.asarray(x), **given))
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The model's accuracy.

        Raises:
            ValueError: if the model does not compute accuracy.
        """
        y = np.asarray(y)
        if y.ndim == 1:
            y = np.searchsorted(self.classes_, y)
        given = self.filter_sk_params("evaluate", kwargs)
        found = self.model.evaluate(np.asarray(x), self._targets(y), **given)
        values = found if isinstance(found, list | tuple) else [found]
        named = Logs(zip(self.model.metrics_names, values, strict=False))
        if "accuracy" not in named:
            raise ValueError(NO_ACCURACY)
        return named["accuracy"]


class KerasRegressor(RegressorMixin, BaseWrapper):
    """A scikit-learn regressor from a function that builds a model.

    Args:
        build_fn: see `BaseWrapper`.
        **sk_params: see `BaseWrapper`.
    """

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """Predictions, of shape `(samples,)` for one output."""
        given = self.filter_sk_params("predict", kwargs)
        found = np.asarray(self.model.predict(np.asarray(x), **given))
        return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The model's loss, negated in Keras 2 so that higher is better."""
        given = self.filter_sk_params("evaluate", kwargs)
        found = self.model.evaluate(np.asarray(x), np.asarray(y), **given)
        loss = found[0] if isinstance(found, list | tuple) else found
        return loss if installed_generation() == "keras1" else -loss
