"""The picture of a scene by numpy, all rays at once: it shares nothing with the program that nodes run.

A camera at `eye` looks along z; a picture is as high as it is far away. There is a floor of unit tiles at
y = 0, spheres, a point of light, and a sky. What faces the light has 0.85 of it, by the cosine, and 0.15 is
everywhere. A mirror replaces its share of a thing's own colour by what it reflects, three times at most. A
screen shows the square root.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["draw"]

Numbers = npt.NDArray[np.float64]
Numbered = npt.NDArray[np.int64]

_REFLECTIONS = 3
_AMBIENT = 0.15
_ZENITH, _HORIZON = np.array([0.25, 0.45, 0.85]), np.array([0.9, 0.95, 1.0])
_LIGHT_TILE, _DARK_TILE, _TILE_MIRROR = np.array([0.85, 0.85, 0.85]), np.array([0.15, 0.15, 0.2]), 0.15
_HERE = 1e-6  # nearer than that is the place itself
_UP = np.array([0.0, 1.0, 0.0])
_SKY, _FLOOR = -2, -1  # else the number of a sphere


def draw(scene: Mapping[str, Any]) -> bytes:
    """The pixels of a scene, three bytes each, line by line.

    Parameters:
        scene: `width` and `height` in pixels; `eye` and `light`; `spheres` with `centre`, `radius`, `colour`
            and `mirror`.
    """
    width, height = scene["width"], scene["height"]
    row, column = np.mgrid[:height, :width]
    across, upwards = (2 * column + 1 - width) / (2 * height), (height - 2 * row - 1) / (2 * height)
    ways = _of_length_one(np.stack([across, upwards, np.ones_like(across)], axis=-1).reshape(-1, 3))
    places = np.broadcast_to(np.array(scene["eye"], float), ways.shape)
    seen, left = np.zeros(ways.shape), np.ones(len(ways))  # and the share of what is behind a mirror
    on = np.arange(len(ways))
    for reflections in range(_REFLECTIONS + 1):
        far, what = _first(scene, places, ways)
        sky = what == _SKY
        blue = np.clip(ways[sky, 1:2], 0.0, None)
        seen[on[sky]] += left[on[sky], None] * (blue * _ZENITH + (1 - blue) * _HORIZON)
        on, far, what, places, ways = (each[~sky] for each in (on, far, what, places, ways))
        places = places + far[:, None] * ways
        colours, mirrors, normals = _surface(scene, places, what)
        if reflections == _REFLECTIONS:
            mirrors = np.zeros_like(mirrors)
        lit = colours * _brightness(scene, places, normals)[:, None]
        seen[on] += (left[on] * (1 - mirrors))[:, None] * lit
        left[on] *= mirrors
        ways = ways - 2 * _dot(ways, normals)[:, None] * normals
    return bytes(np.rint(255 * np.minimum(1, np.sqrt(seen))).astype(np.uint8).ravel())


def _first(scene: Mapping[str, Any], places: Numbers, ways: Numbers) -> tuple[Numbers, Numbered]:
    """What is met first on ways from places, and how far away it is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(ways[:, 1] < 0, -places[:, 1] / ways[:, 1], np.inf)
    what = np.where(np.isfinite(far), _FLOOR, _SKY)
    for number, sphere in enumerate(scene["spheres"]):
        to_centre = np.array(sphere["centre"], float) - places
        nearest = _dot(to_centre, ways)
        passed = to_centre - nearest[:, None] * ways
        inside = sphere["radius"] ** 2 - _dot(passed, passed)
        met = nearest - np.sqrt(np.clip(inside, 0.0, None))
        closer = (inside > 0) & (met > _HERE) & (met < far)
        far, what = np.where(closer, met, far), np.where(closer, number, what)
    return far, what


def _surface(scene: Mapping[str, Any], places: Numbers, what: Numbered) -> tuple[Numbers, Numbers, Numbers]:
    """Colour, mirror and normal."""
    tiles = np.floor(places[:, 0]) + np.floor(places[:, 2])
    colours = np.where((tiles % 2 == 0)[:, None], _LIGHT_TILE, _DARK_TILE)
    mirrors, normals = np.full(len(what), _TILE_MIRROR), np.tile(_UP, (len(what), 1))
    for number, sphere in enumerate(scene["spheres"]):
        of_it = what == number
        colours[of_it], mirrors[of_it] = sphere["colour"], sphere["mirror"]
        normals[of_it] = _of_length_one(places[of_it] - np.array(sphere["centre"], float))
    return colours, mirrors, normals


def _brightness(scene: Mapping[str, Any], places: Numbers, normals: Numbers) -> Numbers:
    to_light = np.array(scene["light"], float) - places
    ways = _of_length_one(to_light)
    dark = _first(scene, places, ways)[0] < np.sqrt(_dot(to_light, to_light))
    return _AMBIENT + (1 - _AMBIENT) * np.where(dark, 0.0, np.clip(_dot(normals, ways), 0.0, None))


def _dot(a: Numbers, b: Numbers) -> Numbers:
    return np.asarray((a * b).sum(axis=1))


def _of_length_one(ways: Numbers) -> Numbers:
    return ways / np.sqrt(_dot(ways, ways))[:, None]
