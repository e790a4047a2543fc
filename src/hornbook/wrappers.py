"""scikit-learn estimators, under the names of `keras.wrappers` (needs `hornbook[sklearn]`)."""

from hornbook.integrations.sklearn import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]
__dir__ = __all__.copy
