"""WAV files in folders as a `Dataset`: `audio_dataset_from_directory`."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from hornbook.data.dataset import Dataset
from hornbook.data.folders import datasets_of, read_files
from hornbook.data.wav import read_wav, resample

WHERE = "audio_dataset_from_directory"


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """A `Dataset` of the `.wav` files in a folder, one subfolder per class, read by threads.

    Files have 8, 16, 24 or 32 bit integers, or floats.

    Args:
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split,
            subset, follow_links, verbose: see `image_dataset_from_directory`.
        sampling_rate: samples per second to resample to; default each file's own.
        output_sequence_length: number of samples: longer files are cut, shorter ones padded with
            zeros. (Keras does so before it resamples, so its batches have another length.) Default:
            a batch is padded to its longest file.
        ragged: whether a batch is an array of arrays, of dtype object, without padding.

    Returns:
        A `Dataset` of `(audio, labels)`, or of audio without labels: float32 from -1 to 1, `(batch,
        samples, channels)`. Its attributes are `class_names` and `file_paths`. A pair of data sets
        for `subset="both"`.

    Raises:
        ValueError: for an unknown option, or if there are no files. While it is read, for files
            that are not WAV; the message names them.

    Example:
        >>> import pathlib, tempfile, wave
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with wave.open(str(folder / "tone.wav"), "wb") as file:
        ...     file.setparams((1, 2, 8000, 0, "NONE", ""))
        ...     file.writeframes(np.array([0, 16384], "<i2").tobytes())
        >>> data = keras.utils.audio_dataset_from_directory(folder, labels=None)
        Found 1 files.
        >>> next(iter(data)).tolist()
        [[[0.0], [0.5]]]
    """
    if ragged and output_sequence_length is not None:
        raise ValueError(f"{WHERE}: pass only one of ragged=True and output_sequence_length")
    for name, value in (
        ("sampling_rate", sampling_rate),
        ("output_sequence_length", output_sequence_length),
    ):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and (not whole or value < 1):
            raise ValueError(f"{WHERE}: {name} is a positive integer, not {value!r}")
    read = functools.partial(read_audio, rate=sampling_rate, length=output_sequence_length)

    def finish(data: Dataset, labelled: bool) -> Dataset:
        data = read_files(data, read, labelled)
        if batch_size is None:
            return data.prefetch()
        if ragged:
            return data.ragged_batch(batch_size).prefetch()
        padded = output_sequence_length is None
        return (data.padded_batch if padded else data.batch)(batch_size).prefetch()

    return datasets_of(
        directory,
        (".wav",),
        "audio",
        finish,
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )


def read_audio(path: str, rate: int | None, length: int | None) -> np.ndarray:
    """A file as float32 `(samples, channels)`, resampled, and cut or padded to a length."""
    x, own = read_wav(path)
    if rate is not None:
        try:
            x = resample(x, own, rate)
        except ValueError as error:
            error.add_note(f"{WHERE}: {path}")
            raise
    if length is None:
        return x
    return np.pad(x[:length], [(0, max(length - len(x), 0)), (0, 0)])
