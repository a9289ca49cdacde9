"""Steps `encode` (one segment in one rendition) and `audio` (all the sound, once)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from .errors import ExitCode, StepError
from .ffmpeg import Ffmpeg, Finished, damaged, failure
from .probe import require
from .progress import PROGRESS_OPTIONS, Progress, say
from .records import Plan, Source

__all__ = ["Encoding", "encode_audio", "encode_segment", "upright_filters"]

_TURN = {0: (), 90: ("transpose=clock",), 180: ("hflip", "vflip"), 270: ("transpose=cclock",)}


@dataclass(frozen=True)
class Encoding:
    """How to encode, the same for every segment.

    Args:
        preset: of x264: faster ones make larger files.
        crf: constant quality of x264, 0 to 51; a rendition's bit rate is its ceiling.
        threads: of decoder, filters and encoder; one, so that tasks on a node do not trample each other.
        user_options: more options for ffmpeg's output, each as the user wrote it.
    """

    preset: str = "veryfast"
    crf: int = 23
    threads: int = 1
    user_options: tuple[str, ...] = ()

    def user_arguments(self) -> list[str]:
        """The user's options as arguments.

        Raises:
            StepError: a quotation mark is not closed (exit code 64).
        """
        try:
            return [word for option in self.user_options for word in shlex.split(option)]
        except ValueError as error:
            raise StepError(
                ExitCode.USAGE,
                f"The options {' '.join(self.user_options)} cannot be read: {error}.",
                "A quotation mark is not closed.",
                "Mend --ffmpeg-option.",
            ) from error


def upright_filters(source: Source) -> tuple[str, ...]:
    """Filters that turn stored pictures upright; `-noautorotate` must go with them.

    Segments carry no rotation, and thumbnails are cut from the source, which does: both are turned here.
    """
    return _TURN[source.rotation]


def encode_segment(
    ffmpeg: Ffmpeg, plan: Plan, how: Encoding, *, rendition: str, index: int, segments: Path, folder: Path
) -> Path:
    """Encodes one segment in one rendition: H.264 High, closed GOPs, keyframes at the plan's interval.

    Args:
        ffmpeg: the executable.
        plan: the plan.
        how: preset, quality and further options.
        rendition: which rendition.
        index: which segment, from 0.
        segments: folder of the cut segments.
        folder: gets `<rendition>/seg-0000.mp4`.

    Raises:
        StepError: an option is wrong (exit code 64), the segment is missing (66) or damaged (65), or ffmpeg
            failed.
    """
    wanted, segment = plan.rendition(rendition), plan.segment(index)
    source = require(segments / segment.name, "segment")
    target = folder / wanted.name / f"seg-{index:04d}.mp4"
    target.parent.mkdir(parents=True, exist_ok=True)
    label = f"encode {wanted.name} segment {index + 1}/{len(plan.segments)}"
    filters = [
        f"trim=start={segment.cut_from_s:.6f}:end={segment.cut_to_s:.6f}",
        "setpts=PTS-STARTPTS",
        *(["bwdif=mode=send_frame:deint=interlaced"] if plan.source.interlaced else []),
        *upright_filters(plan.source),
        f"scale={wanted.width}:{wanted.height}:flags=bicubic",
        "setsar=1",
        "format=yuv420p",
    ]
    threads = str(how.threads)
    command = [
        *PROGRESS_OPTIONS,
        *("-noautorotate", "-threads", threads, "-copyts", "-i", str(source), "-map", "0:V:0"),
        *("-filter_threads", threads, "-vf", ",".join(filters)),
        *("-fps_mode", "passthrough", "-enc_time_base", "demux"),
        *_x264(plan, wanted.video_kbps, how),
        *("-threads", threads),
    ]
    progress = Progress(label, segment.duration_s)
    finished = ffmpeg.run([*command, *how.user_arguments(), str(target)], on_output=progress)
    if finished.returncode == 0 and progress.frames == segment.frames:
        for line in finished.tail:
            say(f"warning: {line}")
        progress.done()
        return target
    target.unlink(missing_ok=True)  # half a segment must not be uploaded
    if how.user_options and finished.returncode >= 0:
        _require_blameless_options(ffmpeg, command, how, label, segment.frames, finished)
    if finished.returncode != 0:
        raise failure(finished, label)
    raise damaged(f"{label}: {progress.frames} of {segment.frames} pictures could be decoded.", finished.tail)


def _require_blameless_options(
    ffmpeg: Ffmpeg, command: Sequence[str], how: Encoding, label: str, frames: int, failed: Finished
) -> None:
    """Runs once more without the user's options: if that works, they are to blame, whatever ffmpeg said."""
    say(f"{label}: failed; once more without {' '.join(how.user_options)} to see whether that is the reason")
    progress = Progress(label, 1, write=lambda _: None)
    again = ffmpeg.run([*command, "-f", "null", "-"], on_output=progress)
    if again.returncode == 0 and progress.frames == frames:
        raise StepError(
            ExitCode.USAGE,
            f"{label}: ffmpeg fails with the options {' '.join(how.user_options)}, and works without them.",
            "An option is misspelt, misses its value, is not for this encoder, or drops or adds pictures.",
            "Read ffmpeg's own words below, mend the option and run again.",
            failed.tail,
        )


def _x264(plan: Plan, kbps: int, how: Encoding) -> Sequence[str]:
    interval = plan.keyframe_interval_s
    most = max(1, round(interval * Fraction(plan.source.frame_rate) * 2))
    return (
        *("-c:v", "libx264", "-profile:v", "high", "-preset", how.preset, "-crf", str(how.crf)),
        *("-maxrate", f"{kbps}k", "-bufsize", f"{2 * kbps}k"),
        # Keyframes by the clock, never by the picture: players can switch renditions at each of them.
        *("-sc_threshold", "0", "-flags", "+cgop", "-g", str(most)),
        *("-force_key_frames", f"expr:gte(t,n_forced*{interval:g})"),
    )


def encode_audio(ffmpeg: Ffmpeg, plan: Plan, source: Path, target: Path, kbps: int) -> Path:
    """Encodes the sound once for all renditions: AAC-LC, stereo, 48 kHz, in step with the first picture.

    Sound before the first picture is cut off, a late start is filled with silence, and so are gaps.

    Raises:
        StepError: the source is missing (exit code 66), the plan has no audio (64), or ffmpeg failed.
    """
    require(source, "source")
    if plan.source.audio is None:
        raise StepError(
            ExitCode.USAGE,
            "There is no audio to encode.",
            'The source has no audio stream; plan.json says "audio": false.',
            "Leave the audio task out when the plan says so.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress("audio", plan.source.audio.duration_s)
    finished = ffmpeg.run(
        [
            *PROGRESS_OPTIONS,
            *("-copyts", "-i", str(source), "-map", "0:a:0"),
            *("-af", f"asetpts=PTS-({plan.source.start_s:.6f}/TB),aresample=48000:async=1:first_pts=0"),
            *("-c:a", "aac", "-b:a", f"{kbps}k", "-ac", "2", "-ar", "48000", str(target)),
        ],
        on_output=progress,
    )
    if finished.returncode != 0:
        raise failure(finished, "audio")
    progress.done()
    return target
