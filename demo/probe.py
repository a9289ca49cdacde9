"""Look into produced streams with PyAV, which is not the ffmpeg that made them, and judge them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["StreamFacts", "complaints", "find_streams", "probe"]

_TOLERANCE_SECONDS = 0.5
_SMALL = (32, 18)  # pixels, in which pictures are compared: all renditions are alike in it
_UNLIKE = 4.0  # of 255, on average; encoding changes one, two seconds of the sample eight or more
_SILENT = 0.1  # of the loudness of the source; mixing channels down changes it less


@dataclass(frozen=True)
class StreamFacts:
    """What a player finds in a stream.

    Parameters:
        name: path of the file or playlist.
        seconds: from the first to the end of the last picture, by decoding all of them.
        width, height: pixels.
        video_codec, audio_codec: names as of ffmpeg; audio is None if there is none.
        frames: pictures decoded.
        pictures: each in grey and very small.
        loudness: root of the mean square of all samples of the sound, 0 to 1.
    """

    name: str
    seconds: float
    width: int
    height: int
    video_codec: str
    audio_codec: str | None
    frames: int
    pictures: tuple[bytes, ...] = field(default=(), repr=False)
    loudness: float = 0.0


def find_streams(folder: Path) -> list[Path]:
    """What a player would open: HLS media playlists, and MP4 files that are not parts of one."""
    playlists = [path for path in sorted(folder.rglob("*.m3u8")) if "#EXTINF" in path.read_text()]
    parts = {path.parent for path in playlists}
    # A folder may be called like a video too: that of its outputs is.
    files = [path for path in sorted(folder.rglob("*.mp4")) if path.is_file()]
    return playlists + [path for path in files if path.parent not in parts]


def probe(path: Path, name: str) -> StreamFacts:
    """Decode all pictures of a stream.

    Parameters:
        path: file or playlist on disk.
        name: how to call it.

    Raises:
        av.FFmpegError: it cannot be opened or decoded.
    """
    import av

    container: Any
    with av.open(str(path), options={"allowed_extensions": "ALL"}) as container:
        video = container.streams.video[0]
        times, pictures = [], []
        for frame in container.decode(video):
            times.append((frame.time, frame.width, frame.height))
            pictures.append(frame.reformat(*_SMALL, format="gray").to_ndarray().tobytes())
        if not times:
            raise ValueError(f"{name} holds no picture.")
        first, (last, width, height) = times[0][0], times[-1]
        rate = float(video.average_rate or video.base_rate or 25)
        audio = container.streams.audio
        return StreamFacts(
            name=name,
            seconds=last - first + 1 / rate,
            width=width,
            height=height,
            video_codec=video.codec_context.name,
            audio_codec=audio[0].codec_context.name if audio else None,
            frames=len(times),
            pictures=tuple(pictures),
            loudness=_loudness(path) if audio else 0.0,
        )


def _loudness(path: Path) -> float:
    import av
    import numpy as np

    container: Any
    with av.open(str(path), options={"allowed_extensions": "ALL"}) as container:
        whole = av.AudioResampler(format="flt", layout="mono")
        samples = [
            part.to_ndarray().ravel()
            for frame in container.decode(container.streams.audio[0])
            for part in whole.resample(frame)
        ]
    return float(np.sqrt(np.mean(np.square(np.concatenate(samples))))) if samples else 0.0


def complaints(source: StreamFacts, streams: Sequence[StreamFacts], due: Mapping[str, int]) -> list[str]:
    """What is wrong with the produced streams; empty if nothing is. Pure.

    Parameters:
        source: the video that went in.
        streams: what came out.
        due: what was to come out: height in pixels by name.
    """
    if not streams:
        return ["No stream was produced: neither an HLS playlist nor an MP4 file is among the outputs."]
    names = {stream.name for stream in streams}
    found = [f"{name} is missing." for name in due if name not in names]
    found += [f"{stream.name} was not to be made." for stream in streams if stream.name not in due]
    for stream in streams:
        if abs(stream.seconds - source.seconds) > _TOLERANCE_SECONDS:
            found.append(f"{stream.name} lasts {stream.seconds:.2f} s, the source {source.seconds:.2f} s.")
        if stream.frames != source.frames:
            found.append(f"{stream.name} has {stream.frames} pictures, the source {source.frames}.")
        elif (unlike := _unlike(source, stream)) is not None:
            found.append(f"Picture {unlike} of {stream.name} is not that of the source.")
        if stream.height != (height := due.get(stream.name, stream.height)):
            found.append(f"{stream.name} is {stream.height} pixels high instead of {height}.")
        # Widths are even numbers.
        if abs(stream.width - stream.height * source.width / source.height) > 2:
            found.append(f"{stream.name} is distorted: {stream.width}x{stream.height}.")
        if stream.video_codec != "h264":
            found.append(f"{stream.name} is coded as {stream.video_codec}, not h264.")
        if source.audio_codec and (not stream.audio_codec or stream.loudness < _SILENT * source.loudness):
            found.append(f"{stream.name} has lost the sound.")
    return found


def _unlike(source: StreamFacts, stream: StreamFacts) -> int | None:
    """Number of the first picture that is another than the source's."""
    for number, (right, picture) in enumerate(zip(source.pictures, stream.pictures, strict=True)):
        if sum(abs(a - b) for a, b in zip(right, picture, strict=True)) > _UNLIKE * len(right):
            return number
    return None
