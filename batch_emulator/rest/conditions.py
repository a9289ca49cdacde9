"""Conditional requests: ``If-Match`` and its kin.

Source: Azure Batch REST reference, *Conditional headers for Batch service operations*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from batch_emulator.rest.errors import KINDS, refusal
from batch_emulator.rest.values import parse_http_date
from batch_emulator.service.errors import BatchError

ETAG_HEADERS = ("if-match", "if-none-match")
DATE_HEADERS = ("if-modified-since", "if-unmodified-since")


@dataclass(frozen=True)
class Conditions:
    """The condition of one request, if it has one.

    :param name: header's name in lower case; ``None`` without a condition.
    :param value: the ETag without quotes, or ``*``, or the date's text.
    :param is_read: a read that is refused answers 304, a write 412.
    """

    name: str | None
    value: str
    is_read: bool

    def check(self, etag: str, last_modified: datetime) -> None:
        """Hold the condition against a resource.

        :raises BatchError: ``ConditionNotMet``.
        """
        if self.name is not None and not self._holds(etag, last_modified):
            raise self._not_met()

    def _holds(self, etag: str, last_modified: datetime) -> bool:
        if self.name in ETAG_HEADERS:
            matches = self.value in ("*", etag)
            return matches if self.name == "if-match" else not matches
        # HTTP dates have whole seconds only.
        modified_since = last_modified.replace(microsecond=0) > parse_http_date(self.value)
        return modified_since if self.name == "if-modified-since" else not modified_since

    def _not_met(self) -> BatchError:
        return BatchError(replace(KINDS["ConditionNotMet"], status=304 if self.is_read else 412))


def parse_conditions(headers: Mapping[str, str], *, is_read: bool) -> Conditions:
    """The condition in a request's headers.

    :param headers: names in lower case.
    :raises BatchError: ``MultipleConditionHeadersNotSupported``, ``InvalidHeaderValue``.
    """
    given = [name for name in (*ETAG_HEADERS, *DATE_HEADERS) if headers.get(name)]
    if len(given) > 1:
        raise refusal("MultipleConditionHeadersNotSupported", HeaderNames=", ".join(given))
    if not given:
        return Conditions(None, "", is_read)
    name, value = given[0], headers[given[0]].strip()
    if name in ETAG_HEADERS:
        return Conditions(name, value.removeprefix("W/").strip('"'), is_read)
    try:
        parse_http_date(value)
    except ValueError as error:
        raise refusal("InvalidHeaderValue", HeaderName=name, HeaderValue=value) from error
    return Conditions(name, value, is_read)
