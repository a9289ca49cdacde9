"""Secrets in the definitions of a custom activity, which its node gets in clear.

Source: Azure Data Factory: *Use custom activities in an Azure Data Factory pipeline* (SecureString), and the
connection strings of Azure's services.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

# As linked services name their secrets. Not every key is one: think of partitionKey.
_SECRET_NAME = re.compile(
    r"(?i)(.*(password|secret|token)|pwd|pass|encryptedCredential"
    r"|.*(account|access|api|client|function|master|principal|private|shared|subscription)\s?key)"
)
_PAIR = re.compile(r"(?P<name>[A-Za-z][A-Za-z ]*?)\s*=\s*(?P<value>[^;]+)")


def secrets_in(definition: Any) -> list[str]:
    """Secrets of a definition, in the spellings in which a program can meet them: as they are, and in JSON.

    Values of ``SecureString``, values whose name says that they are secret, and the secret parts of
    connection strings.

    Parameters:
        definition: JSON, with Jinja in it rendered.
    """
    found = (secret for secret in _secrets(definition, "") if secret.strip())
    return list(dict.fromkeys(text for secret in found for text in (secret, json.dumps(secret)[1:-1])))


def _secrets(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, str):
        if _SECRET_NAME.fullmatch(name):
            yield value
        yield from (
            pair["value"].strip().strip("'\"")
            for pair in _PAIR.finditer(value)
            if _SECRET_NAME.fullmatch(pair["name"])
        )
    elif isinstance(value, Mapping):
        if value.get("type") == "SecureString" and isinstance(value.get("value"), str):
            yield value["value"]
        for key, item in value.items():
            yield from _secrets(item, name if key == "value" else str(key))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets(item, name)
