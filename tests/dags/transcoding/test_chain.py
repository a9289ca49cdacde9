"""Whole transcodes by real processes on real video; the results are judged with PyAV."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dags.transcoding.node.playlist import media_segments
from demo.probe import complaints, find_streams, probe

from .conftest import Node
from .streams import listen, nearest, watch

pytestmark = pytest.mark.slow

LADDER = "1080p:1920x1080:5000,216p:384x216:400,144p:256x144:200"


@dataclass(frozen=True)
class Run:
    """A finished transcode."""

    source: Path
    folder: Path
    plan: dict[str, Any]

    def rendition(self, name: str) -> Path:
        return self.folder / "renditions" / f"{name}.mp4"

    @property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return manifest


@pytest.fixture(scope="module")
def bunny(node: Node, big_buck_bunny: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("bunny")
    return Run(big_buck_bunny, folder, node.transcode(folder, big_buck_bunny, LADDER))


def test_the_probe_tells_what_pyav_tells(bunny: Run) -> None:
    told = json.loads((bunny.folder / "probe.json").read_text())
    source = watch(bunny.source)
    assert (told["width"], told["height"], told["frames"]) == (1280, 720, len(source.times))
    assert told["duration_s"] == pytest.approx(source.duration_s, abs=0.001)
    assert (told["video_codec"], told["frame_rate"], told["keyframes"]) == ("h264", "25/1", 1)
    assert told["audio"]["codec"] == "aac"
    assert told["audio"]["channel_layout"] == "5.1"
    assert told == bunny.plan["source"]


def test_one_keyframe_does_not_hinder_the_fan_out_and_nothing_is_enlarged(bunny: Run) -> None:
    assert [segment["frames"] for segment in bunny.plan["segments"]] == [50, 50, 32]
    assert [rendition["name"] for rendition in bunny.plan["renditions"]] == ["216p", "144p"]


@pytest.mark.parametrize(("name", "size"), [("216p", (384, 216)), ("144p", (256, 144))])
def test_a_rendition_has_every_picture_of_the_source_at_its_time(
    bunny: Run, name: str, size: tuple[int, int]
) -> None:
    source, made = watch(bunny.source), watch(bunny.rendition(name))
    assert (made.width, made.height, made.codec, made.pixel_format) == (*size, "h264", "yuv420p")
    assert made.times == pytest.approx(source.times, abs=1e-4)
    assert made.duration_s == pytest.approx(source.duration_s, abs=0.001)
    assert np.abs(made.pictures - source.pictures).mean(axis=(1, 2)).max() < 8


def test_the_demo_finds_all_streams_right(bunny: Run) -> None:
    found = [path for name in ("hls", "renditions") for path in find_streams(bunny.folder / name)]
    streams = [probe(path, path.relative_to(bunny.folder).as_posix()) for path in found]
    due = {
        name: height
        for height in (216, 144)
        for name in (f"hls/{height}p/index.m3u8", f"renditions/{height}p.mp4")
    }
    assert complaints(probe(bunny.source, "source"), streams, due) == []


def test_all_renditions_have_keyframes_at_the_same_times(bunny: Run) -> None:
    assert watch(bunny.rendition("216p")).keyframe_times == pytest.approx([0, 2, 4])
    assert watch(bunny.rendition("144p")).keyframe_times == pytest.approx([0, 2, 4])


def test_the_sound_is_stereo_aac_and_whole(bunny: Run) -> None:
    before, after = listen(bunny.source), listen(bunny.rendition("216p"))
    assert before is not None
    assert after is not None
    assert (after.codec, after.channels, after.rate) == ("aac", 2, 48000)
    assert len(after.samples) / after.rate == pytest.approx(len(before.samples) / before.rate, abs=0.05)
    assert after.start_s == pytest.approx(0, abs=0.001)


def test_hls_variants_play_from_their_playlists_and_cover_the_source(bunny: Run) -> None:
    source = watch(bunny.source)
    for name in ("216p", "144p"):
        playlist = bunny.folder / "hls" / name / "index.m3u8"
        text = playlist.read_text()
        entries = media_segments(text)
        assert all((playlist.parent / entry.uri).is_file() for entry in entries)
        assert {path.name for path in playlist.parent.iterdir()} == {
            "index.m3u8",
            "init.mp4",
            *(entry.uri for entry in entries),
        }
        assert [entry.duration_s for entry in entries] == pytest.approx([2.0, 2.0, 1.28], abs=0.001)
        assert "#EXT-X-PLAYLIST-TYPE:VOD" in text
        assert "#EXT-X-ENDLIST" in text
        played = watch(playlist)
        # The clock of the segments begins with the encoder delay of the sound, for both streams alike.
        assert 0 <= played.times[0] < 0.1
        assert np.subtract(played.times, played.times[0]) == pytest.approx(source.times, abs=1e-3)
        assert listen(playlist) is not None


def test_the_master_playlist_names_variants_with_their_true_rates(bunny: Run) -> None:
    lines = (bunny.folder / "hls" / "master.m3u8").read_text().splitlines()
    entries = {uri: tags for tags, uri in pairwise(lines) if tags.startswith("#EXT-X-STREAM-INF")}
    assert list(entries) == ["216p/index.m3u8", "144p/index.m3u8"]
    assert "RESOLUTION=384x216," in entries["216p/index.m3u8"]
    assert "FRAME-RATE=25.000" in entries["216p/index.m3u8"]
    made = watch(bunny.rendition("216p"))
    assert made.profile == "High"
    assert f'CODECS="avc1.{made.profile_and_level},mp4a.40.2"' in entries["216p/index.m3u8"]
    for uri, tags in entries.items():
        folder = (bunny.folder / "hls" / uri).parent
        segments = media_segments((folder / "index.m3u8").read_text())
        rates = [(folder / s.uri).stat().st_size * 8 / s.duration_s for s in segments]
        bandwidth, average = (int(word.split("=")[1]) for word in tags.partition(":")[2].split(",")[:2])
        assert bandwidth == pytest.approx(max(rates), rel=0.001)
        assert min(rates) < average < bandwidth


def test_the_manifest_tells_what_is_there(bunny: Run) -> None:
    manifest = bunny.manifest
    assert manifest["source"]["name"] == "bigbuckbunny.mp4"
    assert manifest["tools"]["ffmpeg"]
    assert manifest["created"].endswith("+00:00")
    for file in manifest["files"]:
        assert (bunny.folder / file["path"]).stat().st_size == file["bytes"], file
    listed = {file["path"] for file in manifest["files"]}
    assert {manifest["master_playlist"], manifest["thumbnails"], "thumbnails/thumbnails.vtt"} <= listed
    for entry in manifest["renditions"]:
        assert {entry["file"], entry["playlist"]} <= listed
        made = watch(bunny.folder / entry["file"])
        assert (entry["width"], entry["height"], entry["frames"]) == (
            made.width,
            made.height,
            len(made.times),
        )
        assert entry["duration_s"] == pytest.approx(made.duration_s, abs=0.001)
        assert (entry["video_codec"], entry["audio_codec"]) == ("h264", "aac")


def test_the_thumbnail_sheet_is_a_grid_of_the_right_pictures(bunny: Run) -> None:
    sheet = watch(bunny.folder / "thumbnails" / "sheet.jpg", size=(288, 108))
    assert (sheet.width, sheet.height) == (288, 108)
    source = watch(bunny.source, size=(96, 54))
    for number in range(6):
        x, y = number % 3 * 96, number // 3 * 54
        picture = sheet.pictures[0][y : y + 54, x : x + 96]
        at = round((number + 0.5) * 5.28 / 6 * 25)
        assert min(np.abs(source.pictures[at - 3 : at + 4] - picture).mean(axis=(1, 2))) < 12


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_open_gops_lose_and_double_no_picture_at_a_cut(
    node: Node, moving: Path, tmp_path: Path, container: str
) -> None:
    source = moving
    if container != "mp4":
        source = node.make(tmp_path / f"source.{container}", "-i", str(moving), "-c", "copy")
    plan = node.transcode(tmp_path / "work", source, "144p:256x144:400", segment_seconds=1)
    before, after = watch(source), watch(tmp_path / "work" / "renditions" / "144p.mp4")
    assert len(plan["segments"]) == 4
    assert len(after.times) == len(before.times) == 150
    assert nearest(after.pictures, before.pictures) == list(range(150))
    assert np.diff(after.times) == pytest.approx(np.diff(before.times), abs=0.0011)
    assert listen(tmp_path / "work" / "renditions" / "144p.mp4") is None
    manifest = json.loads((tmp_path / "work" / "manifest.json").read_text())
    assert manifest["renditions"][0]["audio_codec"] is None
    assert "mp4a" not in manifest["renditions"][0]["codecs"]


def test_a_turned_video_of_odd_size_comes_out_upright_and_even(node: Node, tmp_path: Path) -> None:
    flat = node.make(
        tmp_path / "flat.mp4",
        *("-f", "lavfi", "-i", "testsrc=size=321x241:rate=12", "-frames:v", "12", "-pix_fmt", "yuv444p"),
        *("-c:v", "libx264", "-preset", "ultrafast"),
    )
    turned = node.make(tmp_path / "turned.mp4", "-display_rotation", "90", "-i", str(flat), "-c", "copy")
    plan = node.transcode(tmp_path / "work", turned, "1080p:1920x1080:5000")
    assert plan["source"]["rotation"] == 270
    made = watch(tmp_path / "work" / "renditions" / "240p.mp4", size=(36, 48))
    assert (made.width, made.height) == (240, 320)
    stored = watch(flat, size=(48, 36))
    upright = np.stack([np.rot90(picture) for picture in stored.pictures])
    assert np.abs(made.pictures - upright).mean(axis=(1, 2)).max() < 10
    sheet = watch(tmp_path / "work" / "thumbnails" / "sheet.jpg")
    assert (sheet.width, sheet.height) == (288, 256)


def test_uneven_picture_times_stay_as_they_are(node: Node, tmp_path: Path) -> None:
    source = node.make(
        tmp_path / "uneven.mp4",
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=6"),
        *("-vf", "select='not(mod(n,3))+gt(n,90)'", "-fps_mode", "vfr"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    )
    plan = node.transcode(tmp_path / "work", source, "144p:256x144:400")
    assert plan["source"]["variable_frame_rate"]
    before, after = watch(source), watch(tmp_path / "work" / "renditions" / "144p.mp4")
    assert after.times == pytest.approx(before.times, abs=1e-4)
    assert nearest(after.pictures, before.pictures) == list(range(len(before.times)))


@pytest.mark.parametrize("sound_late_s", [0.0, 0.7, -0.4])
def test_picture_and_sound_stay_in_step(node: Node, tmp_path: Path, sound_late_s: float) -> None:
    """A flash at 2 s and a tone that begins with it, in a container whose clock does not begin at zero."""
    offset = ("-itsoffset", str(sound_late_s))
    source = node.make(
        tmp_path / "flash.ts",
        *("-f", "lavfi", "-i", "color=black:size=192x108:rate=25:duration=4"),
        *(*offset, "-f", "lavfi", "-i", f"aevalsrc='sin(2764*t)*gte(t,{2 - sound_late_s})':s=48000:d=4"),
        *("-vf", "drawbox=t=fill:color=white:enable='gte(t,2)'", "-c:v", "libx264", "-preset", "ultrafast"),
        *("-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac"),
    )
    node.transcode(tmp_path / "work", source, "108p:192x108:400")
    for path in (
        tmp_path / "work" / "renditions" / "108p.mp4",
        tmp_path / "work" / "hls" / "108p" / "index.m3u8",
    ):
        video, sound = watch(path), listen(path)
        assert sound is not None
        flash_s = video.times[int(np.argmax(video.pictures.mean(axis=(1, 2)) > 128))]
        assert sound.first_loud_s() == pytest.approx(flash_s, abs=0.03)
