"""The picture by tiles, judged by one without tiles that another program makes: every pixel."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from demo.gallery.entry import Entry, Outcome, Shown, WrongResultError
from demo.gallery.rays import draw
from demo.processes.supervisor import PROJECT_DIR

__all__ = ["ENTRY", "SCENE", "Picture", "Window", "decode", "judge_picture"]

Window = tuple[int, int, int, int]

SCENE: dict[str, Any] = {
    "width": 640,
    "height": 480,
    "eye": [0.013, 1.51, -4.03],  # else rays meet edges of tiles, and rounding says which tile it is
    "light": [-6, 9, -7],
    "spheres": [
        {"centre": [0, 1, 2], "radius": 1, "colour": [0.9, 0.2, 0.2], "mirror": 0.35},
        {"centre": [-2.1, 0.7, 1], "radius": 0.7, "colour": [0.2, 0.6, 0.3], "mirror": 0.15},
        {"centre": [1.9, 0.8, 0.8], "radius": 0.8, "colour": [0.95, 0.8, 0.3], "mirror": 0.6},
        {"centre": [0.2, 0.35, -0.6], "radius": 0.35, "colour": [0.3, 0.4, 0.95], "mirror": 0.3},
    ],
}
_PROGRAM = PROJECT_DIR / "dags" / "ray_tracing" / "tracer.py"
_IMAGE = "outgoing/render_tiles/image.png"
_GRID = (4, 3)


class Picture:
    """Pixels of three bytes.

    Parameters:
        width, height: in pixels.
        pixels: line by line.
    """

    def __init__(self, width: int, height: int, pixels: bytes) -> None:
        self.width, self.height, self.pixels = width, height, pixels

    def part(self, window: Window) -> bytes:
        """The pixels of a window: left, top, right, bottom, the latter two excluded."""
        left, top, right, bottom = window
        lines = (3 * (y * self.width + left) for y in range(top, bottom))
        return b"".join(self.pixels[at : at + 3 * (right - left)] for at in lines)


def decode(image: bytes) -> Picture:
    """Decode a picture by PyAV, which did not make it."""
    import av

    with av.open(io.BytesIO(image)) as container:
        frame = next(container.decode(video=0))
        plane = frame.reformat(format="rgb24").planes[0]
        padded = bytes(plane)
        lines = (padded[y * plane.line_size :][: 3 * frame.width] for y in range(frame.height))
        return Picture(frame.width, frame.height, b"".join(lines))


def judge_picture(found: Picture, scene: Mapping[str, Any], grid: tuple[int, int]) -> str:
    """Compare every pixel of a picture with what a tracer of the judge's own makes of the scene in one go.

    Parameters:
        grid: columns and rows of tiles.

    Returns:
        The SHA-256 of the pixels.

    Raises:
        WrongResultError: a size or a pixel is another; tells the tiles that are wrong.
    """
    width, height = scene["width"], scene["height"]
    if (found.width, found.height) != (width, height):
        raise WrongResultError(
            f"The picture is {found.width} x {found.height} instead of {width} x {height}."
        )
    right = Picture(width, height, draw(scene))
    if found.pixels != right.pixels:
        wrong = {
            tile: _differing(found.part(tile), right.part(tile)) for tile in _tiles(width, height, *grid)
        }
        told = ", ".join(f"{number} of the tile {tile}" for tile, number in wrong.items() if number)
        raise WrongResultError(f"Pixels are others than those of the scene: {told}.")
    return hashlib.sha256(found.pixels).hexdigest()


def _tiles(width: int, height: int, columns: int, rows: int) -> list[Window]:
    lefts = [width * column // columns for column in range(columns + 1)]
    tops = [height * row // rows for row in range(rows + 1)]
    return [(left, top, right, bottom) for top, bottom in pairwise(tops) for left, right in pairwise(lefts)]


def _differing(one: bytes, other: bytes) -> int:
    return sum(one[at : at + 3] != other[at : at + 3] for at in range(0, len(one), 3))


def _judge(outcome: Outcome) -> Shown:
    pixels = judge_picture(decode(outcome.blob(_IMAGE)), SCENE, _GRID)
    job = outcome.returned("render")
    return Shown(
        "The picture, decoded with PyAV",
        ("size", "tasks", "same as by the judge", "pixels (SHA-256)"),
        [(f"{SCENE['width']} x {SCENE['height']}", str(job["tasks"]["succeeded"]), "yes", pixels[:16])],
        [f"Picture: {outcome.stack.storage.blob_endpoint}/{_IMAGE}"],
    )


ENTRY = Entry(
    "render_tiles",
    _judge,
    lambda: {
        "inputs/render_tiles/scene.json": json.dumps(SCENE).encode(),
        "inputs/render_tiles/tracer.py": _PROGRAM.read_bytes(),
    },
)
