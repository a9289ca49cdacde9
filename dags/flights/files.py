"""Raw files and where everything lies. Pure but for the listing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

__all__ = [
    "RAW",
    "REFERENCE",
    "RawFile",
    "day_of",
    "list_day",
    "list_raw",
    "list_tables",
    "not_as_listed",
]

RAW = "raw"
#: Tables that every file is joined with, below `raw/reference/`.
REFERENCE = ("airlines.csv", "airports.csv", "planes.csv", "weather.csv")

_NAME = re.compile(r"flights/(\d{4}-\d{2}-\d{2})/(.*[^/])", re.DOTALL)
_AIRPORT = re.compile(r"([A-Z]{3})\.csv")


@dataclass(frozen=True)
class RawFile:
    """One raw file: the departures of a day from one airport.

    Args:
        name: of the blob in the container `raw`, `flights/<day>/<airport>.csv`. What else lies in the folder
            of a day is a raw file with a flaw: it is set aside, so that it is not lost.
        etag: of the version that is there.
        written: when, ISO 8601 in UTC.
        listed: when the listing was made that shows it, by the clock of the storage service; ISO 8601 in UTC.
            None in a plan of a version that did not keep it: any listing of a known time is later.
    """

    name: str
    etag: str
    written: str
    listed: str | None = None

    @property
    def day(self) -> str:
        """The day in its name."""
        return self._parts[0]

    @property
    def origin(self) -> str | None:
        """The airport in its name; None if that is not `<airport>.csv`."""
        match = _AIRPORT.fullmatch(self._parts[1])
        return match[1] if match else None

    @property
    def flaw(self) -> str | None:
        """Why none of its rows can be loaded, whatever they are."""
        if self.origin:
            return None
        return "the name of the file is not <airport>.csv, such as JFK.csv"

    @property
    def _parts(self) -> tuple[str, str]:
        match = _NAME.fullmatch(self.name)
        if match is None:
            raise ValueError(f"{self.name} is no raw file; those are flights/<day>/<airport>.csv")
        return match[1], match[2]


def day_of(name: str) -> str | None:
    """The day in whose folder a blob lies, by its name; None if it is no day's."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return date.fromisoformat(match[1]).isoformat()
    except ValueError:
        return None


def list_raw(container: ContainerClient, days: Iterable[str]) -> list[dict[str, Any]]:
    """All raw files of these days as they are now: a day is always made anew from all of its files.

    Returns:
        `RawFile`s as dicts, as XCom takes them, by name.
    """
    return [asdict(file) for day in sorted(set(days)) for file in list_day(container, day)[0]]


def list_day(container: ContainerClient, day: str) -> tuple[list[RawFile], str]:
    """The raw files of a day as they are now, by name, and when they were listed; there may be none."""
    answered: list[str] = []  # of each page; what comes on later pages may be newer than the first
    blobs = list(
        container.list_blobs(
            name_starts_with=f"flights/{day}/",
            raw_response_hook=lambda answer: answered.append(answer.http_response.headers["Date"]),
        )
    )
    listed = parsedate_to_datetime(answered[0]).isoformat()
    files = [
        RawFile(blob.name, blob.etag.strip('"'), blob.last_modified.isoformat(), listed)
        for blob in blobs
        if day_of(blob.name) == day
    ]
    return files, listed


def list_tables(container: ContainerClient) -> dict[str, str]:
    """The ETags by name of the tables to join with, as they are now; those that are missing are left out."""
    there = {blob.name: blob.etag.strip('"') for blob in container.list_blobs(name_starts_with="reference/")}
    return {name: there[name] for name in (f"reference/{table}" for table in REFERENCE) if name in there}


def not_as_listed(
    container: ContainerClient, files: Sequence[RawFile], tables: Mapping[str, str]
) -> list[str]:
    """Names of blobs that are there in another version than was listed, or are gone.

    Nodes read what is there when they read. What is there in the listed version now, was so all the time.

    Args:
        files: those of one day.
        tables: see `list_tables`.
    """
    now = {file.name: file.etag for file in list_day(container, files[0].day)[0]} | list_tables(container)
    listed = {file.name: file.etag for file in files} | {**tables}
    return [name for name, etag in listed.items() if now.get(name) != etag]
