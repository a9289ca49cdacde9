"""Tiles make the picture that one run makes, and a picture that is another is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ray_tracing.tracer import join, png, render, windows

from demo.gallery.entry import WrongResultError
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
