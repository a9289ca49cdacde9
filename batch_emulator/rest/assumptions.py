"""What no public text settles about requests and answers, and what is decided here.

Each name is used wherever the rule applies. Besides them: lists are in ordinal order of the ids
(``paging``), a property that an api-version does not have is refused with ``UnsupportedProperty``
(``validation``), and refused values are named by ``PropertyName``, ``PropertyValue`` and ``Reason``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from batch_emulator.service.times import format_time

NO_VERSION_CODE = "MissingRequiredQueryParameter"
"""A request without an api-version. (That an unknown one is `UnsupportedRequestVersion` is documented.)"""

CLOCK_SKEW = timedelta(minutes=15)
"""By how much the date of a signed request may differ from the server's: what the service family allows."""

MAX_PAGE = 1000
"""The most items of a page, of every list; older texts name less for node counts and extensions."""

QUOTE_IN_TEXT = "''"
"""How a quote is written inside the quotes of a filter's text: doubled, as OData has it."""


def message_trailer(request_id: str, now: datetime) -> str:
    """What follows the sentence in an error's message: real answers end with these two lines."""
    return f"\nRequestId:{request_id}\nTime:{format_time(now)}"
