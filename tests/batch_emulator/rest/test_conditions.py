from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from batch_emulator.rest.conditions import parse_conditions
from batch_emulator.rest.values import format_http_date
from batch_emulator.service.errors import BatchError

CHANGED = datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=timezone.utc)
BEFORE = format_http_date(CHANGED - timedelta(seconds=5))
SAME = format_http_date(CHANGED)


@pytest.mark.parametrize(
    ("header", "value", "holds"),
    [
        ("if-match", '"0x1"', True),
        ("if-match", "0x1", True),
        ("if-match", "*", True),
        ("if-match", '"0x2"', False),
        ("if-none-match", '"0x1"', False),
        ("if-none-match", "0x2", True),
        ("if-none-match", "*", False),
        ("if-modified-since", BEFORE, True),
        ("if-modified-since", SAME, False),
        ("if-unmodified-since", BEFORE, False),
        # The client only knows whole seconds of what Last-Modified told it.
        ("if-unmodified-since", SAME, True),
    ],
)
@pytest.mark.parametrize("is_read", [True, False])
def test_conditions(header: str, value: str, holds: bool, is_read: bool) -> None:
    conditions = parse_conditions({header: value}, is_read=is_read)
    if holds:
        conditions.check("0x1", CHANGED)
        return
    with pytest.raises(BatchError) as caught:
        conditions.check("0x1", CHANGED)
    assert (caught.value.status, caught.value.code) == (304 if is_read else 412, "ConditionNotMet")


def test_without_conditions_all_is_well() -> None:
    parse_conditions({}, is_read=False).check("0x1", CHANGED)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"if-match": "*", "if-none-match": "*"}, "MultipleConditionHeadersNotSupported"),
        ({"if-match": "*", "if-modified-since": SAME}, "MultipleConditionHeadersNotSupported"),
        ({"if-modified-since": "yesterday"}, "InvalidHeaderValue"),
    ],
)
def test_refusals(headers: dict[str, str], code: str) -> None:
    with pytest.raises(BatchError) as caught:
        parse_conditions(headers, is_read=True)
    assert (caught.value.status, caught.value.code) == (400, code)
