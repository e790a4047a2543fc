"""Callbacks, under the names of `keras.callbacks`."""

from hornbook.core import doors
from hornbook.training.callback import Callback as Callback
from hornbook.training.callbacks.backup_and_restore import BackupAndRestore as BackupAndRestore
from hornbook.training.callbacks.csv_logger import CSVLogger as CSVLogger
from hornbook.training.callbacks.early_stopping import EarlyStopping as EarlyStopping
from hornbook.training.callbacks.lambda_callback import LambdaCallback as LambdaCallback
from hornbook.training.callbacks.learning_rate import LearningRateScheduler as LearningRateScheduler
from hornbook.training.callbacks.learning_rate import ReduceLROnPlateau as ReduceLROnPlateau
from hornbook.training.callbacks.learning_rate_finder import (
    LearningRateFinder as LearningRateFinder,
)
from hornbook.training.callbacks.model_checkpoint import ModelCheckpoint as ModelCheckpoint
from hornbook.training.callbacks.orbax_checkpoint import OrbaxCheckpoint as OrbaxCheckpoint
from hornbook.training.callbacks.remote_monitor import RemoteMonitor as RemoteMonitor
from hornbook.training.callbacks.swap_ema_weights import SwapEMAWeights as SwapEMAWeights
from hornbook.training.callbacks.tensorboard import TensorBoard as TensorBoard
from hornbook.training.callbacks.terminate_on_nan import TerminateOnNaN as TerminateOnNaN
from hornbook.training.events import CallbackList as CallbackList
from hornbook.training.history import History as History
from hornbook.training.progress import ProgbarLogger as ProgbarLogger
from hornbook.training.summary import SummaryWriter as SummaryWriter

doors.publish(globals())
