from __future__ import annotations

from fractions import Fraction

import pytest

from dags.transcoding.node.join import h264_parameters
from dags.transcoding.node.playlist import (
    MediaSegment,
    Variant,
    average_bandwidth,
    codecs_of,
    master_playlist,
    media_segments,
    peak_bandwidth,
)
from dags.transcoding.node.thumbnails import webvtt


def segments(*lengths: float) -> list[MediaSegment]:
    return [MediaSegment(length, f"{n}.m4s") for n, length in enumerate(lengths)]


def test_media_segments_are_read_past_other_tags() -> None:
    playlist = (
        '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2.000000,\n#EXT-X-GAP\na.m4s\n#EXTINF:1.5,title\nb.m4s\n'
    )
    assert media_segments(playlist) == [MediaSegment(2.0, "a.m4s"), MediaSegment(1.5, "b.m4s")]


def test_bandwidths_of_even_segments() -> None:
    assert average_bandwidth(segments(2, 2), [1000, 3000]) == 8000
    assert peak_bandwidth(segments(2, 2), [1000, 3000]) == 12000


def test_a_segment_shorter_than_half_the_target_is_no_peak_of_its_own() -> None:
    assert peak_bandwidth(segments(2, 2, 0.5), [1000, 1000, 2000]) == pytest.approx(3000 * 8 / 2.5)


def test_one_short_segment_alone_counts_whole() -> None:
    assert peak_bandwidth(segments(0.3), [300]) == 8000


def test_codecs_come_from_the_parameter_sets() -> None:
    box = b"\x00\x00\x00\x0f" + b"avcC" + bytes.fromhex("0164001fffe100")
    assert codecs_of(h264_parameters(b"moov" + box + b"rest"), audio=True) == "avc1.64001f,mp4a.40.2"
    assert codecs_of(h264_parameters(box), audio=False) == "avc1.64001f"
    assert h264_parameters(b"no such box") == b""


def test_the_master_playlist_has_what_players_choose_by() -> None:
    variant = Variant("720p/index.m3u8", 2000, 1500, 1280, 720, "avc1.64001f", Fraction(30000, 1001))
    assert master_playlist([variant]).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-STREAM-INF:BANDWIDTH=2000,AVERAGE-BANDWIDTH=1500,RESOLUTION=1280x720,"
        'CODECS="avc1.64001f",FRAME-RATE=29.970',
        "720p/index.m3u8",
    ]


def test_thumbnail_cues_point_into_the_sheet() -> None:
    assert webvtt(3, 1830.5, columns=2, width=96, height=54).split("\n\n") == [
        "WEBVTT",
        "00:00:00.000 --> 00:30:30.500\nsheet.jpg#xywh=0,0,96,54",
        "00:30:30.500 --> 01:01:01.000\nsheet.jpg#xywh=96,0,96,54",
        "01:01:01.000 --> 01:31:31.500\nsheet.jpg#xywh=0,54,96,54\n",
    ]
