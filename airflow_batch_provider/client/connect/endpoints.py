"""Account URLs: their right form, the account's name in them, and when plain http is acceptable."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit

_LOCAL_SUFFIXES = (".localhost", ".local", ".internal")


def is_local(host: str) -> bool:
    """Whether a host name can only be a machine nearby: the one place where plain http is accepted.

    Loopback and private addresses, names without a dot (a compose service) and names under
    ``.localhost``, ``.local`` and ``.internal`` are local.
    """
    name = host.lower().strip("[]")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(_LOCAL_SUFFIXES)
    return address.is_loopback or address.is_private


def is_local_http(url: str) -> bool:
    """Whether a URL is plain http to a local machine, as the emulators' URLs are."""
    parts = urlsplit(url)
    return parts.scheme == "http" and bool(parts.hostname) and is_local(parts.hostname or "")


def normal_url(text: str, port: int | None = None) -> str:
    """Bring an account URL to the form ``scheme://host[:port][/path]``.

    Parameters:
        text: as typed; without a scheme it is https, or http for a local name.
        port: TCP port given apart from the host, as Airflow's connections can.

    Raises:
        ValueError: no host, another scheme than http(s), a query, or http to a host that is not local.
            The text names the fault and the right form, never the query (it may hold a SAS).
    """
    typed = text.strip()
    if "://" not in typed:
        name = urlsplit(f"//{typed}").hostname or ""
        typed = f"{'http' if is_local(name) else 'https'}://{typed}"
    parts = urlsplit(typed)
    form = "write it as https://<account>.<region>.batch.azure.com"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"it is not an http(s) URL with a host name; {form}")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("it must hold no query, fragment or user name; keys have fields of their own")
    if parts.scheme == "http" and not is_local(parts.hostname):
        raise ValueError(f"plain http is accepted only for an emulator on a local machine; {form}")
    netloc = parts.netloc if parts.port or port is None else f"{parts.netloc}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))


def account_in_url(url: str, service: str) -> str | None:
    """The account's name in a URL like ``https://{account}.{region}.batch.azure.com``.

    Parameters:
        url: an account URL in normal form.
        service: the label that must be in the host name: ``batch`` or ``blob``.

    Returns:
        The name; for a local URL the first path segment (Azurite's path style); else None.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_local(host):
        return parts.path.strip("/").split("/")[0] or None
    labels = host.split(".")
    return labels[0] if service in labels[1:] else None
