"""Step `probe`: what the source is, and whether it is whole.

ffprobe is not at hand, so ffmpeg itself is asked. What is checked, from cheap to dear:
- every packet of the file is read (not decoded): a file cut off before its index does not open at all, one
  cut off after it ends earlier than its header says;
- the first and the last three seconds are decoded, picture and sound, and any error there counts. The end is
  left out for MPEG transport and program streams: they have no index, a seek may land between keyframes.
Damage in the middle of a long file is found by the step that encodes it: it counts its pictures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from .errors import ExitCode, StepError
from .ffmpeg import Ffmpeg, damaged, failure
from .packets import Scan, Stream, scan
from .progress import say
from .records import Audio, Source

__all__ = ["probe", "require"]

_CHECKED_S = 3.0
_CUT_OFF_S = 0.5
_COMMON_RATES = [Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 100, 120)] + [
    Fraction(rate * 1000, 1001) for rate in (24, 30, 60, 120)
]
_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_CONTAINER = re.compile(r"Input #0, (.+?), from ")
_ROTATION = re.compile(r"display ?matrix: rotation of (-?\d+(?:\.\d+)?) degrees", re.IGNORECASE)
_INTERLACED = re.compile(r"Video: .*\((?:[a-z0-9/]+, )*(?:top|bottom) (?:first|coded first)")


def require(path: Path, role: str) -> Path:
    """The path again, if there is a file.

    Raises:
        StepError: there is none (exit code 66).
    """
    if path.is_file():
        return path
    raise StepError(
        ExitCode.NO_INPUT,
        f"The {role} {path} is not there.",
        "The task that makes it did not upload it, or this task's resource files name another path.",
        "Compare this task's resource files with the output files of the task that makes it.",
    )


def probe(ffmpeg: Ffmpeg, path: Path) -> tuple[Source, Stream]:
    """Reads and checks the source.

    Returns:
        what it is, and the table of its pictures.

    Raises:
        StepError: it is missing (exit code 66), or no video, damaged or cut off (65).
    """
    require(path, "source")
    if path.stat().st_size == 0:
        raise damaged(f"The source {path.name} is empty: 0 bytes.")
    found = scan(ffmpeg, path)
    video = _video_of(found, path.name)
    container = _search(_CONTAINER, found.finished.head) or "unknown"
    _check_length(found, path.name)
    source = _describe(found, video, path.stat().st_size, container)
    _check_decoding(ffmpeg, path, source)
    size = f"{source.width}x{source.height}"
    say(
        f"probe {path.name}: {source.duration_s:.2f} s, {size}, {source.frames} pictures"
        f" at {float(Fraction(source.frame_rate)):.3f}/s, {source.keyframes} keyframes, {source.video_codec}"
        + (f" + {source.audio.codec} {source.audio.channel_layout}" if source.audio else ", no audio")
    )
    return source, video


def _video_of(found: Scan, name: str) -> Stream:
    finished = found.finished
    if finished.returncode != 0:
        error = failure(finished, f"reading {name}")
        raise (
            error
            if error.code == ExitCode.IO or finished.returncode < 0
            else damaged(f"{name} cannot be read as a video.", finished.tail)
        )
    video = found.first("video")
    if video is not None and video.keyframes and not video.untimed:
        return video
    if not any(stream.media_type == "video" for stream in found.streams):
        raise StepError(
            ExitCode.DATA,
            f"{name} has no video stream.",
            "It holds sound only, or pictures in a form that this ffmpeg does not know.",
            "Upload videos only, or filter blobs by their names before they start the DAG.",
            finished.tail,
        )
    raise StepError(
        ExitCode.DATA,
        f"The video in {name} has no usable timestamps or keyframes.",
        "It is a bare video stream without a container, or a recording that begins in its middle.",
        "Put it into MP4 or Matroska first, e.g. `ffmpeg -framerate 25 -i in.h264 -c copy out.mp4`.",
        finished.tail,
    )


def _check_length(found: Scan, name: str) -> None:
    match = next((m for m in map(_DURATION.search, found.finished.head) if m), None)
    if match is None:  # live recordings say nothing of their length
        return
    promised = int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
    present = max(s.end_s for s in found.streams if s.pts) - min(s.start_s for s in found.streams if s.pts)
    if present < promised - max(_CUT_OFF_S, promised / 100):
        raise damaged(
            f"{name} is cut off: its header promises {promised:.2f} s, its data end after {present:.2f} s.",
            found.finished.tail,
        )


def _check_decoding(ffmpeg: Ffmpeg, path: Path, source: Source) -> None:
    whole = source.duration_s <= 2 * _CHECKED_S
    checks = [("all of it", [])] if whole else [("its first seconds", ["-t", str(_CHECKED_S)])]
    if not whole and not source.container.startswith("mpeg"):
        checks.append(("its last seconds", ["-sseof", f"-{_CHECKED_S}"]))
    for where, options in checks:
        finished = ffmpeg.run(
            ["-xerror", *options, "-i", str(path), "-map", "0:V:0", "-map", "0:a:0?", "-f", "null", "-"],
            log_level="error",
        )
        if finished.returncode != 0:
            raise damaged(f"{path.name} is damaged: decoding {where} fails.", finished.tail)


def _describe(found: Scan, video: Stream, size: int, container: str) -> Source:
    head = found.finished.head
    rotation = -round(float(_search(_ROTATION, head) or 0) / 90) * 90 % 360
    width, height = (int(length) for length in video.header["dimensions"].split("x"))
    aspect = Fraction(video.header.get("sar", "1/1").replace("0/1", "1/1"))
    width = round(width * aspect)
    if rotation in (90, 270):
        width, height = height, width
    rate, variable = _frame_rate(video)
    if found.finished.errors:
        say(f"warning: ffmpeg complained {found.finished.errors} times, lastly: {found.finished.tail[-1]}")
    return Source(
        bytes=size,
        container=container,
        duration_s=_seconds((video.end - video.pts[0]) * video.time_base),
        start_s=_seconds(video.pts[0] * video.time_base),
        width=width,
        height=height,
        rotation=rotation,
        video_codec=video.header["codec_id"],
        frames=len(video.pts),
        frame_rate=f"{rate.numerator}/{rate.denominator}",
        variable_frame_rate=variable,
        interlaced=any(_INTERLACED.search(line) for line in head),
        keyframes=len(video.keyframes),
        audio=_audio_of(found.first("audio")),
        warnings=found.finished.errors,
    )


def _audio_of(stream: Stream | None) -> Audio | None:
    if stream is None:
        return None
    return Audio(
        codec=stream.header["codec_id"],
        sample_rate=int(stream.header["sample_rate"]),
        channel_layout=stream.header.get("channel_layout_name", "unknown"),
        start_s=_seconds(stream.pts[0] * stream.time_base),
        duration_s=_seconds((stream.end - stream.pts[0]) * stream.time_base),
    )


def _frame_rate(video: Stream) -> tuple[Fraction, bool]:
    """The rate in pictures per second, and whether it varies by more than a container's rounding (1 ms)."""
    if len(video.pts) < 2:
        return Fraction(1, max(1, video.end - video.pts[0])) / video.time_base, False
    gaps: list[int] = [later - sooner for sooner, later in zip(video.pts, video.pts[1:])]  # noqa: B905
    mean = Fraction(len(gaps), sum(gaps) or 1) / video.time_base
    variable = float((max(gaps) - min(gaps)) * video.time_base) > 0.0021
    for rate in _COMMON_RATES:
        if abs(rate - mean) < rate / 2000:
            return rate, variable
    return mean.limit_denominator(1001), variable


def _seconds(exact: Fraction) -> float:
    return round(float(exact), 6)


def _search(pattern: re.Pattern[str], lines: Sequence[str]) -> str | None:
    return next((match[1] for match in map(pattern.search, lines) if match), None)
