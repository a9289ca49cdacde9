"""Small values in the form the Azure Batch REST API takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

# Properties that hold secrets. The service never returns them; no log, fingerprint or comparison has them.
SECRET_PROPERTIES = frozenset({"password", "accountKey", "sasKey", "sshPrivateKey", "protectedSettings"})


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


def present(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A wire model of what is there: without None and empty lists."""
    return {name: value for name, value in properties.items() if value is not None and value != []}


def identity_wire(resource_id: str | None) -> dict[str, str] | None:
    """The wire model BatchNodeIdentityReference; None without an identity."""
    return {"resourceId": resource_id} if resource_id else None


def without_secrets(wire: Any) -> Any:
    """A wire model without its secrets."""
    if isinstance(wire, Mapping):
        return {name: without_secrets(value) for name, value in wire.items() if name not in SECRET_PROPERTIES}
    return [without_secrets(item) for item in wire] if isinstance(wire, (list, tuple)) else wire


def secrets_in(wire: Any) -> Iterator[str]:
    """The secrets of a wire model, to be masked."""
    if isinstance(wire, Mapping):
        for name, value in wire.items():
            yield from _texts(value) if name in SECRET_PROPERTIES else secrets_in(value)
    elif isinstance(wire, (list, tuple)):
        for item in wire:
            yield from secrets_in(item)


def _texts(value: Any) -> Iterator[str]:
    for item in value.values() if isinstance(value, Mapping) else [value]:
        if isinstance(item, str) and item:
            yield item
