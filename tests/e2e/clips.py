"""Short synthetic videos, made by a real ffmpeg and looked at with PyAV."""

from __future__ import annotations

import subprocess
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe

__all__ = ["FRAME_RATE", "make_clip"]

FRAME_RATE = 25


def make_clip(path: Path, frames: int, *, size: str = "320x180", sound: bool = True) -> Path:
    """An H.264 video with AAC sound: smaller than the lowest rung, so it gets one rendition.

    A keyframe a second.

    Parameters:
        path: the file to write.
        frames: how many pictures, 25 a second.
        size: of a picture.
        sound: False leaves the sound out.
    """
    command = [
        *(get_ffmpeg_exe(), "-v", "error"),
        *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={FRAME_RATE}"),
        *(("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000") if sound else ()),
        *("-frames:v", str(frames), "-t", str(frames / FRAME_RATE)),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", str(FRAME_RATE), "-pix_fmt", "yuv420p"),
        *("-c:a", "aac", str(path)),
    ]
    subprocess.run(command, check=True, timeout=60)
    return path
