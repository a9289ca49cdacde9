"""Step `package`: HLS with a master playlist, and the manifest of all that was made.

Segments are fragmented MP4 (CMAF), not MPEG transport streams: they keep the exact timestamps of the MP4,
cost less overhead at low bit rates, could serve DASH too, and every player since 2016 takes them.
"""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

from .errors import ExitCode, StepError
from .ffmpeg import Ffmpeg, failure
from .join import h264_parameters
from .ladder import Rendition
from .packets import scan
from .playlist import Variant, average_bandwidth, codecs_of, master_playlist, media_segments, peak_bandwidth
from .probe import require
from .progress import say
from .records import Plan, write_json

__all__ = ["package"]


def package(
    ffmpeg: Ffmpeg, plan: Plan, *, renditions: Path, thumbnails: Path, root: Path, source_name: str
) -> None:
    """Writes `hls/` and `manifest.json` into `root`.

    Args:
        ffmpeg: the executable.
        plan: the plan.
        renditions: folder of the joined renditions.
        thumbnails: folder of the thumbnails; listed in the manifest if it is there.
        root: gets the result; the manifest's paths are relative to it.
        source_name: how the manifest calls the source, e.g. its blob name.

    Raises:
        StepError: a rendition is missing (exit code 66), or its playlist does not cover it (70).
    """
    variants: list[Variant] = []
    entries: list[dict[str, Any]] = []
    for rendition in plan.renditions:
        mp4 = require(renditions / f"{rendition.name}.mp4", "rendition")
        variant = _segment(ffmpeg, plan, rendition, mp4, root / "hls" / rendition.name)
        variants.append(variant)
        entries.append(_entry(ffmpeg, plan, rendition, variant, mp4))
        say(f"package {rendition.name}: peak {variant.bandwidth // 1000} kbit/s, {variant.codecs}")
    master = root / "hls" / "master.m3u8"
    master.write_text(master_playlist(variants), encoding="utf-8")
    files = [
        *_listed(root / "hls", "hls"),
        *_listed(renditions, "renditions"),
        *_listed(thumbnails, "thumbnails"),
    ]
    head = {"source": {"name": source_name, **asdict(plan.source)}, "segments": len(plan.segments)}
    write_json(root / "manifest.json", {**head, **_manifest(ffmpeg, entries, files)})
    say(f"package: {len(variants)} variants in {master.name}")


def _segment(ffmpeg: Ffmpeg, plan: Plan, rendition: Rendition, mp4: Path, folder: Path) -> Variant:
    folder.mkdir(parents=True, exist_ok=True)
    playlist = folder / "index.m3u8"
    finished = ffmpeg.run(
        [
            *("-i", str(mp4), "-map", "0", "-c", "copy", "-f", "hls", "-hls_playlist_type", "vod"),
            *("-hls_time", f"{plan.keyframe_interval_s:g}", "-hls_flags", "independent_segments"),
            *("-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"),
            *("-hls_segment_filename", str(folder / "%05d.m4s"), str(playlist)),
        ]
    )
    if finished.returncode != 0:
        raise failure(finished, f"package {rendition.name}")
    segments = media_segments(playlist.read_text(encoding="utf-8"))
    covered = sum(segment.duration_s for segment in segments)
    if abs(covered - plan.source.duration_s) > 2 / Fraction(plan.source.frame_rate):
        raise StepError(
            ExitCode.SOFTWARE,
            f"The playlist of {rendition.name} covers {covered:.3f} s of {plan.source.duration_s:.3f} s.",
            "The rendition is from another run than the plan.",
            "Run the join of this rendition again.",
            finished.tail,
        )
    sizes = [(folder / segment.uri).stat().st_size for segment in segments]
    return Variant(
        uri=f"{rendition.name}/index.m3u8",
        bandwidth=peak_bandwidth(segments, sizes),
        average_bandwidth=average_bandwidth(segments, sizes),
        width=rendition.width,
        height=rendition.height,
        codecs=codecs_of(h264_parameters((folder / "init.mp4").read_bytes()), plan.audio),
        frame_rate=Fraction(plan.source.frame_rate),
    )


def _entry(ffmpeg: Ffmpeg, plan: Plan, rendition: Rendition, variant: Variant, mp4: Path) -> dict[str, Any]:
    """What the manifest says of a rendition, measured in the file and not taken from the plan."""
    found = scan(ffmpeg, mp4)
    video, audio = found.first("video"), found.first("audio")
    if video is None:
        raise failure(found.finished, f"reading {mp4.name}")
    width, height = (int(length) for length in video.header["dimensions"].split("x"))
    return {
        "name": rendition.name,
        "file": f"renditions/{mp4.name}",
        "playlist": f"hls/{variant.uri}",
        "width": width,
        "height": height,
        "duration_s": round(video.end_s - video.start_s, 6),
        "frames": len(video.pts),
        "frame_rate": plan.source.frame_rate,
        "video_codec": video.header["codec_id"],
        "audio_codec": audio.header["codec_id"] if audio else None,
        "codecs": variant.codecs,
        "bandwidth": variant.bandwidth,
        "average_bandwidth": variant.average_bandwidth,
        "bytes": mp4.stat().st_size,
    }


def _manifest(ffmpeg: Ffmpeg, entries: list[dict[str, Any]], files: list[dict[str, Any]]) -> dict[str, Any]:
    sheet = "thumbnails/sheet.jpg"
    return {
        "renditions": entries,
        "master_playlist": "hls/master.m3u8",
        "thumbnails": sheet if any(file["path"] == sheet for file in files) else None,
        "files": files,
        "tools": {"ffmpeg": ffmpeg.version(), "python": platform.python_version()},
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _listed(folder: Path, label: str) -> list[dict[str, Any]]:
    """Files below a folder with their bytes, by paths as they stand in the output container."""
    return [
        {"path": f"{label}/{path.relative_to(folder).as_posix()}", "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
