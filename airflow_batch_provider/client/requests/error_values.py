"""The named values that Azure Batch adds to a refusal: which of them people may see. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from airflow_batch_provider.spec.signatures import strike_signatures

_LONGEST = 200
"""Characters of a value that are told; a longer one is a whole part of the request."""

_SHORTEST = 4
"""Characters of a value that is a secret: a shorter one would be struck from within words."""

# What a property is called that may hold a secret: credentials, and what authors put theirs into.
_SECRET = re.compile(
    r"(?i)password|secret|key|sas|token|signature|credential|certificate|connectionString|environmentSettings"
    r"|commandLine|protectedSettings|customData|userAccounts|(^|\.)value$"
)

# Tells the request's signature beside what the service has computed.
_NEVER = frozenset({"authenticationerrordetail"})


def with_values(text: str, values: Iterable[tuple[object, object]]) -> str:
    """A message with what the service adds to it, such as ``(PropertyName: priority; Reason: ...)``.

    What was refused (``PropertyValue`` and its like) is told if it is short, and its property
    (``PropertyName``) is not one that may hold a secret; what is hidden is struck from the other values too.

    Parameters:
        text: the message.
        values: keys and values of a wire model BatchError.

    Returns:
        Both, without secrets; the message alone if there is nothing to add.
    """
    given = {str(key): str(value) for key, value in values if key and value}
    hidden = {key: value for key, value in given.items() if not _may_be_told(key, given)}
    parts = [
        f"{key}: {_without(value, hidden.values())}" for key, value in given.items() if key not in hidden
    ]
    return strike_signatures(f"{text} ({'; '.join(parts)})".strip() if parts else text)


def _may_be_told(key: str, given: dict[str, str]) -> bool:
    if key.lower() in _NEVER:
        return False
    if not key.endswith("Value"):
        return True
    named = given.get(f"{key.removesuffix('Value')}Name", "")
    value = given[key]
    return bool(named) and not _SECRET.search(named) and len(value) <= _LONGEST and value[:1] not in "{["


def _without(text: str, hidden: Iterable[str]) -> str:
    for value in hidden:
        if len(value) >= _SHORTEST:
            text = text.replace(value, "***")
    return text
