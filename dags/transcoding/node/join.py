"""Step `join`: the encoded segments of one rendition and the sound become one MP4, nothing encoded again."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .errors import ExitCode, StepError
from .ffmpeg import Ffmpeg, failure
from .packets import scan
from .probe import require
from .progress import say
from .records import Plan

__all__ = ["h264_parameters", "join"]


def join(
    ffmpeg: Ffmpeg, plan: Plan, rendition_name: str, *, encoded: Path, audio: Path, folder: Path
) -> Path:
    """Writes `<rendition>.mp4`, its index in front (faststart).

    Args:
        ffmpeg: the executable.
        plan: the plan.
        rendition_name: which rendition.
        encoded: folder with `<rendition>/seg-0000.mp4` and so on.
        audio: the encoded sound; not looked at if the plan has no audio.
        folder: gets the result.

    Raises:
        StepError: a segment or the sound is missing (exit code 66), or the pictures do not add up (70).
    """
    rendition = plan.rendition(rendition_name)
    parts = [
        require(encoded / rendition.name / f"seg-{segment.index:04d}.mp4", "encoded segment")
        for segment in plan.segments
    ]
    _require_same_parameters(parts)
    sound = (
        ["-i", str(require(audio, "encoded audio")), "-map", "0:v:0", "-map", "1:a:0"] if plan.audio else []
    )
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{rendition.name}.mp4"
    with tempfile.TemporaryDirectory() as scratch:
        listing = Path(scratch, "segments.ffconcat")
        # The plan's lengths, not the containers': what those round would add up.
        entries = [
            f"file '{_quoted(part)}'\nduration {segment.duration_s:.6f}\n"
            for part, segment in zip(parts, plan.segments)  # noqa: B905
        ]
        listing.write_text("ffconcat version 1.0\n" + "".join(entries), encoding="utf-8")
        finished = ffmpeg.run(
            [
                *("-f", "concat", "-safe", "0", "-i", str(listing), *sound),
                *("-c", "copy", "-movflags", "+faststart", str(target)),
            ]
        )
    if finished.returncode != 0:
        raise failure(finished, f"join {rendition.name}")
    _require_all_pictures(ffmpeg, target, plan)
    size = target.stat().st_size
    say(f"join {rendition.name}: {len(parts)} segments, {plan.source.frames} pictures, {size} bytes")
    return target


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("'", "'\\''")


def _require_same_parameters(parts: list[Path]) -> None:
    """An MP4 holds the parameter sets of the first segment only; all others must have the same."""
    first = h264_parameters(parts[0].read_bytes())
    for part in parts[1:]:
        if h264_parameters(part.read_bytes()) != first:
            raise StepError(
                ExitCode.SOFTWARE,
                f"{part} was encoded with other settings than {parts[0]}.",
                "The tasks of one rendition had different options or different versions of the package.",
                "Encode all segments of this rendition again with the same package and options.",
            )


def h264_parameters(data: bytes) -> bytes:
    """The contents of the box `avcC` (ISO/IEC 14496-15): profile, level, parameter sets; empty if none."""
    at = data.find(b"avcC")
    return data[at + 4 : at - 4 + int.from_bytes(data[at - 4 : at], "big")] if at >= 4 else b""


def _require_all_pictures(ffmpeg: Ffmpeg, target: Path, plan: Plan) -> None:
    video = scan(ffmpeg, target).first("video")
    present = len(video.pts) if video is not None else 0
    if present != plan.source.frames:
        raise StepError(
            ExitCode.SOFTWARE,
            f"{target.name} has {present} pictures, but the source has {plan.source.frames}.",
            "An encoded segment is from another run, or was cut off on its way.",
            "Run the encode tasks of this rendition again.",
        )
