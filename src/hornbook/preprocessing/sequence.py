"""Sequence functions under their names in `keras.preprocessing.sequence`."""

from hornbook.core import doors
from hornbook.data.sequence import TimeseriesGenerator as TimeseriesGenerator
from hornbook.data.sequence import make_sampling_table as make_sampling_table
from hornbook.data.sequence import pad_sequences as pad_sequences
from hornbook.data.sequence import skipgrams as skipgrams

doors.publish(globals())
