"""Where to cut a video. Pure: from the table of pictures to the list of segments.

A cut is made at the keyframe nearest to the wished length, if one lies between half and one and a half of it.
Where the source has no keyframe there (some sources have one in minutes), the cut is made at any picture; the
segment's file then begins at the keyframe before, and the encoder drops what it had to decode in advance.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction

from .ladder import Rung, fit
from .packets import Stream
from .records import Plan, Segment, Source

__all__ = ["cut_points", "make_plan"]

_SHORTEST, _LONGEST = Fraction(1, 2), Fraction(3, 2)


def make_plan(
    source: Source,
    video: Stream,
    rungs: list[Rung],
    *,
    segment_s: float = 10.0,
    keyframe_interval_s: float = 2.0,
    max_segments: int = 100,
) -> Plan:
    """Plans the transcode of one source.

    Args:
        source: what the probe found.
        video: its table of pictures.
        rungs: the ladder; rungs above the source are left out.
        segment_s: wished length of a segment in seconds.
        keyframe_interval_s: distance of keyframes in the renditions in seconds.
        max_segments: bound of the fan-out; longer videos get longer segments.
    """
    ends = [*video.pts, video.end]
    length = Fraction(max(segment_s, source.duration_s / max_segments)) / video.time_base
    starts = cut_points(video.pts, video.end, video.keyframes, length)
    segments = tuple(
        _segment(index, start, stop, ends, video)
        for index, (start, stop) in enumerate(zip(starts, [*starts[1:], len(video.pts)]))  # noqa: B905
    )
    return Plan(
        source=source,
        keyframe_interval_s=keyframe_interval_s,
        audio=source.audio is not None,
        segments=segments,
        renditions=tuple(fit(rungs, source.width, source.height)),
    )


def cut_points(pts: Sequence[int], end: int, keyframes: Sequence[int], length: Fraction) -> list[int]:
    """Indices of the pictures with which segments begin; the first is always 0.

    Args:
        pts: timestamps of all pictures, ascending.
        end: where the last picture ends.
        keyframes: timestamps of the keyframes, ascending.
        length: wished length of a segment in the same units.
    """
    starts = [0]
    while end - pts[starts[-1]] > length * _LONGEST:
        begin = pts[starts[-1]]
        first = bisect_left(keyframes, begin + length * _SHORTEST)
        last = bisect_right(keyframes, begin + length * _LONGEST)
        near = keyframes[first:last]
        cut = min(near, key=lambda pts_: abs(pts_ - begin - length)) if near else begin + length
        index = max(bisect_left(pts, cut), starts[-1] + 1)
        if index >= len(pts):
            break
        starts.append(index)
    return starts


def _segment(index: int, start: int, stop: int, ends: Sequence[int], video: Stream) -> Segment:
    """The segment of the pictures `start` to `stop`, the latter not included."""
    base = video.time_base
    keyframe = video.keyframes[max(0, bisect_right(video.keyframes, ends[start]) - 1)]
    begins = _to_s(ends[start] - ends[0], base)
    return Segment(
        index=index,
        name=f"seg-{index:04d}.nut",
        start_s=begins,
        duration_s=round(_to_s(ends[stop] - ends[0], base) - begins, 6),
        frames=stop - start,
        keyframe_s=_to_s(keyframe, base),
        cut_from_s=_cut_s(start, ends, base),
        cut_to_s=_cut_s(stop, ends, base),
    )


def _cut_s(index: int, ends: Sequence[int], base: Fraction) -> float:
    """Halfway between a picture and the one before it; before the first, half a picture earlier."""
    if index == 0:
        return _to_s(ends[0] - Fraction(ends[1] - ends[0], 2), base)
    return _to_s(Fraction(ends[index - 1] + ends[index], 2), base)


def _to_s(units: int | Fraction, base: Fraction) -> float:
    return round(float(units * base), 6)
