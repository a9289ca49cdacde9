"""Look into produced streams with PyAV, which is not the ffmpeg that made them, and judge them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["StreamFacts", "complaints", "find_streams", "probe"]

_TOLERANCE_SECONDS = 0.5


@dataclass(frozen=True)
class StreamFacts:
    """What a player finds in a stream.

    Parameters:
        name: path of the file or playlist.
        seconds: from the first to the end of the last picture, by decoding all of them.
        width, height: pixels.
        video_codec, audio_codec: names as of ffmpeg; audio is None if there is none.
        frames: pictures decoded.
    """

    name: str
    seconds: float
    width: int
    height: int
    video_codec: str
    audio_codec: str | None
    frames: int


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
        times = [(frame.time, frame.width, frame.height) for frame in container.decode(video)]
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
        )


def complaints(source: StreamFacts, streams: Sequence[StreamFacts]) -> list[str]:
    """What is wrong with the produced streams; empty if nothing is. Pure.

    Parameters:
        source: the video that went in.
        streams: what came out.
    """
    if not streams:
        return ["No stream was produced: neither an HLS playlist nor an MP4 file is among the outputs."]
    found = []
    for stream in streams:
        if abs(stream.seconds - source.seconds) > _TOLERANCE_SECONDS:
            found.append(f"{stream.name} lasts {stream.seconds:.2f} s, the source {source.seconds:.2f} s.")
        if stream.height > source.height:
            found.append(f"{stream.name} is larger ({stream.height}p) than the source ({source.height}p).")
        if stream.video_codec != "h264":
            found.append(f"{stream.name} is coded as {stream.video_codec}, not h264.")
        if source.audio_codec and not stream.audio_codec:
            found.append(f"{stream.name} has lost the sound.")
    return found
