from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from demo.probe import StreamFacts, complaints, find_streams, probe
from demo.video import sample_video

SOURCE = StreamFacts("in.mp4", 5.28, 1280, 720, "h264", "aac", 132)


def test_the_sample_video_is_what_it_is_said_to_be() -> None:
    facts = probe(sample_video(), "bunny")
    assert (facts.width, facts.height, facts.video_codec, facts.audio_codec) == (1280, 720, "h264", "aac")
    assert facts.seconds == pytest.approx(5.3, abs=0.1)
    assert facts.frames == 132


def test_good_streams_pass() -> None:
    assert complaints(SOURCE, [replace(SOURCE, height=480, width=854), SOURCE]) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"seconds": 4.0}, "lasts 4.00 s"),
        ({"seconds": 6.0}, "lasts 6.00 s"),
        ({"height": 1080}, "larger"),
        ({"video_codec": "mpeg4"}, "mpeg4"),
        ({"audio_codec": None}, "sound"),
    ],
)
def test_bad_streams_are_told(changes: dict[str, object], complaint: str) -> None:
    (found,) = complaints(SOURCE, [replace(SOURCE, name="out", **changes)])  # type: ignore[arg-type]
    assert complaint in found


def test_no_stream_at_all_is_told() -> None:
    assert "No stream" in complaints(SOURCE, [])[0]


def test_a_silent_source_needs_no_sound() -> None:
    silent = replace(SOURCE, audio_codec=None)
    assert complaints(silent, [silent]) == []


def test_streams_are_what_a_player_opens(tmp_path: Path) -> None:
    (tmp_path / "hls/720p").mkdir(parents=True)
    (tmp_path / "hls/master.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n720p/index.m3u8\n")
    (tmp_path / "hls/720p/index.m3u8").write_text("#EXTM3U\n#EXTINF:2,\n0.mp4\n")
    (tmp_path / "hls/720p/0.mp4").touch()
    (tmp_path / "whole.mp4").touch()
    found = [str(path.relative_to(tmp_path)) for path in find_streams(tmp_path)]
    assert found == ["hls/720p/index.m3u8", "whole.mp4"]


def test_what_is_no_video_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_text("no video")
    with pytest.raises((OSError, ValueError)):
        probe(path, "x")


def test_a_folder_called_like_a_video_is_no_stream(tmp_path: Path) -> None:
    made = tmp_path / "clip.mp4" / "renditions"
    made.mkdir(parents=True)
    (made / "180p.mp4").touch()

    assert find_streams(tmp_path) == [made / "180p.mp4"]
