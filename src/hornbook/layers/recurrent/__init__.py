"""Recurrent layers: a cell is one step, a layer runs a cell over the steps of a sequence.

`loop.py` runs any cell; `cell.py` is what the standard cells share: each writes its step down once,
and names the kernel that runs it over a whole sequence when its activations are the usual ones.
"""

from hornbook.layers.recurrent.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from hornbook.layers.recurrent.gru import GRU, GRUCell
from hornbook.layers.recurrent.lstm import LSTM, LSTMCell
from hornbook.layers.recurrent.rnn import RNN
from hornbook.layers.recurrent.simple_rnn import SimpleRNN, SimpleRNNCell
from hornbook.layers.recurrent.stacked import StackedRNNCells

__all__ = [
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "GRU",
    "GRUCell",
    "LSTM",
    "LSTMCell",
    "RNN",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
]
