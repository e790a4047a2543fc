"""Spectrograms beyond the comparison with Keras: batches, silence, errors."""

import jax
import numpy as np
import pytest

from hornbook import layers
from tests.parity.helper import agree, floats

MEL = layers.MelSpectrogram(32, 16, num_mel_bins=6, sampling_rate=8000)


def test_decibels_of_a_sample_do_not_depend_on_the_others():
    x = floats(2, 100) * np.array([[1e-6], [1.0]], "float32")
    both = MEL(x)
    agree(both[0], MEL(x[0]), "the quiet one", rtol=1e-4, atol=1e-3)


def test_silence_has_a_finite_gradient():
    for exponent in (1.0, 2.0):
        layer = layers.MelSpectrogram(32, 16, num_mel_bins=6, mag_exp=exponent)
        assert np.isfinite(jax.grad(lambda x, f=layer: f(x).sum())(np.zeros(64, "float32"))).all()


def test_mixed_precision_transforms_in_float32():
    layer = layers.MelSpectrogram(32, 16, num_mel_bins=6, dtype="mixed_bfloat16")
    assert layer(floats(1, 100)).dtype == "bfloat16"


WRONG = {
    "mode": (lambda: layers.STFTSpectrogram("loud"), "mode of STFTSpectrogram"),
    "padding": (lambda: layers.STFTSpectrogram(padding="causal"), "padding of STFTSpectrogram"),
    "scaling": (lambda: layers.STFTSpectrogram(scaling="big"), "scaling of STFT"),
    "window": (lambda: layers.STFTSpectrogram(window="round"), "window of STFT"),
    "step": (lambda: layers.STFTSpectrogram(frame_length=4, frame_step=5), "frame_step <="),
    "fft": (lambda: layers.STFTSpectrogram(frame_length=8, fft_length=4), "<= fft_length"),
    "length": (lambda: layers.MelSpectrogram(16, sequence_length=32), "at least sequence_length"),
    "frequencies": (lambda: layers.MelSpectrogram(min_freq=9000), "min_freq < max_freq"),
}


@pytest.mark.parametrize("case", WRONG)
def test_arguments_are_checked(case):
    make, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        make()


def test_integers_are_no_signal():
    with pytest.raises(TypeError, match="takes floats"):
        layers.STFTSpectrogram(frame_length=4)(np.ones((1, 8, 1), "int32"))
