from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dags.transcoding.node.ladder import (
    DEFAULT_LADDER,
    LadderError,
    fit,
    ladder_argument,
    parse_ladder,
    parse_ladder_argument,
)


def sizes(width: int, height: int, ladder: object = DEFAULT_LADDER) -> dict[str, tuple[int, int]]:
    return {r.name: (r.width, r.height) for r in fit(parse_ladder(ladder), width, height)}


def test_the_default_ladder_is_plain_data_for_a_dag_param() -> None:
    assert json.loads(json.dumps(DEFAULT_LADDER)) == DEFAULT_LADDER
    assert [rung.name for rung in parse_ladder(DEFAULT_LADDER)] == ["1080p", "720p", "480p", "360p"]


def test_rungs_above_the_source_are_left_out() -> None:
    assert sizes(1280, 720) == {"720p": (1280, 720), "480p": (854, 480), "360p": (640, 360)}


def test_a_wide_film_keeps_its_aspect_ratio_within_the_box() -> None:
    assert sizes(1920, 800)["1080p"] == (1920, 800)
    assert sizes(1920, 800)["720p"] == (1280, 534)


def test_a_phone_video_meets_the_box_on_its_side() -> None:
    assert sizes(1080, 1920)["1080p"] == (1080, 1920)
    assert sizes(1080, 1920)["360p"] == (360, 640)


def test_a_source_below_the_ladder_gets_one_rendition_of_its_own_size() -> None:
    only = fit(parse_ladder(DEFAULT_LADDER), 321, 241)
    assert [(r.name, r.width, r.height, r.video_kbps) for r in only] == [("240p", 320, 240, 800)]


def test_rungs_are_sorted_from_large_to_small() -> None:
    assert parse_ladder(list(reversed(DEFAULT_LADDER))) == parse_ladder(DEFAULT_LADDER)


@given(st.integers(2, 8000), st.integers(2, 8000))
def test_no_rendition_is_larger_than_the_source_and_all_are_even(width: int, height: int) -> None:
    for rendition in fit(parse_ladder(DEFAULT_LADDER), width, height):
        assert 2 <= rendition.width <= width
        assert 2 <= rendition.height <= height
        assert rendition.width % 2 == rendition.height % 2 == 0


@given(st.integers(640, 8000), st.integers(640, 8000))
def test_aspect_ratio_is_kept_within_a_pixel(width: int, height: int) -> None:
    for rendition in fit(parse_ladder(DEFAULT_LADDER), width, height):
        scale = max(rendition.width / width, rendition.height / height)
        assert abs(rendition.width - width * scale) <= 2 * max(1.0, width / height)
        assert abs(rendition.height - height * scale) <= 2 * max(1.0, height / width)


def test_the_argument_of_a_command_line_reads_back() -> None:
    argument = ladder_argument(DEFAULT_LADDER)
    assert argument.startswith("1080p:1920x1080:5000,720p:1280x720:2800")
    assert parse_ladder_argument(argument) == parse_ladder(DEFAULT_LADDER)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "720 p", "name of rung 1"),
        ("name", "../720p", "name of rung 1"),
        ("name", 720, "name of rung 1"),
        ("width", 1279, "must be even"),
        ("width", "1280", "whole number"),
        ("height", True, "whole number"),
        ("height", 0, "16..7680"),
        ("video_kbps", 10, "50..200000"),
        ("bitrate", 10, "and no others"),
        ("name", "480p", "the same name"),
    ],
)
def test_a_wrong_rung_is_named(field: str, value: object, words: str) -> None:
    ladder = copy.deepcopy(DEFAULT_LADDER)
    ladder[0][field] = value
    with pytest.raises(LadderError) as caught:
        parse_ladder(ladder)
    assert words in str(caught.value)
    assert "Likely cause" in str(caught.value)
    assert "Next step" in str(caught.value)


@pytest.mark.parametrize("ladder", [[], None, "720p", [DEFAULT_LADDER[0]] * 13, [{}], ["720p"]])
def test_what_is_no_ladder_is_refused(ladder: object) -> None:
    with pytest.raises(LadderError):
        parse_ladder(ladder)


def test_two_rungs_of_one_size_are_refused() -> None:
    with pytest.raises(LadderError, match="the same size"):
        parse_ladder([DEFAULT_LADDER[0], {**DEFAULT_LADDER[0], "name": "hd"}])


def test_a_malformed_argument_is_refused() -> None:
    with pytest.raises(LadderError, match="'720p:1280'"):
        parse_ladder_argument("720p:1280")
