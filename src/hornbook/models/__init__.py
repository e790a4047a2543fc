"""Models: layers that can be trained, saved, summarized and copied."""

from hornbook.core import doors
from hornbook.models.cloning import clone_model as clone_model
from hornbook.models.cloning import model_from_json as model_from_json
from hornbook.models.model import Model as Model
from hornbook.models.sequential import Sequential as Sequential
from hornbook.preprocessing.feature_space import FeatureSpace as _FeatureSpace  # noqa: F401  files may name it
from hornbook.saving.kinds import load_model as load_model
from hornbook.saving.kinds import save_model as save_model

doors.publish(globals())
