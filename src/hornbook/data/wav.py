"""WAV files to arrays. Python's own `wave` does not read floats, nor 24 bits before 3.12."""

import struct
from typing import Any

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
# Format and bits -> dtype, offset and scale to values from -1 to 1.
SAMPLES: dict[tuple[int, int], tuple[str, float, float]] = {
    (PCM, 8): ("u1", 128, 2**7),
    (PCM, 16): ("<i2", 0, 2**15),
    (PCM, 24): ("<i4", 0, 2**31),  # the low byte is 0
    (PCM, 32): ("<i4", 0, 2**31),
    (FLOAT, 32): ("<f4", 0, 1),
    (FLOAT, 64): ("<f8", 0, 1),
}
WIDTH, BETA = 16, 9  # zero crossings of the resampling filter on each side; its Kaiser window
MOST = 200  # ratio of rates; more would be a mistake, or an attack on memory


def read_wav(path: Any) -> tuple[np.ndarray, int]:
    """The samples of a WAV file, and their number per second.

    Args:
        path: the file: 8, 16, 24 or 32 bit integers, or floats.

    Returns:
        float32 `(samples, channels)`, integers scaled to -1 to 1; and the sampling rate.

    Raises:
        ValueError: if it is not such a file.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        return decode(data)
    except (ValueError, struct.error) as error:
        raise ValueError(f"{path} cannot be read as a WAV file: {error}") from None


def decode(data: bytes) -> tuple[np.ndarray, int]:
    """The samples of a WAV file's bytes, and their number per second: see `read_wav`."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("it does not begin with RIFF and WAVE")
    place, form = 12, None
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        body = memoryview(data)[place + 8 : place + 8 + size]
        if name == b"fmt ":
            form = struct.unpack_from("<HHIIHH", body)
            if form[0] == EXTENSIBLE:
                form = (struct.unpack_from("<H", body, 24)[0], *form[1:])
        elif name == b"data":
            return _samples(body, form)
        place += 8 + size + size % 2
    raise ValueError("it has no data")


def _samples(body: memoryview, form: tuple | None) -> tuple[np.ndarray, int]:
    if form is None:
        raise ValueError("its data come before their format")
    kind, channels, rate, _, _, bits = form
    if (kind, bits) not in SAMPLES or not channels or not rate:
        raise ValueError(
            f"it has format {kind}, {bits} bits, {channels} channels and {rate} samples per "
            "second; expected integers (format 1) of 8, 16, 24 or 32 bits, or floats (format 3)"
        )
    dtype, zero, scale = SAMPLES[kind, bits]
    frame = channels * bits // 8
    count = len(body) // frame  # a file that was cut off has fewer than it says
    values = np.frombuffer(body[: count * frame], "u1" if bits == 24 else dtype)
    if bits == 24:
        wide = np.zeros((count * channels, 4), "u1")
        wide[:, 1:] = values.reshape(-1, 3)
        values = wide.view("<i4")
    x = (values.astype("float64" if bits > 16 else "float32") - zero) / scale
    return x.reshape(count, channels).astype("float32"), rate


def resample(x: np.ndarray, old: int, new: int) -> np.ndarray:
    """Samples at another rate, by a windowed sinc that removes frequencies the new rate lacks.

    Args:
        x: `(samples, channels)`.
        old, new: samples per second.

    Returns:
        `(ceil(samples * new / old), channels)`.

    Example:
        >>> wave = np.sin(np.arange(200) / 8)[:, None].astype("float32")
        >>> bool(np.abs(resample(wave, 2, 1)[20:80] - wave[40:160:2]).max() < 1e-3)
        True
    """
    if old == new or not len(x):
        return x
    if not 1 / MOST < new / old < MOST:
        raise ValueError(f"resampling from {old} to {new} samples per second is not supported")
    divisor = np.gcd(old, new)
    up, down = new // divisor, old // divisor
    cutoff = min(1.0, up / down)
    reach = int(np.ceil(WIDTH / cutoff))
    steps = np.arange(-reach, reach + 1)
    padded = np.pad(x, [(reach, reach + down), (0, 0)])
    around = np.lib.stride_tricks.sliding_window_view(padded, len(steps), axis=0)
    made = np.empty((-(-len(x) * up // down), x.shape[1]), "float32")
    for phase in range(min(up, len(made))):  # outputs at the same place between two samples
        first, offset = divmod(phase * down, up)
        distance = (steps - offset / up) * cutoff
        window = np.i0(BETA * np.sqrt(np.clip(1 - (distance / WIDTH) ** 2, 0, None)))
        taps = np.sinc(distance) * np.where(np.abs(distance) < WIDTH, window, 0)
        taps = (taps / taps.sum()).astype("float32")
        count = len(range(phase, len(made), up))
        made[phase::up] = np.einsum("nct,t->nc", around[first::down][:count], taps)
    return made
