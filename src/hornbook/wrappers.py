"""scikit-learn estimators, under the names of `keras.wrappers` (needs `hornbook[sklearn]`)."""

from hornbook.core import doors
from hornbook.integrations.sklearn import SKLearnClassifier as SKLearnClassifier
from hornbook.integrations.sklearn import SKLearnRegressor as SKLearnRegressor
from hornbook.integrations.sklearn import SKLearnTransformer as SKLearnTransformer

doors.publish(globals())
