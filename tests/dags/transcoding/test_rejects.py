"""Which failures are a video's own fault, and what is told of them."""

from __future__ import annotations

import pytest
from transcoding.node.errors import ExitCode, StepError
from transcoding.rejects import damage_found_by, reason_in, unsettled


@pytest.mark.parametrize(
    ("failure", "found_by"),
    [
        ({"exit_codes": {"probe": 65}}, "probe"),
        ({"exit_codes": {"encode-360p-0001": 70, "thumbnails": 65}}, "thumbnails"),
        ({"exit_codes": {"encode-360p-0001": 64}}, None),
        ({"exit_codes": {}, "codes": ["NodePreempted"]}, None),
        (None, None),
    ],
)
def test_only_the_exit_code_for_damage_is_the_videos_fault(
    failure: dict[str, object] | None, found_by: str | None
) -> None:
    assert damage_found_by(failure) == found_by


def test_the_run_is_well_only_if_every_video_is_settled() -> None:
    states = {"transcode_0": "success", "transcode_1": "failed", "transcode_2": "removed"}
    assert unsettled(states) == ["transcode_1"]
    assert unsettled({"transcode": "skipped"}) == []
    assert unsettled({"transcode": "upstream_failed"}) == ["transcode"]


def test_the_reason_is_the_steps_own_sentence() -> None:
    error = StepError(ExitCode.DATA, "a.mp4 is empty: 0 bytes.", "a cause", "a next step", ["of ffmpeg"])
    assert reason_in(error.explain("transcode probe").splitlines()) == "a.mp4 is empty: 0 bytes."
    assert reason_in([]) == "The video is damaged."
