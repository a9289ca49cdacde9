"""Secrets that do not show themselves."""

from __future__ import annotations

from urllib.parse import parse_qs, quote


def signatures_in(sas: str) -> list[str]:
    """What makes a SAS a secret, in the spellings in which it can be met: encoded and decoded."""
    found = []
    for signature in parse_qs(sas.lstrip("?")).get("sig", []):
        found += [signature, quote(signature, safe=""), quote(signature, safe="/")]
    return list(dict.fromkeys(found))


class Secret:
    """A key, password or token: compared and hashed like its text, never shown by ``repr`` or ``str``."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)
