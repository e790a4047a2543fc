"""Distillation: a small model learns from a large one.

distiller = distillation.Distiller(teacher, student, distillation.LogitsDistillation())
distiller.compile("adam", "sparse_categorical_crossentropy")
distiller.fit(x, y)
"""

from hornbook.core import doors
from hornbook.distillation.distiller import Distiller as Distiller
from hornbook.distillation.losses import DistillationLoss as DistillationLoss
from hornbook.distillation.losses import FeatureDistillation as FeatureDistillation
from hornbook.distillation.losses import LogitsDistillation as LogitsDistillation

doors.publish(globals())
