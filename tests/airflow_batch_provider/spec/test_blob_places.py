"""Beginnings of names with dates and folders."""

from __future__ import annotations

import datetime as dt

import pytest

from airflow_batch_provider.spec.blob_places import BlobPlaces, split_folder
from airflow_batch_provider.spec.errors import SpecError


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("template", "first", "last", "places"),
    [
        ("scans/", "2026-11-25T00:00", "2026-11-26T00:00", ("scans/",)),
        (
            "scans/{%Y/%m/%d}/",
            "2026-11-30T23:59",
            "2026-12-02T00:00",
            ("scans/2026/11/30/", "scans/2026/12/01/", "scans/2026/12/02/"),
        ),
        (
            "{%Y%m%d-%H}",
            "2026-11-25T22:59",
            "2026-11-26T00:01",
            ("20261125-22", "20261125-23", "20261126-00"),
        ),
        ("*/{%j}/{%H}/", "2026-01-01T00:10", "2026-01-01T00:20", ("*/001/00/",)),
    ],
)
def test_places_of_a_stretch_of_time(template: str, first: str, last: str, places: tuple[str, ...]) -> None:
    assert BlobPlaces(template).between(moment(first), moment(last)) == places


def test_dates_are_those_of_the_zone() -> None:
    tokyo = BlobPlaces("{%Y-%m-%d}/", "Asia/Tokyo")

    assert tokyo.between(moment("2026-11-25T14:30"), moment("2026-11-25T15:30")) == (
        "2026-11-25/",
        "2026-11-26/",
    )


@pytest.mark.parametrize(
    ("template", "timezone", "said"),
    [
        ("scans/{ds}/", "UTC", "{ds} is no date"),
        ("scans/{%Y/%b}/", "UTC", "{%Y/%b} is no date"),
        ("scans/{%Y", "UTC", "no partner"),
        ("scans/*.tiff", "UTC", "not a whole folder"),
        ("scans/a*/", "UTC", "not a whole folder"),
        ("scans/", "Europe/Atlantis", "Europe/Atlantis"),
        (7, "UTC", "the prefix is 7"),
    ],
)
def test_what_cannot_be_read_is_refused(template: str, timezone: str, said: str) -> None:
    with pytest.raises(SpecError, match="prefix of a listed container") as refused:
        BlobPlaces(template, timezone)

    assert said in str(refused.value)


def test_the_first_folder_to_walk_through() -> None:
    assert split_folder("sensors/*/x/*/y") == ("sensors/", "x/*/y")
    assert split_folder("*/x") == ("", "x")
    assert split_folder("sensors/x/") is None
