"""Takes away what sits in the middle of the stereo picture between 200 Hz and 5 kHz, where most voices are.

It is no separation: a snare or a solo in the middle goes too, and a voice that is panned or doubled stays.
"""

from __future__ import annotations

import numpy as np

from bot.audio.pcm import RATE, Samples

FRAME, HOP = 2048, 512
BAND_HZ = (200.0, 5000.0)
DEEPEST = 0.9  # of the middle's amplitude
BATCH = 64  # frames of one FFT call


def reduced(samples: Samples) -> Samples:
    """(frames, 2) with less centre: each bin loses by how much stronger the middle is than the sides."""
    frames = len(samples)
    padded = np.pad(samples, ((FRAME, FRAME + HOP), (0, 0)))
    middle, side = (padded[:, 0] + padded[:, 1]) / 2, (padded[:, 0] - padded[:, 1]) / 2
    window = np.sqrt(np.hanning(FRAME + 1)[:-1]).astype(np.float32)
    places = np.fft.rfftfreq(FRAME, 1 / RATE)
    inside = slice(int(np.searchsorted(places, BAND_HZ[0])), int(np.searchsorted(places, BAND_HZ[1])))
    starts = np.arange(0, len(middle) - FRAME + 1, HOP)
    loss = np.zeros_like(middle)
    cuts = [np.lib.stride_tricks.sliding_window_view(line, FRAME)[::HOP] for line in (middle, side)]
    for first in range(0, len(starts), BATCH):
        mid, rest = (np.fft.rfft(cut[first : first + BATCH] * window, axis=1) for cut in cuts)
        share = np.zeros(mid.shape, np.float32)
        strong, weak = np.abs(mid[:, inside]) ** 2, np.abs(rest[:, inside]) ** 2
        share[:, inside] = DEEPEST * np.maximum(0.0, strong - weak) / np.maximum(strong + weak, 1e-9)
        for number, piece in enumerate(np.fft.irfft(mid * share, FRAME, axis=1) * window):
            at = starts[first + number]
            loss[at : at + FRAME] += piece
    loss = loss[FRAME : FRAME + frames, None] * np.float32(2 * HOP / FRAME)
    return samples - loss.astype(np.float32)
