"""Small values in the form the Azure Batch REST API takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta


def iso_duration(value: timedelta) -> str:
    """A length of time in ISO 8601: ``timedelta(days=1, minutes=2)`` gives ``P1DT2M``."""
    seconds = value.total_seconds() - value.days * 86400
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{int(hours)}H" if hours else "", f"{int(minutes)}M" if minutes else ""]
    if seconds:
        parts.append(f"{seconds:.6f}".rstrip("0").rstrip(".") + "S")
    time = "".join(parts)
    days = f"{value.days}D" if value.days else ""
    return f"P{days}{'T' + time if time else ''}" if days or time else "PT0S"


def environment_wire(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """The wire models EnvironmentSetting."""
    return [{"name": name, "value": value} for name, value in pairs]


def metadata_wire(items: Mapping[str, str]) -> list[dict[str, str]]:
    """The wire models BatchMetadataItem."""
    return [{"name": name, "value": value} for name, value in items.items()]
