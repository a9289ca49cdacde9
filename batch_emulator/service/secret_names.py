"""Names of properties that clients send but never get back."""

from __future__ import annotations

from typing import Any

SECRETS = frozenset({"password", "accountKey", "sasKey", "sshPrivateKey", "protectedSettings"})


def without_secrets(value: Any) -> Any:
    """A value without keys and passwords, however deep they lie."""
    if isinstance(value, dict):
        return {name: without_secrets(item) for name, item in value.items() if name not in SECRETS}
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return value
