"""Callbacks: what can watch and steer a training from outside the loop.

One file a callback or family. The base class, the table of events and the list that passes them on
stand beside the loop, in `training/callback.py` and `training/events.py`.
"""

from hornbook.training.callback import Callback
from hornbook.training.callbacks.csv_logger import CSVLogger
from hornbook.training.callbacks.early_stopping import EarlyStopping
from hornbook.training.callbacks.lambda_callback import LambdaCallback
from hornbook.training.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from hornbook.training.callbacks.model_checkpoint import ModelCheckpoint
from hornbook.training.callbacks.remote_monitor import RemoteMonitor
from hornbook.training.callbacks.tensorboard import TensorBoard
from hornbook.training.callbacks.terminate_on_nan import TerminateOnNaN
from hornbook.training.events import CallbackList
from hornbook.training.history import History
from hornbook.training.progress import ProgbarLogger

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "TensorBoard",
    "TerminateOnNaN",
]
