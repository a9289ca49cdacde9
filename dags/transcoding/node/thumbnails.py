"""Step `thumbnails`: a sheet of small pictures, and a WebVTT track that tells players which to show when."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from .encode import upright_filters
from .ffmpeg import Ffmpeg, failure
from .probe import require
from .progress import say
from .records import Plan, Source

__all__ = ["thumbnails", "webvtt"]


def thumbnails(
    ffmpeg: Ffmpeg, plan: Plan, source: Path, folder: Path, *, columns: int, rows: int, width: int
) -> None:
    """Writes `sheet.jpg` and `thumbnails.vtt`: up to columns x rows pictures at equal distances.

    Args:
        ffmpeg: the executable.
        plan: the plan.
        source: the source itself, so that this step need not wait for an encoder.
        folder: gets both files.
        columns: pictures in a row.
        rows: rows at most.
        width: of a picture in pixels.

    Raises:
        StepError: the source is missing (exit code 66), or ffmpeg failed.
    """
    require(source, "source")
    folder.mkdir(parents=True, exist_ok=True)
    video = plan.source
    count = min(columns * rows, video.frames)
    step_s = video.duration_s / count
    height = max(2, 2 * round(width * video.height / video.width / 2))
    filters = [*upright_filters(video), f"scale={width}:{height}:flags=area", "setsar=1", "format=yuv420p"]
    tile = f"tile={columns}x{-(-count // columns)}"
    # A seek decodes half a GOP on average; one pass decodes every picture. Few keyframes: one pass is less.
    take = _in_one_pass if count > 2 * video.keyframes else _by_seeking
    finished = ffmpeg.run(
        [
            *take(source, video, count, filters, tile),
            *(
                "-frames:v",
                "1",
                "-update",
                "1",
                "-strict",
                "unofficial",
                "-q:v",
                "4",
                str(folder / "sheet.jpg"),
            ),
        ],
        log_level="error",
    )
    if finished.returncode != 0:
        raise failure(finished, "thumbnails")
    (folder / "thumbnails.vtt").write_text(webvtt(count, step_s, columns, width, height), encoding="utf-8")
    say(f"thumbnails: {count} pictures of {width}x{height}")


def _times(video: Source, count: int) -> list[float]:
    """When to take pictures: in the middle of equal stretches, and never after the last picture's time."""
    step_s = video.duration_s / count
    return [
        video.start_s + (n + 0.5) * step_s - 0.6 / float(Fraction(video.frame_rate)) for n in range(count)
    ]


def _in_one_pass(source: Path, video: Source, count: int, filters: list[str], tile: str) -> list[str]:
    first, step_s = _times(video, count)[0], video.duration_s / count
    select = f"select='gte(t,{first:.6f}+selected_n*{step_s:.6f})'"
    chain = ",".join([select, *filters, tile])
    return ["-noautorotate", "-copyts", "-i", str(source), "-map", "0:V:0", "-vf", chain]


def _by_seeking(source: Path, video: Source, count: int, filters: list[str], tile: str) -> list[str]:
    inputs: list[str] = []
    for at_s in _times(video, count):
        inputs += [
            "-noautorotate",
            "-threads",
            "1",
            "-seek_timestamp",
            "1",
            "-ss",
            f"{at_s:.6f}",
            "-i",
            str(source),
        ]
    small = ",".join(["trim=end_frame=1", *filters])
    graph = [f"[{number}:V:0]{small}[p{number}]" for number in range(count)]
    names = "".join(f"[p{number}]" for number in range(count))
    graph.append(f"{names}concat=n={count},{tile}[sheet]")
    return [*inputs, "-filter_complex", ";".join(graph), "-map", "[sheet]"]


def webvtt(count: int, step_s: float, columns: int, width: int, height: int) -> str:
    """A WebVTT file whose cues point into the sheet with media fragments (`#xywh=`), as players read them."""
    cues = ["WEBVTT\n"]
    for number in range(count):
        x, y = number % columns * width, number // columns * height
        begin, end = (_timestamp(n * step_s) for n in (number, number + 1))
        cues.append(f"{begin} --> {end}\nsheet.jpg#xywh={x},{y},{width},{height}\n")
    return "\n".join(cues)


def _timestamp(seconds: float) -> str:
    whole_s, ms = divmod(round(seconds * 1000), 1000)
    return f"{whole_s // 3600:02d}:{whole_s // 60 % 60:02d}:{whole_s % 60:02d}.{ms:03d}"
