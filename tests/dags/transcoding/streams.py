"""Looking at videos with PyAV: the judge is not the ffmpeg that made them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.float32]


@dataclass(frozen=True)
class Video:
    """A decoded file: times in seconds, pictures small and grey."""

    width: int
    height: int
    codec: str
    profile: str | None
    profile_and_level: str
    pixel_format: str
    times: list[float]
    pictures: Pictures
    keyframe_times: list[float]
    duration_s: float


@lru_cache(maxsize=32)
def watch(path: Path, size: tuple[int, int] = (64, 36)) -> Video:
    """Decodes the whole video; once, for a file that is made does not change."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        grey = [frame.reformat(*size, format="gray").to_ndarray().astype(np.float32) for frame in frames]
        times = [float(frame.time) for frame in frames]
        last = float(frames[-1].duration * frames[-1].time_base)
        return Video(
            width=stream.width,
            height=stream.height,
            codec=stream.codec_context.name,
            profile=stream.codec_context.profile,
            profile_and_level=(stream.codec_context.extradata or b"")[1:4].hex(),
            pixel_format=stream.codec_context.pix_fmt,
            times=times,
            pictures=np.stack(grey),
            keyframe_times=[time for frame, time in zip(frames, times, strict=True) if frame.key_frame],
            duration_s=times[-1] - times[0] + last,
        )


@dataclass(frozen=True)
class Sound:
    """A decoded file's first audio stream, mixed to one channel."""

    codec: str
    channels: int
    rate: int
    start_s: float
    samples: NDArray[np.float32]

    def first_loud_s(self) -> float:
        """When the sound first exceeds a tenth of its peak."""
        loud = np.abs(self.samples) > 0.1 * np.abs(self.samples).max()
        return self.start_s + float(np.argmax(loud)) / self.rate


def listen(path: Path) -> Sound | None:
    """Decodes the sound, if there is any."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        samples = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in frames])
        return Sound(
            codec=stream.codec_context.name,
            channels=stream.codec_context.channels,
            rate=stream.codec_context.sample_rate,
            start_s=float(frames[0].time),
            samples=samples.astype(np.float32),
        )


def nearest(pictures: Pictures, among: Pictures) -> list[int]:
    """For each picture the index of the one that it resembles most."""
    return [int(np.argmin(np.abs(among - picture).mean(axis=(1, 2)))) for picture in pictures]
