"""What goes wrong, and what the task's stderr.txt then says."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Node

pytestmark = pytest.mark.slow


def assert_reads_like_help(text: str) -> None:
    for part in ("What happened: ", "Likely cause: ", "Next step: "):
        assert part in text
    assert "Traceback" not in text


def scrambled(data: bytes, at: int, length: int) -> bytes:
    noise = random.Random(1).randbytes(length)
    return data[:at] + noise + data[at + length :]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "is empty: 0 bytes"),
        ("random", "cannot be read as a video"),
        ("text", "cannot be read as a video"),
        ("without its index", "the recording or the upload was cut off"),
        ("cut off after its index", "is cut off: its header promises 5.0"),
        ("damaged at its beginning", "decoding all of it fails"),
        ("sound only", "has no video stream"),
    ],
)
def test_a_bad_source_is_told_apart_at_the_probe(
    node: Node, moving: Path, tmp_path: Path, name: str, words: str
) -> None:
    source = tmp_path / "source.mp4"
    good = moving.read_bytes()
    if name == "sound only":
        node.make(source, "-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac")
    elif name == "cut off after its index":
        whole = node.make(tmp_path / "whole.mp4", "-i", str(moving), "-c", "copy", "-movflags", "+faststart")
        source.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    else:
        begin = good.index(b"mdat") + 1200
        source.write_bytes(
            {
                "empty": b"",
                "random": random.Random(1).randbytes(20_000),
                "text": b"this is no video\n" * 100,
                "without its index": good[: len(good) // 2],
                "damaged at its beginning": scrambled(good, begin, 4000),
            }[name]
        )
    done = node.run(tmp_path, "probe")
    assert done.returncode == 65, done.stdout
    assert words in done.stderr
    assert_reads_like_help(done.stderr)
    assert not (tmp_path / "plan.json").exists()


@pytest.fixture(scope="module")
def split_bunny(node: Node, big_buck_bunny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("split")
    shutil.copy(big_buck_bunny, folder / "source.mp4")
    for step in (("probe", "--segment-seconds", "2", "--ladder", "144p:256x144:200"), ("split",)):
        done = node.run(folder, *step)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("-tune fillm", "invalid tune 'fillm'"),
        ("-no_such_option 1", "Unrecognized option 'no_such_option'"),
        ("-c:v libx999", "Unknown encoder 'libx999'"),
        ("-crf abc", "abc"),
        ("-vf fps=10,format=yuv420p", "works without them"),
    ],
)
def test_a_wrong_ffmpeg_option_is_a_usage_error_in_ffmpegs_own_words(
    node: Node, split_bunny: Path, option: str, words: str
) -> None:
    encode = ("encode", "--rendition", "144p", "--segment", "0", "--preset", "ultrafast")
    done = node.run(split_bunny, *encode, f"--ffmpeg-option={option}")
    assert done.returncode == 64, done.stderr
    assert words in done.stderr
    assert f"ffmpeg fails with the options {option}, and works without them" in done.stderr
    assert_reads_like_help(done.stderr)
    assert not (split_bunny / "encoded" / "144p" / "seg-0000.mp4").exists()


def test_a_right_ffmpeg_option_reaches_ffmpeg(node: Node, split_bunny: Path) -> None:
    encode = ("encode", "--rendition", "144p", "--segment", "1", "--preset", "ultrafast")
    done = node.run(split_bunny, *encode, "--ffmpeg-option=-metadata title='a title'")
    assert done.returncode == 0, done.stderr
    assert "encode 144p segment 2/3: 100 % " in done.stdout
    assert b"a title" in (split_bunny / "encoded" / "144p" / "seg-0001.mp4").read_bytes()


def test_damage_in_the_middle_is_found_by_the_step_that_meets_it(
    node: Node, split_bunny: Path, tmp_path: Path
) -> None:
    shutil.copytree(split_bunny, tmp_path / "work")
    segment = tmp_path / "work" / "segments" / "seg-0002.nut"
    data = segment.read_bytes()
    segment.write_bytes(scrambled(data, len(data) * 2 // 3, len(data) // 4))
    done = node.run(tmp_path / "work", "encode", "--rendition", "144p", "--segment", "2")
    assert done.returncode == 65, done.stdout
    assert "of 32 pictures could be decoded" in done.stderr
    assert_reads_like_help(done.stderr)


def test_segments_that_do_not_fit_together_are_not_joined(
    node: Node, split_bunny: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    shutil.copytree(split_bunny, work)
    (work / "audio.m4a").touch()
    parts = [work / "encoded" / "144p" / f"seg-000{index}.mp4" for index in range(3)]
    for index, option in enumerate(("-bf 2", "-bf 2", "-profile:v baseline")):
        encode = ("encode", "--rendition", "144p", "--segment", str(index), "--preset", "ultrafast")
        assert node.run(work, *encode, f"--ffmpeg-option={option}").returncode == 0
    other_settings = node.run(work, "join", "--rendition", "144p")
    assert other_settings.returncode == 70
    assert "encoded with other settings" in other_settings.stderr
    shutil.copy(parts[0], parts[2])
    node.run(work, "audio")
    too_many = node.run(work, "join", "--rendition", "144p")
    assert too_many.returncode == 70
    assert "pictures, but the source has 132" in too_many.stderr
    assert_reads_like_help(too_many.stderr)


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (("probe", "--input", "gone.mp4"), "The source gone.mp4"),
        (("split", "--plan", "gone.json"), "There is no plan at gone.json"),
        (("encode", "--rendition", "144p", "--segment", "0", "--segments-dir", "gone"), "gone/seg-0000.nut"),
        (("join", "--rendition", "144p", "--encoded-dir", "gone"), "gone/144p/seg-0000.mp4"),
        (("package", "--renditions-dir", "gone"), "gone/144p.mp4"),
    ],
)
def test_a_missing_input_is_named(
    node: Node, split_bunny: Path, arguments: tuple[str, ...], missing: str
) -> None:
    done = node.run(split_bunny, *arguments)
    assert done.returncode == 66
    assert missing in done.stderr
    assert_reads_like_help(done.stderr)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "required: step"),
        (("transmogrify",), "transmogrify"),
        (("encode", "--rendition", "144p"), "--segment"),
        (("encode", "--rendition", "720p", "--segment", "0"), "no rendition '720p'; it has: 144p"),
        (("encode", "--rendition", "144p", "--segment", "9"), "no segment 9"),
        (("probe", "--ladder", "720p"), "'720p' is not written as"),
        (("probe", "--segment-seconds", "0"), "--segment-seconds"),
    ],
)
def test_wrong_usage_ends_with_64(
    node: Node, split_bunny: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = node.run(split_bunny, *arguments)
    assert done.returncode == 64
    assert words in done.stderr
    assert_reads_like_help(done.stderr)


def test_a_node_without_ffmpeg_says_so(node: Node, tmp_path: Path) -> None:
    shutil.copytree(node.folder, tmp_path / "app", ignore=shutil.ignore_patterns("ffmpeg"))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "app" / "transcode.py"), "probe"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 69
    assert "application package" in done.stderr
    assert_reads_like_help(done.stderr)
