from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from demo.probe import StreamFacts, complaints, find_streams, probe
from demo.video import sample_video

# A film that gets brighter, ten steps a picture, and starts anew.
PICTURES = tuple(bytes([10 * (number % 25)]) * 6 for number in range(132))
SOURCE = StreamFacts("in.mp4", 5.28, 1280, 720, "h264", "aac", 132, PICTURES, 0.02)
SMALL = replace(SOURCE, name="small.mp4", height=480, width=854, loudness=0.018)
DUE = {"in.mp4": 720, "small.mp4": 480}


def test_the_sample_video_is_what_it_is_said_to_be() -> None:
    facts = probe(sample_video(), "bunny")
    assert (facts.width, facts.height, facts.video_codec, facts.audio_codec) == (1280, 720, "h264", "aac")
    assert facts.seconds == pytest.approx(5.3, abs=0.1)
    assert facts.frames == 132


def test_good_streams_pass() -> None:
    a_little_other = tuple(bytes(part + 2 for part in picture) for picture in PICTURES)
    assert complaints(SOURCE, [replace(SMALL, pictures=a_little_other), SOURCE], DUE) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"seconds": 4.0}, "lasts 4.00 s"),
        ({"seconds": 6.0}, "lasts 6.00 s"),
        ({"height": 720, "width": 1280}, "720 pixels high instead of 480"),
        ({"height": 360, "width": 640}, "360 pixels high instead of 480"),
        ({"width": 640}, "distorted: 640x480"),
        ({"video_codec": "mpeg4"}, "mpeg4"),
        ({"audio_codec": None}, "sound"),
        ({"loudness": 0.0}, "sound"),
        ({"frames": 131, "pictures": PICTURES[1:]}, "131 pictures, the source 132"),
        (
            {"pictures": (*PICTURES[:50], *PICTURES[60:110], *PICTURES[50:60], *PICTURES[110:])},
            "Picture 50 of",
        ),
        ({"pictures": (*PICTURES[:60], *PICTURES[50:60], *PICTURES[70:])}, "Picture 60 of"),
        ({"pictures": (bytes(6),) * 132}, "Picture 1 of"),
    ],
)
def test_bad_streams_are_told(changes: dict[str, object], complaint: str) -> None:
    (found,) = complaints(SOURCE, [SOURCE, replace(SMALL, **changes)], DUE)  # type: ignore[arg-type]
    assert complaint in found


def test_a_stream_that_is_missing_or_too_many_is_told() -> None:
    assert complaints(SOURCE, [SOURCE], DUE) == ["small.mp4 is missing."]
    assert complaints(SOURCE, [SOURCE, SMALL], {"in.mp4": 720}) == ["small.mp4 was not to be made."]


def test_no_stream_at_all_is_told() -> None:
    assert "No stream" in complaints(SOURCE, [], DUE)[0]


def test_a_silent_source_needs_no_sound() -> None:
    silent = replace(SOURCE, audio_codec=None, loudness=0.0)
    assert complaints(silent, [silent], {"in.mp4": 720}) == []


def transcoded(path: Path, pictures: str, *options: str) -> StreamFacts:
    """The sample through filters of a real ffmpeg."""
    command = [get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(sample_video()), "-filter_complex", pictures]
    command += [*options, "-preset", "ultrafast", "-ac", "2", str(path)]
    subprocess.run(command, check=True, timeout=60)
    return probe(path, path.name)


def test_a_real_rendition_passes_and_one_in_another_order_or_without_sound_does_not(tmp_path: Path) -> None:
    source, path, due = probe(sample_video(), "source"), tmp_path / "out.mp4", {"out.mp4": 180}
    small = "scale=320:180"
    assert complaints(source, [transcoded(path, small)], due) == []
    assert complaints(source, [transcoded(path, small, "-af", "volume=0")], due) == [
        "out.mp4 has lost the sound."
    ]
    cut = (
        f"{small},split=3[a][b][c];[a]trim=end_frame=50[first];[b]trim=start_frame=50:end_frame=100,"
        "setpts=PTS-STARTPTS[second];[c]trim=start_frame=100,setpts=PTS-STARTPTS[third];"
    )
    whole = transcoded(path, f"{cut}[first][second][third]concat=n=3")
    assert complaints(source, [whole], due) == []
    swapped = transcoded(path, f"{cut}[second][first][third]concat=n=3")
    assert complaints(source, [swapped], due) == ["Picture 0 of out.mp4 is not that of the source."]


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
