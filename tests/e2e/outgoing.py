"""What the transcoding DAG has put into the container `outgoing`, looked at with PyAV."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from demo.outputs import Output, download, list_outputs
from demo.probe import StreamFacts, find_streams, probe
from demo.stack import LocalStack

__all__ = ["Outgoing", "fetch"]

_EVER = datetime.fromtimestamp(0, timezone.utc)


@dataclass(frozen=True)
class Outgoing:
    """The outputs of one video.

    Parameters:
        folder: where they were downloaded to.
        streams: rendition -> what a player finds in its HLS playlist, with every picture decoded.
        manifest: the parsed manifest.
    """

    folder: Path
    streams: dict[str, StreamFacts]
    manifest: dict[str, Any]


def fetch(stack: LocalStack, name: str, folder: Path) -> Outgoing:
    """Download and decode all that was made of a video.

    Parameters:
        name: the video's name.
        folder: gets the files.
    """
    download(stack.storage, "outgoing", _of(stack, name), folder)
    root = folder / name
    streams = {path.parent.name: probe(path, path.parent.name) for path in find_streams(root / "hls")}
    return Outgoing(root, streams, json.loads((root / "manifest.json").read_text()))


def _of(stack: LocalStack, name: str) -> list[Output]:
    found = list_outputs(stack.storage, "outgoing", _EVER)
    return [output for output in found if output.name.startswith(f"{name}/")]
