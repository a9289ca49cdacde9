"""One video as one Batch job: probe, split, encode every segment in every rendition, join, package.

How many segments there are is known only after the probe, so the graph has two parts: what can be said
before, and what is added to the running job once `probe` has told its plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from airflow_batch_provider.spec import BlobRef, JobGraph, Task, blob
from transcoding.node.ladder import ladder_argument
from transcoding.package import APPLICATION_ID, command_line, environment_variable

__all__ = ["OUTGOING", "output_folder", "transcode_graph"]

OUTGOING = "outgoing"
SEGMENT_SECONDS = 2


def output_folder(name: str) -> BlobRef:
    """Where the outputs of a video go: `outgoing/<its name>/`. With the suffix: `a.mov` is not `a.mp4`."""
    return blob(f"{OUTGOING}/{name}/")


def transcode_graph(
    url: str,
    name: str,
    *,
    ladder: Sequence[dict[str, Any]],
    ffmpeg_version: str,
    encoder_options: Sequence[str] = (),
) -> JobGraph:
    """The job of one video.

    Args:
        url: of the video's blob.
        name: of the blob in its container; names the outputs.
        ladder: the renditions, see `transcoding.node.ladder`.
        ffmpeg_version: version of the application package `ffmpeg`.
        encoder_options: further ffmpeg options for the encoder, such as `-tune film`.
    """
    graph = JobGraph()
    run = partial(command_line, environment_variable(ffmpeg_version))
    package = (f"{APPLICATION_ID}=={ffmpeg_version}",)
    source = {"source.mp4": blob(url)}

    probe = graph.task(
        "probe",
        run("probe", "--ladder", ladder_argument(ladder), "--segment-seconds", str(SEGMENT_SECONDS)),
        inputs=source,
        outputs=["probe.json", "plan.json"],
        result="plan.json",
        packages=package,
    )
    told = {"plan.json": probe.output("plan.json")}
    split = graph.task(
        "split",
        run("split"),
        inputs={**source, **told},
        outputs=["segments/*"],
        packages=package,
        max_retries=1,
    )
    thumbnails = graph.task(
        "thumbnails", run("thumbnails"), inputs={**source, **told}, outputs=["thumbnails/*"], packages=package
    )

    def encode_and_join(plan: dict[str, Any]) -> JobGraph:
        more = graph.more()
        sound = {}
        if plan["audio"]:
            audio = more.task(
                "audio", run("audio"), inputs={**source, **told}, outputs=["audio.m4a"], packages=package
            )
            sound = {"audio.m4a": audio.output("audio.m4a")}
        renditions: dict[str, Any] = {}
        for rendition in (rung["name"] for rung in plan["renditions"]):
            encoded = more.fan_out(
                f"encode-{rendition}", plan["segments"], partial(encode, rendition), key=segment_key
            )
            file = f"renditions/{rendition}.mp4"
            joined = more.task(
                f"join-{rendition}",
                run("join", "--rendition", rendition),
                inputs={**collected(encoded, rendition, plan), **told, **sound},
                outputs={file: output_folder(name) / file},
                packages=package,
            )
            renditions[file] = joined.output(file)
        pictures = {f"thumbnails/{n}": thumbnails.output(f"thumbnails/{n}") for n in THUMBNAILS}
        more.task(
            "package",
            run("package", "--source-name", name),
            inputs=renditions | pictures | told,
            outputs={pattern: output_folder(name) / to for pattern, to in PUBLISHED.items()},
            packages=package,
        )
        return more

    def encode(rendition: str, segment: dict[str, Any]) -> dict[str, Any]:
        options = [f"--ffmpeg-option={option}" for option in encoder_options]
        file = f"segments/{segment['name']}"
        return {
            "command": run("encode", "--rendition", rendition, "--segment", str(segment["index"]), *options),
            "inputs": {file: split.output(file), **told},
            "outputs": [encoded_file(rendition, segment)],
            "packages": package,
        }

    graph.expand(after=probe, build=encode_and_join)
    return graph


THUMBNAILS = ("sheet.jpg", "thumbnails.vtt")
#: What `package` leaves in its working directory, and where below the video's folder it goes.
PUBLISHED = {
    "hls/master.m3u8": "hls/master.m3u8",
    "hls/*/*": "hls/",
    "thumbnails/*": "thumbnails/",
    "manifest.json": "manifest.json",
}


def segment_key(segment: dict[str, Any]) -> str:
    return f"{segment['index']:04d}"


def encoded_file(rendition: str, segment: dict[str, Any]) -> str:
    return f"encoded/{rendition}/seg-{segment['index']:04d}.mp4"


def collected(encoded: Sequence[Task], rendition: str, plan: dict[str, Any]) -> dict[str, Any]:
    """What the join takes from each encode task."""
    files = [encoded_file(rendition, segment) for segment in plan["segments"]]
    return {file: task.output(file) for task, file in zip(encoded, files, strict=True)}
