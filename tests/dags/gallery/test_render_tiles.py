"""Tiles make the picture that one run makes, and a picture that is another is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import ray_tracing.tracer
from hypothesis import given
from hypothesis import strategies as st
from ray_tracing.tracer import join, png, render, windows

from demo.gallery.entry import WrongResultError
from demo.gallery.rays import draw
from demo.gallery.render_tiles import SCENE, Picture, Window, decode, judge_picture

WIDTH, HEIGHT, GRID = 50, 34, (3, 2)
SMALL: dict[str, Any] = {**SCENE, "width": WIDTH, "height": HEIGHT}
WHOLE: Window = (0, 0, WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def tiles() -> dict[Window, bytes]:
    return {window: render(SMALL, window) for window in windows(WIDTH, HEIGHT, *GRID).values()}


def picture(pixels: bytes) -> Picture:
    return Picture(WIDTH, HEIGHT, pixels)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 7), st.integers(1, 7))
def test_windows_have_every_pixel_once(width: int, height: int, columns: int, rows: int) -> None:
    cut = windows(width, height, columns, rows).values()
    assert sorted(
        (x, y) for left, top, right, bottom in cut for x in range(left, right) for y in range(top, bottom)
    ) == [(x, y) for x in range(width) for y in range(height)]


def test_tiles_are_the_picture_of_one_run(tiles: dict[Window, bytes]) -> None:
    assert join(tiles, WIDTH, HEIGHT) == render(SMALL, WHOLE)


def test_the_file_is_a_picture_to_others(tiles: dict[Window, bytes]) -> None:
    pixels = join(tiles, WIDTH, HEIGHT)
    assert decode(png(pixels, WIDTH, HEIGHT)).pixels == pixels


def test_the_picture_shows_the_scene(tiles: dict[Window, bytes]) -> None:
    """Sky above, red in the middle, a floor of light and dark below: not just any that is twice the same."""
    found = picture(join(tiles, WIDTH, HEIGHT))
    sky, ball = found.part((25, 1, 26, 2)), found.part((25, 19, 26, 20))
    assert sky[2] > sky[0]
    assert ball[0] > max(ball[1:])
    floor = found.part((0, HEIGHT - 3, WIDTH, HEIGHT))
    assert max(floor) > 180 > 120 > min(floor)


def test_a_right_picture_passes(tiles: dict[Window, bytes]) -> None:
    assert len(judge_picture(picture(join(tiles, WIDTH, HEIGHT)), SMALL, GRID)) == 64


def sphere(
    *centre: float, radius: float = 1.0, colour: tuple[float, ...], mirror: float = 0.0
) -> dict[str, Any]:
    return {"centre": centre, "radius": radius, "colour": colour, "mirror": mirror}


def shown(*light: float) -> tuple[int, ...]:
    return tuple(round(255 * part**0.5) for part in light)


AHEAD, ABOVE = (0, 1, 0), (0.5, 1, 0.25)
RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
# A ray with the slope 1/4, up or down, has this share of the zenith.
SKY = tuple(
    low + (high - low) / 17**0.5 for low, high in zip((0.9, 0.95, 1.0), (0.25, 0.45, 0.85), strict=True)
)
BY_HAND: dict[str, tuple[dict[str, Any], int, tuple[int, ...]]] = {
    # Of a picture two pixels high the upper one looks up, the lower one down, by the slope 1/4.
    "the sky": ({"height": 2, "eye": AHEAD, "light": (0, 9, 0), "spheres": []}, 0, shown(*SKY)),
    # The floor is met at (0.5, 0, 4.25), a light tile, below the light. It mirrors 0.15 of the sky.
    "the floor in the light": (
        {"height": 2, "eye": ABOVE, "light": (0.5, 5, 4.25), "spheres": []},
        1,
        shown(*(0.85 * 0.85 + 0.15 * part for part in SKY)),
    ),
    "the floor in the shadow": (
        {
            "height": 2,
            "eye": ABOVE,
            "light": (0.5, 5, 4.25),
            "spheres": [sphere(0.5, 3, 4.25, radius=0.5, colour=RED)],
        },
        1,
        shown(*(0.85 * 0.85 * 0.15 + 0.15 * part for part in SKY)),
    ),
    "what is behind the light has no shadow": (
        {
            "height": 2,
            "eye": ABOVE,
            "light": (0.5, 2, 4.25),
            "spheres": [sphere(0.5, 3, 4.25, radius=0.5, colour=RED)],
        },
        1,
        shown(*(0.85 * 0.85 + 0.15 * part for part in SKY)),
    ),
    # Head on, with the light behind the eye: its own colour, and half of the horizon behind the eye.
    "a sphere that mirrors the horizon": (
        {
            "height": 1,
            "eye": AHEAD,
            "light": (0, 1, -10),
            "spheres": [sphere(0, 1, 3, colour=(0.4, 0.2, 0.0), mirror=0.5)],
        },
        0,
        (206, 193, 180),
    ),
    # Mirrors of one half before and behind: 1/2 red, 1/4 blue, 1/8 red, and 1/8 blue that mirrors no more.
    "mirrors that face each other": (
        {
            "height": 1,
            "eye": AHEAD,
            "light": AHEAD,
            "spheres": [sphere(0, 1, 3, colour=RED, mirror=0.5), sphere(0, 1, -3, colour=BLUE, mirror=0.5)],
        },
        0,
        shown(0.625, 0, 0.375),
    ),
}


@pytest.mark.parametrize("by", [draw, lambda scene: render(scene, (0, 0, 1, scene["height"]))])
@pytest.mark.parametrize("what", BY_HAND)
def test_both_tracers_find_what_is_calculated_by_hand(
    by: Callable[[dict[str, Any]], bytes], what: str
) -> None:
    scene, line, right = BY_HAND[what]
    pixels = by({"width": 1, **scene})
    assert tuple(pixels[3 * line : 3 * line + 3]) == right


def test_both_tracers_draw_the_same_picture_of_any_size() -> None:
    for width, height in ((1, 1), (7, 5), (96, 72)):
        scene = {**SCENE, "width": width, "height": height}
        assert draw(scene) == render(scene, (0, 0, width, height))


def black(*_: object) -> tuple[float, ...]:
    return (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_BOUNCES", 0),
        ("_BOUNCES", 2),
        ("_TILES", ray_tracing.tracer._TILES[::-1]),
        ("_SKY", (0.2, 0.4, 0.8)),
        ("_NEAR", 1.0),
        ("_mix", lambda own, mirrored, share: own),
        ("_trace", black),
    ],
)
def test_a_program_that_draws_another_picture_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    """The same in all tiles, so that they fit: no mirrors, too few of them, other tiles, another sky."""
    monkeypatch.setattr(ray_tracing.tracer, name, value)
    with pytest.raises(WrongResultError, match="others than those of the scene"):
        judge_picture(picture(render(SMALL, WHOLE)), SMALL, GRID)


def test_tiles_in_each_others_place_are_refused(tiles: dict[Window, bytes]) -> None:
    above, *_ = below = [window for window in tiles if window[0] == 0]
    swapped = {**tiles, below[0]: tiles[below[1]], below[1]: tiles[above]}
    with pytest.raises(WrongResultError, match="of the tile"):
        judge_picture(picture(join(swapped, WIDTH, HEIGHT)), SMALL, GRID)


@pytest.mark.parametrize(
    ("x", "y", "tile"),
    [
        (0, 0, (0, 0, 16, 17)),
        (25, 17, (16, 17, 33, 34)),
        (16, 0, (16, 0, 33, 17)),
        (15, HEIGHT - 1, (0, 17, 16, 34)),
        (WIDTH - 1, 5, (33, 0, 50, 17)),
        (WIDTH - 1, HEIGHT - 1, (33, 17, 50, 34)),
    ],
)
def test_one_pixel_that_is_off_is_refused_wherever_it_is(
    tiles: dict[Window, bytes], x: int, y: int, tile: Window
) -> None:
    pixels = bytearray(join(tiles, WIDTH, HEIGHT))
    pixels[3 * (y * WIDTH + x)] ^= 1
    with pytest.raises(WrongResultError, match=re.escape(f": 1 of the tile {tile}.")):
        judge_picture(picture(bytes(pixels)), SMALL, GRID)


def test_a_black_corner_and_margins_of_another_colour_are_refused(tiles: dict[Window, bytes]) -> None:
    right = join(tiles, WIDTH, HEIGHT)
    for windows_, colour in (([(0, 0, 8, 8)], b"\0\0\0"), ([(0, 0, 3, 34), (47, 0, 50, 34)], b"\xff\0\xff")):
        pixels = bytearray(right)
        for left, top, end, bottom in windows_:
            for y in range(top, bottom):
                pixels[3 * (y * WIDTH + left) : 3 * (y * WIDTH + end)] = colour * (end - left)
        with pytest.raises(WrongResultError, match="of the tile"):
            judge_picture(picture(bytes(pixels)), SMALL, GRID)


def test_another_scene_is_refused(tiles: dict[Window, bytes]) -> None:
    found = picture(join(tiles, WIDTH, HEIGHT))
    with pytest.raises(WrongResultError):
        judge_picture(found, {**SMALL, "light": [6, 9, -7]}, GRID)
    with pytest.raises(WrongResultError, match="50 x 34 instead of 50 x 35"):
        judge_picture(found, {**SMALL, "height": HEIGHT + 1}, GRID)


def test_tiles_that_do_not_fit_are_refused(tiles: dict[Window, bytes]) -> None:
    first, *others = tiles
    with pytest.raises(ValueError, match="and the picture has"):
        join({window: tiles[window] for window in others}, WIDTH, HEIGHT)
    with pytest.raises(ValueError, match="bytes instead of"):
        join({**tiles, first: tiles[first][:-3]}, WIDTH, HEIGHT)
