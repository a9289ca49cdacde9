"""Step `split`: the video of each segment, copied bit by bit into a file of its own.

The file is NUT, ffmpeg's own container: it takes any codec that ffmpeg knows and keeps every timestamp
exactly, where Matroska rounds to milliseconds and MP4 refuses some codecs. It begins at a keyframe, perhaps
before the segment, and holds all packets needed up to the segment's end, in decoding order; so pictures to
which a neighbour refers across a cut (open GOP) are in both files, and the encoder picks its own by time.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

from .errors import ExitCode, StepError
from .ffmpeg import Ffmpeg, failure
from .packets import scan
from .probe import require
from .progress import say
from .records import Plan, Segment

__all__ = ["split"]

# Formats without an index (MPEG transport streams) may be left too late by a seek.
_SEEK_EARLIER_S = (0.0, 3.0, 20.0, 120.0, None)


def split(ffmpeg: Ffmpeg, source: Path, plan: Plan, folder: Path) -> None:
    """Writes one file a segment into `folder`.

    Raises:
        StepError: the source is missing (exit code 66) or is not the planned one (65), or ffmpeg failed.
    """
    require(source, "source")
    folder.mkdir(parents=True, exist_ok=True)
    for segment in plan.segments:
        _cut(ffmpeg, source, segment, folder / segment.name)
        say(
            f"split segment {segment.index + 1}/{len(plan.segments)}: {segment.frames} pictures,"
            f" {segment.duration_s:.2f} s from {segment.start_s:.2f} s"
        )


def _cut(ffmpeg: Ffmpeg, source: Path, segment: Segment, target: Path) -> None:
    present = 0
    for earlier in _SEEK_EARLIER_S:
        seek = (
            [] if earlier is None else ["-seek_timestamp", "1", "-ss", f"{segment.keyframe_s - earlier:.6f}"]
        )
        finished = ffmpeg.run(
            [
                *(*seek, "-copyts", "-fflags", "+genpts", "-i", str(source)),
                *("-map", "0:V:0", "-c", "copy", "-to", f"{segment.cut_to_s:.6f}"),
                *("-avoid_negative_ts", "disabled", "-f", "nut", str(target)),
            ]
        )
        if finished.returncode != 0:
            raise failure(finished, f"split segment {segment.index}")
        present = _pictures(ffmpeg, target, segment)
        if present == segment.frames:
            return
    raise StepError(
        ExitCode.DATA,
        f"Segment {segment.index} should have {segment.frames} pictures, but {present} could be cut out.",
        "The source is not the one that was probed, or its timestamps jump.",
        "Check that both tasks read the same blob; if they do, remux it with `ffmpeg -i in -c copy out.mkv`.",
        finished.tail,
    )


def _pictures(ffmpeg: Ffmpeg, path: Path, segment: Segment) -> int:
    """How many of the segment's pictures are in the file, given that decoding can begin in time."""
    video = scan(ffmpeg, path).first("video")
    if (
        video is None
        or not video.keyframes
        or video.keyframes[0] * video.time_base > segment.keyframe_s + 1e-5
    ):
        return 0
    cuts = (segment.cut_from_s, segment.cut_to_s)
    first, last = (bisect_left(video.pts, cut / float(video.time_base)) for cut in cuts)
    return last - first
