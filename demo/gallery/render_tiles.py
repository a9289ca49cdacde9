"""The picture by tiles, judged by the same program without tiles: a part, and both sides of all seams."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.gallery.entry import Entry, Outcome, Shown, WrongResultError
from demo.processes.supervisor import PROJECT_DIR

__all__ = ["ENTRY", "SCENE", "Picture", "Window", "decode", "judge_picture"]

Window = tuple[int, int, int, int]

SCENE: dict[str, Any] = {
    "width": 640,
    "height": 480,
    "eye": [0, 1.5, -4],
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
    """Compare a picture with what the program makes of a part of it, and of all seams, in one go.

    Parameters:
        grid: columns and rows of tiles.

    Returns:
        The SHA-256 of both sides of all seams.

    Raises:
        WrongResultError: a size or a pixel is another.
    """
    width, height = scene["width"], scene["height"]
    if (found.width, found.height) != (width, height):
        raise WrongResultError(
            f"The picture is {found.width} x {found.height} instead of {width} x {height}."
        )
    # Between the middles of the outer tiles: parts of every tile, and the corners in which four of them meet.
    columns, rows = grid
    part = (
        width // columns // 2,
        height // rows // 2,
        width - width // columns // 2,
        height - height // rows // 2,
    )
    seams = [
        *(
            (width * column // columns - 1, 0, width * column // columns + 1, height)
            for column in range(1, columns)
        ),
        *((0, height * row // rows - 1, width, height * row // rows + 1) for row in range(1, rows)),
    ]
    serial = [_serial(scene, window) for window in (part, *seams)]
    wrong = sum(a != b for a, b in zip(found.part(part), serial[0], strict=True))
    if wrong:
        raise WrongResultError(f"{wrong} of {len(serial[0])} values of the pixels within {part} are others.")
    hashes = [hashlib.sha256(b"".join(strips)).hexdigest() for strips in (map(found.part, seams), serial[1:])]
    if hashes[0] != hashes[1]:
        raise WrongResultError(f"The seams of the tiles have the hash {hashes[0]} instead of {hashes[1]}.")
    return hashes[0]


def _serial(scene: Mapping[str, Any], window: Window) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "scene.json").write_text(json.dumps(scene))
        command = [sys.executable, str(_PROGRAM), "window", *map(str, window)]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
        return (folder / "window.ppm").read_bytes().split(b"\n", 3)[3]


def _judge(outcome: Outcome) -> Shown:
    seams = judge_picture(decode(outcome.blob(_IMAGE)), SCENE, _GRID)
    job = outcome.returned("render")
    return Shown(
        "The picture, decoded with PyAV",
        ("size", "tasks", "same as in one go", "seams (SHA-256)"),
        [(f"{SCENE['width']} x {SCENE['height']}", str(job["tasks"]["succeeded"]), "yes", seams[:16])],
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
