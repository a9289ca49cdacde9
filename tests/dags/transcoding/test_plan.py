from __future__ import annotations

import json
from dataclasses import asdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dags.transcoding.node.errors import ExitCode, StepError
from dags.transcoding.node.ladder import DEFAULT_LADDER, parse_ladder
from dags.transcoding.node.packets import Stream
from dags.transcoding.node.plan import cut_points, make_plan
from dags.transcoding.node.records import Plan, Source, parse_plan, read_plan, write_json


def a_video(frames: int, keyframes_every: int, frame: int = 512, first: int = 0) -> Stream:
    pts = [first + n * frame for n in range(frames)]
    return Stream(
        header={"tb": "1/12800"}, pts=pts, keyframes=pts[::keyframes_every], end=first + frames * frame
    )


def a_source(video: Stream) -> Source:
    return Source(
        bytes=1,
        container="mov",
        duration_s=float((video.end - video.pts[0]) * video.time_base),
        start_s=float(video.pts[0] * video.time_base),
        width=1280,
        height=720,
        rotation=0,
        video_codec="h264",
        frames=len(video.pts),
        frame_rate="25/1",
        variable_frame_rate=False,
        interlaced=False,
        keyframes=len(video.keyframes),
        audio=None,
    )


def a_plan(video: Stream, segment_s: float = 2, max_segments: int = 100) -> Plan:
    return make_plan(
        a_source(video), video, parse_ladder(DEFAULT_LADDER), segment_s=segment_s, max_segments=max_segments
    )


def test_cuts_are_made_at_keyframes_where_there_are_some() -> None:
    plan = a_plan(a_video(frames=250, keyframes_every=48))
    assert [s.frames for s in plan.segments] == [48, 48, 48, 48, 58]
    assert [s.keyframe_s for s in plan.segments] == [s.start_s for s in plan.segments]


def test_a_source_with_one_keyframe_is_cut_all_the_same() -> None:
    plan = a_plan(a_video(frames=132, keyframes_every=1000))
    assert [s.frames for s in plan.segments] == [50, 50, 32]
    assert {s.keyframe_s for s in plan.segments} == {0.0}


def test_a_short_rest_joins_the_last_segment() -> None:
    assert [s.frames for s in a_plan(a_video(frames=70, keyframes_every=1000)).segments] == [70]


def test_cuts_lie_halfway_between_two_pictures_on_the_clock_of_the_source() -> None:
    plan = a_plan(a_video(frames=132, keyframes_every=1000, first=12800))
    assert [(s.cut_from_s, s.cut_to_s) for s in plan.segments] == [(0.98, 2.98), (2.98, 4.98), (4.98, 6.26)]
    assert plan.segments[0].start_s == 0.0


def test_the_fan_out_is_bounded() -> None:
    plan = a_plan(a_video(frames=25 * 600, keyframes_every=25), segment_s=1, max_segments=20)
    assert len(plan.segments) <= 20


@given(
    gaps=st.lists(st.integers(1, 3000), min_size=1, max_size=400),
    every=st.integers(1, 400),
    length=st.integers(1, 50_000),
)
def test_segments_hold_every_picture_once(gaps: list[int], every: int, length: int) -> None:
    pts = [sum(gaps[:n]) for n in range(len(gaps))]
    starts = cut_points(pts, sum(gaps), pts[::every], Fraction(length))
    assert starts[0] == 0
    assert all(sooner < later for sooner, later in pairwise(starts))
    assert starts[-1] < len(pts)


@given(frames=st.integers(1, 2000), every=st.integers(1, 300))
def test_lengths_and_pictures_add_up(frames: int, every: int) -> None:
    plan = a_plan(a_video(frames, every, frame=427))
    assert sum(s.frames for s in plan.segments) == frames
    assert sum(s.duration_s for s in plan.segments) == pytest.approx(plan.source.duration_s, abs=1e-4)
    for sooner, later in pairwise(plan.segments):
        assert sooner.cut_to_s == later.cut_from_s
        assert sooner.start_s + sooner.duration_s == pytest.approx(later.start_s, abs=2e-6)


def test_a_plan_reads_back_from_its_file(tmp_path: Path) -> None:
    plan = a_plan(a_video(frames=132, keyframes_every=12))
    write_json(tmp_path / "plan.json", plan)
    assert read_plan(tmp_path / "plan.json") == plan
    assert parse_plan(json.loads(json.dumps(asdict(plan)))) == plan


def test_a_missing_and_a_broken_plan_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(StepError) as missing:
        read_plan(tmp_path / "plan.json")
    assert missing.value.code is ExitCode.NO_INPUT
    for text in ("{", "{}", '{"source": 1}'):
        (tmp_path / "plan.json").write_text(text)
        with pytest.raises(StepError) as broken:
            read_plan(tmp_path / "plan.json")
        assert broken.value.code is ExitCode.DATA


def test_what_the_plan_does_not_have_is_a_usage_error_that_names_what_it_has() -> None:
    plan = a_plan(a_video(frames=132, keyframes_every=12))
    with pytest.raises(StepError, match="720p, 480p, 360p") as rendition:
        plan.rendition("1080p")
    with pytest.raises(StepError, match="it has 3") as segment:
        plan.segment(3)
    assert rendition.value.code is segment.value.code is ExitCode.USAGE
