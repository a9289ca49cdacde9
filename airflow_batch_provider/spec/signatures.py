"""Signatures of SAS in texts that people see."""

from __future__ import annotations

import re

# Not after a letter: "design=" is no signature. After a digit it is: JSON may write "&" as "\u0026".
_SIGNATURE = r"(?i)(?<![a-z_])(sig=)[^&\s'\"\\<>]+"


def has_signature(text: str) -> bool:
    """Whether a text, such as a URL, holds a signature."""
    return re.search(_SIGNATURE, text) is not None


def strike_signatures(text: str) -> str:
    """A text, such as a service's message, a program's output or a value that is refused, without signatures.

    Airflow's log masker knows only those that its own process has minted or read: not those of the process
    that submitted the job, nor those that an author has written.
    """
    return re.sub(_SIGNATURE, r"\1***", text)
