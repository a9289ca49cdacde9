"""The command line of the steps. Each sub-command is one Batch task.

Exit codes: 0 done; 64 wrong usage, ladder or ffmpeg option; 65 damaged or cut off input; 66 missing input;
69 no ffmpeg; 70 ffmpeg failed; 74 disk full.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .encode import Encoding, encode_audio, encode_segment
from .errors import ExitCode, StepError
from .ffmpeg import Ffmpeg, find_ffmpeg
from .join import join
from .ladder import DEFAULT_LADDER, LadderError, ladder_argument, parse_ladder_argument
from .package import package
from .plan import make_plan
from .probe import probe
from .records import read_plan, write_json
from .split import split
from .thumbnails import thumbnails

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    """Ends with 64 where argparse would end with 2, which could be anything's."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise StepError(
            ExitCode.USAGE,
            message + ".",
            "The command line of this task does not fit this version of the application package.",
            f"Compare it with `{self.prog} --help`.",
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one step.

    Args:
        arguments: of the command line; None takes the process's own.

    Returns:
        the exit code.
    """
    step = "transcode"
    try:
        options = _parser().parse_args(arguments)
        step = f"transcode {options.step}"
        ffmpeg = Ffmpeg(find_ffmpeg(os.environ, Path(__file__).resolve().parent.parent))
        _STEPS[options.step](ffmpeg, options)
    except StepError as error:
        sys.stdout.flush()
        sys.stderr.write(error.explain(step))
        return int(error.code)
    except OSError as error:
        sys.stderr.write(
            StepError(
                ExitCode.IO,
                f"{error}.",
                "The node's disk is full or a file is not accessible to the task's user.",
                "Look at the disk of the node and at the user identity of the task.",
            ).explain(step)
        )
        return int(ExitCode.IO)
    return 0


def _probe(ffmpeg: Ffmpeg, options: argparse.Namespace) -> None:
    try:
        rungs = parse_ladder_argument(options.ladder)
    except LadderError as error:
        raise StepError(
            ExitCode.USAGE,
            str(error),
            "The argument --ladder was written by hand.",
            "Make it with ladder_argument().",
        ) from error
    source, video = probe(ffmpeg, options.input)
    plan = make_plan(
        source,
        video,
        rungs,
        segment_s=options.segment_seconds,
        keyframe_interval_s=options.keyframe_seconds,
        max_segments=options.max_segments,
    )
    write_json(options.output, source)
    write_json(options.plan, plan)


def _split(ffmpeg: Ffmpeg, options: argparse.Namespace) -> None:
    split(ffmpeg, options.input, read_plan(options.plan), options.segments_dir)


def _encode(ffmpeg: Ffmpeg, options: argparse.Namespace) -> None:
    how = Encoding(options.preset, options.crf, options.threads, tuple(options.ffmpeg_option))
    plan = read_plan(options.plan)
    encode_segment(
        ffmpeg,
        plan,
        how,
        rendition=options.rendition,
        index=options.segment,
        segments=options.segments_dir,
        folder=options.encoded_dir,
    )


def _audio(ffmpeg: Ffmpeg, options: argparse.Namespace) -> None:
    encode_audio(ffmpeg, read_plan(options.plan), options.input, options.output, options.audio_kbps)


def _join(ffmpeg: Ffmpeg, options: argparse.Namespace) -> None:
    join(
        ffmpeg,
        read_plan(options.plan),
        options.rendition,
        encoded=options.encoded_dir,
        audio=options.audio,
        folder=options.renditions_dir,
    )


def _thumbnails(ffmpeg: Ffmpeg, options: argparse.Namespace) -> None:
    thumbnails(
        ffmpeg,
        read_plan(options.plan),
        options.input,
        options.thumbnails_dir,
        columns=options.columns,
        rows=options.rows,
        width=options.width,
    )


def _package(ffmpeg: Ffmpeg, options: argparse.Namespace) -> None:
    package(
        ffmpeg,
        read_plan(options.plan),
        renditions=options.renditions_dir,
        thumbnails=options.thumbnails_dir,
        root=options.output_dir,
        source_name=options.source_name,
    )


_STEPS = {
    "probe": _probe,
    "split": _split,
    "encode": _encode,
    "audio": _audio,
    "join": _join,
    "thumbnails": _thumbnails,
    "package": _package,
}


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="transcode", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True, parser_class=_Parser)
    known = {name: steps.add_parser(name, help=text) for name, text in _HELP.items()}
    for name, step in known.items():
        step.add_argument("--plan", type=Path, default=Path("plan.json"), help="written by probe")
        for option, default in _PATHS.items():
            if name in _USERS[option]:
                step.add_argument(option, type=Path, default=Path(default), help=f"default: {default}")
    _add_probe(known["probe"])
    _add_encode(known["encode"])
    for name in ("encode", "join"):
        known[name].add_argument("--rendition", required=True, help="a name from plan.json")
    known["audio"].add_argument("--output", type=Path, default=Path("audio.m4a"))
    known["join"].add_argument("--audio", type=Path, default=Path("audio.m4a"), help="written by audio")
    known["audio"].add_argument("--audio-kbps", type=_positive, default=128)
    known["thumbnails"].add_argument("--columns", type=_positive, default=5)
    known["thumbnails"].add_argument("--rows", type=_positive, default=4)
    known["thumbnails"].add_argument("--width", type=_even, default=192, help="of a picture, in pixels")
    known["package"].add_argument("--source-name", default="source", help="the source in the manifest")
    return parser


_HELP = {
    "probe": "read and check the source; write probe.json and plan.json",
    "split": "cut the source's video into the plan's segments, bit by bit",
    "encode": "encode one segment in one rendition",
    "audio": "encode the sound once, for all renditions",
    "join": "put the segments of a rendition and the sound together",
    "thumbnails": "a sheet of small pictures and its WebVTT track",
    "package": "HLS, master playlist and manifest.json",
}
_PATHS = {
    "--input": "source.mp4",
    "--segments-dir": "segments",
    "--encoded-dir": "encoded",
    "--renditions-dir": "renditions",
    "--thumbnails-dir": "thumbnails",
    "--output-dir": ".",
}
_USERS = {
    "--input": ("probe", "split", "audio", "thumbnails"),
    "--segments-dir": ("split", "encode"),
    "--encoded-dir": ("encode", "join"),
    "--renditions-dir": ("join", "package"),
    "--thumbnails-dir": ("thumbnails", "package"),
    "--output-dir": ("package",),
}


def _add_probe(step: argparse.ArgumentParser) -> None:
    step.add_argument("--output", type=Path, default=Path("probe.json"))
    step.add_argument(
        "--ladder", default=ladder_argument(DEFAULT_LADDER), help="name:WIDTHxHEIGHT:KBPS, joined with commas"
    )
    step.add_argument("--segment-seconds", type=_seconds, default=10.0, help="wished length of a segment")
    step.add_argument(
        "--keyframe-seconds", type=_seconds, default=2.0, help="keyframes and HLS segments of renditions"
    )
    step.add_argument("--max-segments", type=_positive, default=100, help="bound of the fan-out")


def _add_encode(step: argparse.ArgumentParser) -> None:
    step.add_argument("--segment", type=int, required=True, help="index from plan.json, from 0")
    step.add_argument("--preset", default="veryfast", help="of x264")
    step.add_argument("--crf", type=int, default=23, help="of x264")
    step.add_argument("--threads", type=int, default=1, help="0: as many as the node has cores")
    step.add_argument(
        "--ffmpeg-option",
        action="append",
        default=[],
        metavar="OPTION",
        help="more output options, e.g. --ffmpeg-option='-tune film'; may be repeated",
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def _even(text: str) -> int:
    value = _positive(text)
    if value % 2:
        raise ValueError(text)
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 86_400:
        raise ValueError(text)
    return value
