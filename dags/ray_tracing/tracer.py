"""A small ray tracer: `tracer.py window LEFT TOP RIGHT BOTTOM`, and `tracer.py join COLUMNS ROWS`.

Reads `scene.json`; a window goes to `window.ppm`. It calculates by + - * / and square roots alone, which are
the same on every machine (IEEE 754), so that tiles of different nodes fit to the last bit.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from collections.abc import Iterator
from math import floor, inf, sqrt
from pathlib import Path
from typing import Any

__all__ = ["join", "png", "render", "windows"]

Vector = tuple[float, float, float]
Window = tuple[int, int, int, int]

_NEAR = 1e-6  # no ray hits where it starts
_BOUNCES = 3
_SKY, _HORIZON = (0.25, 0.45, 0.85), (0.9, 0.95, 1.0)
_TILES = ((0.85, 0.85, 0.85), (0.15, 0.15, 0.2))


def windows(width: int, height: int, columns: int, rows: int) -> dict[tuple[int, int], Window]:
    """The windows into which a picture is cut.

    Returns:
        `(left, top, right, bottom)` in pixels, right and bottom excluded, by column and row.
    """
    return {
        (column, row): (
            width * column // columns,
            height * row // rows,
            width * (column + 1) // columns,
            height * (row + 1) // rows,
        )
        for row in range(rows)
        for column in range(columns)
    }


def render(scene: dict[str, Any], window: Window) -> bytes:
    """The pixels of a window, three bytes each, line by line."""
    left, top, right, bottom = window
    return bytes(
        round(255 * min(1.0, sqrt(light)))  # a square root for the gamma of 2 of a screen
        for y in range(top, bottom)
        for x in range(left, right)
        for light in _pixel(scene, x, y)
    )


def join(tiles: dict[Window, bytes], width: int, height: int) -> bytes:
    """Put tiles together.

    Raises:
        ValueError: a tile has not the size of its window, or the tiles do not make up the picture.
    """
    picture = bytearray(3 * width * height)
    covered = 0
    for (left, top, right, bottom), pixels in tiles.items():
        line = 3 * (right - left)
        if len(pixels) != line * (bottom - top):
            raise ValueError(
                f"The tile at {left}, {top} has {len(pixels)} bytes instead of {line * (bottom - top)}."
            )
        for number, y in enumerate(range(top, bottom)):
            at = 3 * (y * width + left)
            picture[at : at + line] = pixels[number * line : (number + 1) * line]
        covered += len(pixels)
    if covered != len(picture):
        raise ValueError(f"The tiles have {covered} bytes, and the picture has {len(picture)}.")
    return bytes(picture)


def png(pixels: bytes, width: int, height: int) -> bytes:
    """A PNG file. Source: W3C: *Portable Network Graphics*, truecolour of 8 bits, no filter."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + pixels[3 * width * y : 3 * width * (y + 1)] for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines, 9))
        + chunk(b"IEND", b"")
    )


def _pixel(scene: dict[str, Any], x: int, y: int) -> Vector:
    width, height = scene["width"], scene["height"]
    ray = _unit(((x + 0.5 - width / 2) / height, (height / 2 - y - 0.5) / height, 1.0))
    return _trace(scene, tuple(scene["eye"]), ray, _BOUNCES)


def _trace(scene: dict[str, Any], origin: Vector, ray: Vector, bounces: int) -> Vector:
    distance, sphere = _nearest(scene, origin, ray)
    if distance == inf:
        return _mix(_HORIZON, _SKY, max(0.0, ray[1]))
    point = _along(origin, ray, distance)
    if sphere is None:
        up: Vector = (0.0, 1.0, 0.0)
        colour, mirror = _TILES[(floor(point[0]) + floor(point[2])) % 2], 0.15
    else:
        up = _unit(_along(point, tuple(sphere["centre"]), -1.0))
        colour, mirror = sphere["colour"], sphere["mirror"]
    way = _along(tuple(scene["light"]), point, -1.0)
    to_light = _unit(way)
    shadow = _nearest(scene, point, to_light)[0] < sqrt(_dot(way, way))
    bright = 0.15 + (0.0 if shadow else 0.85 * max(0.0, _dot(up, to_light)))
    own: Vector = (bright * colour[0], bright * colour[1], bright * colour[2])
    if not bounces or not mirror:
        return own
    bounced = _along(ray, up, -2.0 * _dot(ray, up))
    return _mix(own, _trace(scene, point, bounced, bounces - 1), mirror)


def _nearest(scene: dict[str, Any], origin: Vector, ray: Vector) -> tuple[float, dict[str, Any] | None]:
    """Distance to what a ray hits first, and the sphere that it is; none is the floor."""
    distance, hit = (-origin[1] / ray[1], None) if ray[1] < 0 else (inf, None)
    for sphere in scene["spheres"]:
        from_centre = _along(origin, tuple(sphere["centre"]), -1.0)
        half = _dot(from_centre, ray)
        root = half * half - _dot(from_centre, from_centre) + sphere["radius"] * sphere["radius"]
        if root > 0:
            at = -half - sqrt(root)
            if _NEAR < at < distance:
                distance, hit = at, sphere
    return distance, hit


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _along(start: Vector, way: Vector, far: float) -> Vector:
    return (start[0] + far * way[0], start[1] + far * way[1], start[2] + far * way[2])


def _unit(a: Vector) -> Vector:
    return _along((0.0, 0.0, 0.0), a, 1 / sqrt(_dot(a, a)))


def _mix(a: Vector, b: Vector, share: float) -> Vector:
    return (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2]))


def _tiles(scene: dict[str, Any], columns: int, rows: int) -> Iterator[tuple[Window, bytes]]:
    for (column, row), window in windows(scene["width"], scene["height"], columns, rows).items():
        yield window, Path(f"tile-{column}-{row}/window.ppm").read_bytes().split(b"\n", 3)[3]


def main(command: str, *numbers: str) -> None:
    """Run one of the two commands."""
    scene = json.loads(Path("scene.json").read_text())
    width, height = scene["width"], scene["height"]
    if command == "window":
        left, top, right, bottom = map(int, numbers)
        head = f"P6\n{right - left} {bottom - top}\n255\n".encode()
        Path("window.ppm").write_bytes(head + render(scene, (left, top, right, bottom)))
        print(f"{(right - left) * (bottom - top)} pixels from {left}, {top}")
    else:
        columns, rows = map(int, numbers)
        Path("image.png").write_bytes(
            png(join(dict(_tiles(scene, columns, rows)), width, height), width, height)
        )
        print(f"{columns * rows} tiles make up {width} x {height} pixels")


if __name__ == "__main__":
    main(*sys.argv[1:])
