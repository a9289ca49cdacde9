"""What the steps tell each other: the source, its segments, its renditions. Stored as `plan.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .errors import ExitCode, StepError
from .ladder import Rendition

__all__ = ["Audio", "Plan", "Segment", "Source", "parse_plan", "read_plan", "write_json"]


@dataclass(frozen=True)
class Audio:
    """The first audio stream of the source.

    Args:
        codec: ffmpeg's name, e.g. `aac`.
        sample_rate: in Hz.
        channel_layout: ffmpeg's name, e.g. `stereo` or `5.1`.
        start_s: time of the first sample on the source's clock, in seconds.
        duration_s: in seconds.
    """

    codec: str
    sample_rate: int
    channel_layout: str
    start_s: float
    duration_s: float


@dataclass(frozen=True)
class Source:
    """What the probe found.

    Args:
        bytes: size of the file.
        container: ffmpeg's name of the format, e.g. `mov,mp4,m4a,3gp,3g2,mj2`.
        duration_s: of the video stream, in seconds.
        start_s: time of the first picture on the file's own clock, in seconds.
        width: of the upright picture with square pixels.
        height: of the upright picture with square pixels.
        rotation: degrees clockwise by which the stored picture must be turned: 0, 90, 180 or 270.
        video_codec: ffmpeg's name, e.g. `h264`.
        frames: pictures in the video stream.
        frame_rate: as a fraction, e.g. `30000/1001`; the mean one where the rate varies.
        variable_frame_rate: whether pictures come at uneven times.
        interlaced: whether pictures consist of two fields.
        keyframes: how many pictures are keyframes.
        audio: None if the file has no audio.
        warnings: complaints of ffmpeg while it read the whole file.
    """

    bytes: int
    container: str
    duration_s: float
    start_s: float
    width: int
    height: int
    rotation: int
    video_codec: str
    frames: int
    frame_rate: str
    variable_frame_rate: bool
    interlaced: bool
    keyframes: int
    audio: Audio | None
    warnings: int = 0


@dataclass(frozen=True)
class Segment:
    """A stretch of pictures that one task encodes.

    Args:
        index: from 0.
        name: file name of the segment as cut from the source.
        start_s: seconds from the first picture of the source.
        duration_s: in seconds.
        frames: how many pictures belong to the segment.
        keyframe_s: keyframe from which decoding must begin, on the source's clock in seconds.
        cut_from_s: pictures from here on belong to the segment, on the source's clock in seconds.
        cut_to_s: pictures from here on belong to the next one. Cuts lie halfway between two pictures, so no
            rounding of a container's timestamps can move a picture over a cut.
    """

    index: int
    name: str
    start_s: float
    duration_s: float
    frames: int
    keyframe_s: float
    cut_from_s: float
    cut_to_s: float


@dataclass(frozen=True)
class Plan:
    """How one source is transcoded: segments x renditions are the encode tasks.

    Args:
        source: what the probe found.
        keyframe_interval_s: distance of keyframes in every rendition, and target length of an HLS segment.
        audio: whether there is audio to be encoded.
        segments: in order of time.
        renditions: from large to small.
    """

    source: Source
    keyframe_interval_s: float
    audio: bool
    segments: tuple[Segment, ...]
    renditions: tuple[Rendition, ...]

    def rendition(self, name: str) -> Rendition:
        """The rendition of that name.

        Raises:
            StepError: the plan has none (exit code 64).
        """
        for rendition in self.renditions:
            if rendition.name == name:
                return rendition
        names = ", ".join(r.name for r in self.renditions)
        raise StepError(
            ExitCode.USAGE,
            f"The plan has no rendition {name!r}; it has: {names}.",
            "Rungs of the ladder that are larger than the source are left out of the plan.",
            "Make the tasks from the renditions in plan.json, not from the ladder.",
        )

    def segment(self, index: int) -> Segment:
        """The segment with that index.

        Raises:
            StepError: the plan has none (exit code 64).
        """
        if 0 <= index < len(self.segments):
            return self.segments[index]
        raise StepError(
            ExitCode.USAGE,
            f"The plan has no segment {index}; it has {len(self.segments)}, counted from 0.",
            "The tasks were made from another plan.",
            "Make the tasks from the segments in this run's plan.json.",
        )


def write_json(path: Path, record: Any) -> None:
    """Writes a record (or a dictionary) as indented JSON, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = record if isinstance(record, dict) else asdict(record)
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def read_plan(path: Path) -> Plan:
    """Reads `plan.json`.

    Raises:
        StepError: the file is missing (exit code 66) or is no plan (65).
    """
    try:
        return parse_plan(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise StepError(
            ExitCode.NO_INPUT,
            f"There is no plan at {path}.",
            "The task does not take the probe's plan.json as a resource file, or under another path.",
            "Check the resource files of this task.",
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise StepError(
            ExitCode.DATA,
            f"{path} is not a plan: {error!r}.",
            "The file was cut off, or was written by another version of the application package.",
            "Run the probe again with the same package as the other steps.",
        ) from error


def parse_plan(data: Any) -> Plan:
    """A plan from its JSON data.

    Raises:
        KeyError, TypeError: the data are not those of a plan.
    """
    source = dict(data["source"])
    audio = source.pop("audio")
    return Plan(
        source=Source(audio=Audio(**audio) if audio else None, **source),
        keyframe_interval_s=data["keyframe_interval_s"],
        audio=data["audio"],
        segments=tuple(Segment(**item) for item in data["segments"]),
        renditions=tuple(Rendition(**item) for item in data["renditions"]),
    )
