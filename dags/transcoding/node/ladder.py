"""The ladder: which renditions a video gets. The DAG and the nodes share these rules.

A rung is a box. The upright picture is fitted into it with its aspect ratio kept; a portrait picture meets
the box turned on its side, so that `1080p` is 1080x1920 for a phone video. A rung into which the picture
could only be fitted by enlarging it is left out.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

__all__ = [
    "DEFAULT_LADDER",
    "LadderError",
    "Rendition",
    "Rung",
    "fit",
    "ladder_argument",
    "parse_ladder",
    "parse_ladder_argument",
]

DEFAULT_LADDER: list[dict[str, Any]] = [
    {"name": "1080p", "width": 1920, "height": 1080, "video_kbps": 5000},
    {"name": "720p", "width": 1280, "height": 720, "video_kbps": 2800},
    {"name": "480p", "width": 854, "height": 480, "video_kbps": 1400},
    {"name": "360p", "width": 640, "height": 360, "video_kbps": 800},
]
"""The default of the DAG's param: plain data, so that Airflow can show and store it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,19}\Z")
_ARGUMENT = re.compile(r"(?P<name>[^:,]+):(?P<width>\d+)x(?P<height>\d+):(?P<video_kbps>\d+)\Z")
_LIMITS = {"width": (16, 7680), "height": (16, 7680), "video_kbps": (50, 200_000)}
_MOST_RUNGS = 12


class LadderError(ValueError):
    """The ladder cannot be used. The text says which rung, why, and how a rung should look."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The ladder cannot be used: {problem}. Likely cause: a slip in the param `ladder`. Next step:"
            ' give a list of rungs like {"name": "720p", "width": 1280, "height": 720, "video_kbps": 2800}.'
        )


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Args:
        name: names files and playlists: lower-case letters, digits and hyphens.
        width: greatest width of a landscape picture, in pixels, even.
        height: greatest height of a landscape picture, in pixels, even.
        video_kbps: ceiling of the video's bit rate, in kbit/s.
    """

    name: str
    width: int
    height: int
    video_kbps: int


@dataclass(frozen=True)
class Rendition:
    """A rung fitted to one source: the size in pixels is the encoded one."""

    name: str
    width: int
    height: int
    video_kbps: int


def parse_ladder(value: object) -> list[Rung]:
    """Checks a ladder as it comes from a DAG param and sorts it from large to small.

    Args:
        value: a list of dictionaries with the fields of `Rung`.

    Raises:
        LadderError: the list is empty or too long, a field is missing, unknown or out of range, or a name or
            a size is there twice.
    """
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= _MOST_RUNGS:
        raise LadderError(f"it must be a list of 1 to {_MOST_RUNGS} rungs")
    rungs = [_parse_rung(number, item) for number, item in enumerate(value, start=1)]
    for what, seen in (("name", [r.name for r in rungs]), ("size", [(r.width, r.height) for r in rungs])):
        if len(set(seen)) < len(seen):
            raise LadderError(f"two rungs have the same {what}")
    return sorted(rungs, key=lambda rung: (rung.width * rung.height, rung.video_kbps), reverse=True)


def _parse_rung(number: int, item: object) -> Rung:
    fields = ("name", "width", "height", "video_kbps")
    if not isinstance(item, dict) or set(item) != set(fields):
        raise LadderError(f"rung {number} must have the fields {', '.join(fields)} and no others")
    name = item["name"]
    if not isinstance(name, str) or not _NAME.match(name):
        raise LadderError(
            f"the name of rung {number} must be 1 to 20 lower-case letters, digits or hyphens, not {name!r}"
        )
    for field, (low, high) in _LIMITS.items():
        number_given = item[field]
        if isinstance(number_given, bool) or not isinstance(number_given, int):
            raise LadderError(f"{field} of rung {name} must be a whole number, not {number_given!r}")
        if not low <= number_given <= high:
            raise LadderError(f"{field} of rung {name} must lie in {low}..{high}, not {number_given}")
        if field != "video_kbps" and number_given % 2:
            raise LadderError(f"{field} of rung {name} must be even (4:2:0 video), not {number_given}")
    return Rung(name, item["width"], item["height"], item["video_kbps"])


def ladder_argument(ladder: object) -> str:
    """The ladder as one word for a command line, e.g. `720p:1280x720:2800,480p:854x480:1400`.

    Raises:
        LadderError: see `parse_ladder`.
    """
    return ",".join(
        "{name}:{width}x{height}:{video_kbps}".format(**asdict(rung)) for rung in parse_ladder(ladder)
    )


def parse_ladder_argument(text: str) -> list[Rung]:
    """Reads what `ladder_argument` wrote.

    Raises:
        LadderError: a rung is not written as `name:WIDTHxHEIGHT:KBPS`, or see `parse_ladder`.
    """
    ladder = []
    for word in text.split(","):
        match = _ARGUMENT.match(word)
        if match is None:
            raise LadderError(f"{word!r} is not written as name:WIDTHxHEIGHT:KBPS")
        ladder.append({k: v if k == "name" else int(v) for k, v in match.groupdict().items()})
    return parse_ladder(ladder)


def fit(rungs: list[Rung], width: int, height: int) -> list[Rendition]:
    """The renditions of a source, from large to small, none larger than the source.

    A source below the lowest rung gets one rendition at its own size, named after its shorter side.

    Args:
        rungs: as `parse_ladder` gives them.
        width: width of the upright picture with square pixels.
        height: its height.
    """
    fitted: list[Rendition] = []
    for rung in rungs:
        box = (rung.width, rung.height) if width >= height else (rung.height, rung.width)
        scale = min(box[0] / width, box[1] / height)
        if scale > 1:
            continue
        size = (_even(width * scale, width), _even(height * scale, height))
        if size not in [(r.width, r.height) for r in fitted]:
            fitted.append(Rendition(rung.name, size[0], size[1], rung.video_kbps))
    if fitted:
        return fitted
    size = (_even(width, width), _even(height, height))
    return [Rendition(f"{min(size)}p", size[0], size[1], rungs[-1].video_kbps)]


def _even(length: float, most: int) -> int:
    """The nearest even length that does not exceed `most`; never below 2."""
    return max(2, min(2 * round(length / 2), most - most % 2))
