"""Checks that several kinds of specification share. Names and types were checked at the door already."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from batch_emulator.service.durations import UNLIMITED, format_duration, parse_duration
from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import EMPTY_METADATA_KEY, invalid, missing
from batch_emulator.service.errors import BatchError
from batch_emulator.service.limits import INT32_MAX, MAX_DISPLAY_NAME_LENGTH, MAX_USER_NAME_LENGTH
from batch_emulator.service.pools.container_spec import check_settings

DEFAULT_USER_IDENTITY: Json = {"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}}


def without_nulls(body: Json) -> Json:
    """An explicit null means that the property was left out."""
    return {name: _deep(value) for name, value in body.items() if value is not None}


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        return without_nulls(value)
    if isinstance(value, list):
        return [_deep(item) for item in value]
    return value


def required(body: Json, name: str, path: str | None = None) -> Any:
    """A property without which there is nothing to do."""
    if body.get(name) is None:
        raise missing(path or name)
    return body[name]


def span_of(
    body: Json,
    name: str,
    *,
    least: timedelta | None = None,
    most: timedelta | None = None,
    path: str | None = None,
) -> timedelta | None:
    """A duration, read and checked against its bounds; ``None`` if absent."""
    text = body.get(name)
    if text is None:
        return None
    where = path or name
    try:
        span = parse_duration(str(text))
    except ValueError as error:
        raise invalid(where, text, str(error)) from None
    if least is not None and span < least:
        raise invalid(where, text, f"The value may not be less than {format_duration(least)}")
    if most is not None and span > most:
        raise invalid(where, text, f"The value may not be more than {format_duration(most)}")
    return span


def duration_of(body: Json, name: str, default: timedelta | None = None, **bounds: Any) -> str:
    """The canonical text of a duration; ``default`` (``None``: unlimited) if absent."""
    span = span_of(body, name, **bounds)
    if span is None:
        span = default
    return UNLIMITED if span is None else format_duration(span)


def whole_number(
    body: Json, name: str, default: int, least: int, most: int = INT32_MAX, path: str = ""
) -> int:
    """An integer between bounds."""
    value = body.get(name)
    if value is None:
        return default
    if not least <= value <= most:
        raise invalid(path or name, value, f"The value must be from {least} to {most}")
    return int(value)


def check_display_name(body: Json) -> None:
    name = body.get("displayName")
    if name is not None and len(name) > MAX_DISPLAY_NAME_LENGTH:
        raise invalid("displayName", name, f"A display name has at most {MAX_DISPLAY_NAME_LENGTH} characters")


def check_metadata(body: Json) -> None:
    for item in body.get("metadata") or ():
        if not item.get("name"):
            raise BatchError(EMPTY_METADATA_KEY)
        required(item, "value", "metadata.value")


def check_environment(body: Json, name: str = "environmentSettings") -> None:
    for item in body.get(name) or ():
        if not item.get("name"):
            raise missing(f"{name}.name")
        if "=" in item["name"] or "\0" in item["name"] or "\0" in (item.get("value") or ""):
            raise invalid(
                f"{name}.name", item["name"], "A name has no '=', and neither name nor value has NUL"
            )


def check_resource_files(body: Json, name: str = "resourceFiles") -> None:
    """Each resource file has exactly one source. Source: *Creating and using resource files*."""
    sources = ("httpUrl", "storageContainerUrl", "autoStorageContainerName")
    for item in body.get(name) or ():
        given = [source for source in sources if item.get(source) is not None]
        if len(given) != 1:
            raise invalid(name, ", ".join(given), f"Exactly one of {', '.join(sources)} must be given")
        path = item.get("filePath")
        if given == ["httpUrl"] and not path:
            raise invalid(f"{name}.filePath", path, "filePath is required with httpUrl")
        if given == ["httpUrl"] and item.get("blobPrefix"):
            raise invalid(f"{name}.blobPrefix", item["blobPrefix"], "blobPrefix has no meaning with httpUrl")
        if path and (path.startswith("/") or ".." in path.replace("\\", "/").split("/")):
            raise invalid(f"{name}.filePath", path, "The path must lie below the working directory")
        mode = item.get("fileMode")
        if mode is not None and not _is_octal(mode):
            raise invalid(f"{name}.fileMode", mode, "The mode is an octal number such as 0770")


def _is_octal(text: str) -> bool:
    try:
        return 0 <= int(text, 8) <= 0o7777
    except ValueError:
        return False


def check_output_files(body: Json) -> None:
    """Source: *Persist task data to Azure Storage with the Batch service API*."""
    for item in body.get("outputFiles") or ():
        if not item.get("filePattern"):
            raise missing("outputFiles.filePattern")
        container = (item.get("destination") or {}).get("container")
        if not container or not container.get("containerUrl"):
            raise missing("outputFiles.destination.container.containerUrl")
        required(
            item.get("uploadOptions") or {}, "uploadCondition", "outputFiles.uploadOptions.uploadCondition"
        )


def check_task_packages(body: Json) -> None:
    """Tasks name the application alone; pools by its full id."""
    for reference in body.get("applicationPackageReferences") or ():
        name = reference.get("applicationId")
        if name is None:
            raise missing("applicationPackageReferences.applicationId")
        if "/" in name:
            raise invalid(
                "applicationPackageReferences.applicationId", name, "A task names the application alone"
            )


def check_command(body: Json, owner: str = "") -> None:
    """A command line is required; it may be empty only in a container, whose image has one of its own."""
    prefix = f"{owner}." if owner else ""
    command_line = str(required(body, "commandLine", f"{prefix}commandLine"))
    if body.get("containerSettings") is not None:
        check_settings(body["containerSettings"], f"{prefix}containerSettings")
    elif not command_line.strip():
        raise invalid(f"{prefix}commandLine", "", "The command line is empty")
    check_environment(body)
    check_resource_files(body)


def user_identity(body: Json) -> Json:
    """Who runs a command: exactly one of a named user and an auto user.

    Source: *Run tasks under user accounts in Batch*; on Linux the default auto user has pool scope.
    """
    given = body.get("userIdentity")
    if not given:
        return DEFAULT_USER_IDENTITY
    auto_user, user_name = given.get("autoUser"), given.get("username")
    if (auto_user is None) == (user_name is None):
        raise invalid("userIdentity", "", "Exactly one of username and autoUser must be given")
    if user_name is not None:
        return {"username": user_name}
    return {"autoUser": {**DEFAULT_USER_IDENTITY["autoUser"], **auto_user}}


def user_accounts(accounts: Iterable[Json]) -> list[Json]:
    """User accounts as the service echoes them: without passwords and keys, which are kept nowhere."""
    echoed = []
    seen: set[str] = set()
    for account in accounts:
        name = required(account, "name", "userAccounts.name")
        required(account, "password", "userAccounts.password")
        if len(name) > MAX_USER_NAME_LENGTH or not name or name.lower() in seen:
            raise invalid(
                "userAccounts.name", name, f"Names have up to {MAX_USER_NAME_LENGTH} characters, each once"
            )
        seen.add(name.lower())
        kept = {key: value for key, value in account.items() if key != "password"}
        kept.setdefault("elevationLevel", "nonadmin")
        if "linuxUserConfiguration" in kept:
            kept["linuxUserConfiguration"] = _linux_user(kept["linuxUserConfiguration"])
        echoed.append(kept)
    return echoed


def users_of_system(accounts: Iterable[Json], os_type: str) -> list[Json]:
    """Users with settings of the pool's own operating system only, and with its defaults.

    Source: *UserAccount*; recorded answers (``loginMode``).
    """
    foreign = {"linux": "windowsUserConfiguration", "windows": "linuxUserConfiguration"}[os_type]
    for account in accounts:
        if foreign in account:
            raise invalid(f"userAccounts.{foreign}", account["name"], f"The nodes are {os_type} nodes")
    if os_type == "linux":
        return list(accounts)
    login = {"loginMode": "batch"}
    own = "windowsUserConfiguration"
    return [{**account, own: {**login, **(account.get(own) or {})}} for account in accounts]


def _linux_user(configuration: Json) -> Json:
    if ("uid" in configuration) != ("gid" in configuration):
        raise invalid(
            "userAccounts.linuxUserConfiguration", "", "uid and gid must be given together or not at all"
        )
    return {key: value for key, value in configuration.items() if key != "sshPrivateKey"}
