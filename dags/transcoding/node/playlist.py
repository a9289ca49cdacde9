"""HLS playlists as text: reading a media playlist's lengths, writing a master playlist. Pure.

RFC 8216 (*HTTP Live Streaming*), sections 4.3.3 to 4.3.4, is the source of the rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

__all__ = [
    "MediaSegment",
    "Variant",
    "average_bandwidth",
    "codecs_of",
    "master_playlist",
    "media_segments",
    "peak_bandwidth",
]

_SEGMENT = re.compile(r"#EXTINF:([\d.]+),[^\n]*\n(?:#[^\n]*\n)*([^#\s]+)")


@dataclass(frozen=True)
class MediaSegment:
    """One entry of a media playlist: its length in seconds and its address."""

    duration_s: float
    uri: str


@dataclass(frozen=True)
class Variant:
    """One entry of a master playlist.

    Args:
        uri: of the media playlist, relative to the master.
        bandwidth: peak bit rate in bit/s.
        average_bandwidth: mean bit rate in bit/s.
        width: in pixels.
        height: in pixels.
        codecs: as RFC 6381 writes them.
        frame_rate: pictures per second.
    """

    uri: str
    bandwidth: int
    average_bandwidth: int
    width: int
    height: int
    codecs: str
    frame_rate: Fraction


def media_segments(playlist: str) -> list[MediaSegment]:
    """The segments that a media playlist names."""
    return [MediaSegment(float(length), uri) for length, uri in _SEGMENT.findall(playlist)]


def average_bandwidth(segments: Sequence[MediaSegment], sizes: Sequence[int]) -> int:
    """Mean bit rate in bit/s; `sizes` are the segments' bytes."""
    return round(sum(sizes) * 8 / sum(segment.duration_s for segment in segments))


def peak_bandwidth(segments: Sequence[MediaSegment], sizes: Sequence[int]) -> int:
    """Peak bit rate in bit/s.

    RFC 8216, section 4.1: the largest over all runs of segments that last from half
    to one and a half of the target duration; where no run does, the whole playlist counts.
    """
    target = max(round(segment.duration_s) for segment in segments) or 1
    peak = 0.0
    for first in range(len(segments)):
        length, size = 0.0, 0
        for segment, more in zip(segments[first:], sizes[first:]):  # noqa: B905
            length, size = length + segment.duration_s, size + more
            if length > 1.5 * target:
                break
            if length >= 0.5 * target:
                peak = max(peak, size * 8 / length)
    return round(peak) if peak else average_bandwidth(segments, sizes)


def codecs_of(avcc: bytes, audio: bool) -> str:
    """The CODECS attribute, e.g. `avc1.64001f,mp4a.40.2` (RFC 6381): profile, constraints, level."""
    video = f"avc1.{avcc[1:4].hex()}"
    return f"{video},mp4a.40.2" if audio else video


def master_playlist(variants: Sequence[Variant]) -> str:
    """A master playlist that names the variants, the one a player tries first in front."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for variant in variants:
        lines.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={variant.bandwidth},AVERAGE-BANDWIDTH={variant.average_bandwidth},"
            f'RESOLUTION={variant.width}x{variant.height},CODECS="{variant.codecs}",'
            f"FRAME-RATE={float(variant.frame_rate):.3f}"
        )
        lines.append(variant.uri)
    return "\n".join(lines) + "\n"
