"""Files that are named like videos and are none, or no whole ones."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.e2e.clips import make_clip

__all__ = ["bad_videos"]


def bad_videos(folder: Path) -> dict[str, bytes]:
    """One of each kind, by a name that tells it.

    Parameters:
        folder: for what is made on the way.
    """
    short = make_clip(folder / "short.mp4", 50, size="96x54", sound=False).read_bytes()
    long = make_clip(folder / "long.mp4", 300, size="96x54", sound=False).read_bytes()
    return {
        "empty.mp4": b"",
        "text.mp4": b"this is no video\n" * 100,
        "noise.mkv": Random(1).randbytes(20_000),
        "zeros.mov": bytes(20_000),
        "cut-off.mp4": short[: len(short) // 2],
        "beginning-only.mp4": short[:1000],
        "damaged-first.mp4": _scrambled(short, short.index(b"mdat") + 600, 2000),
        # Twelve seconds: the probe decodes the first and the last three, so a later step finds this.
        "damaged-midway.mp4": _scrambled(long, len(long) * 45 // 100, len(long) // 10),
    }


def _scrambled(data: bytes, at: int, length: int) -> bytes:
    return data[:at] + Random(1).randbytes(length) + data[at + length :]
