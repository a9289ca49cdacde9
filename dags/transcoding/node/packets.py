"""The packet table of a file: what ffprobe would tell, read from ffmpeg's `framecrc` muxer.

`-c copy -f framecrc` reads every packet of the file without decoding one and prints its timestamps and flags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from .ffmpeg import Ffmpeg, Finished

__all__ = ["Scan", "Stream", "scan"]

# The option values of ffmpeg's AV_PKT_FLAG_*; framecrc leaves `F=` out for a plain keyframe.
_KEY, _DISCARD = 0x1, 0x4
_NO_TIMESTAMP = -(2**63)


@dataclass
class Stream:
    """One stream of a file.

    Args:
        header: framecrc's header fields: `tb`, `media_type`, `codec_id`, `dimensions`, `sample_rate`...
        pts: timestamps of the packets that are presented, in units of `time_base`, in order of presentation.
        keyframes: those of keyframes.
        end: where the last packet ends.
        untimed: packets without a timestamp.
        bytes: of all packets.
    """

    header: dict[str, str] = field(default_factory=dict)
    pts: list[int] = field(default_factory=list)
    keyframes: list[int] = field(default_factory=list)
    end: int = 0
    untimed: int = 0
    bytes: int = 0

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of a timestamp."""
        return Fraction(self.header["tb"])

    @property
    def media_type(self) -> str:
        """`video` or `audio`."""
        return self.header.get("media_type", "")

    @property
    def start_s(self) -> float:
        """Time of the first packet in seconds."""
        return float(self.pts[0] * self.time_base)

    @property
    def end_s(self) -> float:
        """Time at which the last packet ends in seconds."""
        return float(self.end * self.time_base)

    def add(self, columns: list[str]) -> None:
        """Takes a row: stream, dts, pts, duration, size, checksum, then flags if any."""
        pts, duration = int(columns[2]), int(columns[3])
        flags = _flags(columns[6:])
        self.bytes += int(columns[4])
        if flags & _DISCARD:  # decoded, but an edit list keeps it from being shown
            return
        if pts == _NO_TIMESTAMP:
            self.untimed += 1
            return
        self.pts.append(pts)
        self.end = max(self.end, pts + duration) if len(self.pts) > 1 else pts + duration
        if flags & _KEY:
            self.keyframes.append(pts)


def _flags(columns: list[str]) -> int:
    for column in columns:
        if column.strip().startswith("F=0x"):
            return int(column.strip()[2:], 16)
    return _KEY


@dataclass(frozen=True)
class Scan:
    """A whole file read once.

    Args:
        streams: in the order in which they were mapped.
        finished: how ffmpeg ended and what it wrote; each line of its log names its level.
    """

    streams: tuple[Stream, ...]
    finished: Finished

    def first(self, media_type: str) -> Stream | None:
        """The first stream of that type that has packets."""
        return next((s for s in self.streams if s.media_type == media_type and s.pts), None)


def scan(ffmpeg: Ffmpeg, path: Path) -> Scan:
    """Reads all packets of the first video and the first audio stream; pictures of covers are no video."""
    streams: dict[int, Stream] = {}

    def on_line(line: str) -> None:
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            name, _, number = key.rpartition(" ")
            if number.isdigit():
                streams.setdefault(int(number), Stream()).header[name] = value.strip()
        elif line.strip():
            columns = line.split(",")
            streams.setdefault(int(columns[0]), Stream()).add(columns)

    finished = ffmpeg.run(
        [
            *("-copyts", "-fflags", "+genpts", "-i", str(path)),
            *("-map", "0:V:0?", "-map", "0:a:0?", "-c", "copy", "-f", "framecrc", "pipe:1"),
        ],
        on_output=on_line,
        log_level="level+info",
    )
    for stream in streams.values():
        stream.pts.sort()
        stream.keyframes.sort()
    return Scan(tuple(streams[number] for number in sorted(streams)), finished)
