from __future__ import annotations

import contextlib
import re
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_emulator.rest.odata.filters import (
    EQUAL,
    EQUALITY,
    ORDER,
    PREFIX_AND_ORDER,
    FilterProperty,
    compile_filter,
)
from batch_emulator.service.errors import BatchError

Thing = dict[str, Any]


def read(name: str) -> Any:
    return lambda thing: thing.get(name)


PROPERTIES: dict[str, FilterProperty[Thing]] = {
    "id": FilterProperty(str, PREFIX_AND_ORDER, read("id")),
    "state": FilterProperty(str, EQUAL, read("state")),
    "big": FilterProperty(bool, EQUALITY, read("big")),
    "created": FilterProperty(datetime, ORDER, read("created")),
    "executionInfo/exitCode": FilterProperty(int, ORDER, read("exit")),
    "executionInfo/result": FilterProperty(str, EQUALITY, read("result")),
}
THING: Thing = {
    "id": "It's-7",
    "state": "active",
    "big": True,
    "created": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    "exit": 3,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("state eq 'active'", True),
        ("state eq 'ACTIVE'", True),
        ("state eq 'running'", False),
        ("id eq 'it''s-7'", True),
        ("startswith(id,'IT''S')", True),
        ("startswith( id , '7' )", False),
        ("id gt 'it'", True),
        ("big eq true", True),
        ("big ne true", False),
        ("executionInfo/exitCode ge 3", True),
        ("executionInfo/exitCode lt -1", False),
        ("created gt DateTime'2026-01-02T03:04:04Z'", True),
        ("created le datetime'2026-01-02T03:04:05.000Z'", True),
        ("created eq DateTime'Fri, 02 Jan 2026 03:04:05 GMT'", True),
        # absent properties equal nothing and differ from all
        ("executionInfo/result eq 'success'", False),
        ("executionInfo/result ne 'success'", True),
        # `and` binds tighter than `or`
        ("state eq 'active' or state eq 'x' and state eq 'y'", True),
        ("(state eq 'active' or state eq 'x') and state eq 'y'", False),
        ("state eq 'x' or (big eq true and (id lt 'z'))", True),
        ("  state   eq   'active'  ", True),
    ],
)
def test_filters(text: str, holds: bool) -> None:
    assert compile_filter(text, PROPERTIES)(THING) is holds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "position 0"),
        ("state", "position"),
        ("state eq", "value is expected"),
        ("state eq 'a", "position"),
        ("state eq active", "value is expected"),
        ("(state eq 'a'", r"'\)' is expected"),
        ("state eq 'a')", "position"),
        ("state eq 'a' and", "position"),
        ("state and 'a'", "not a comparison"),
        ("state ne 'a'", "'ne' is not allowed for 'state'; allowed: eq"),
        ("State eq 'a'", "cannot be filtered by 'State'"),
        ("startswith(state,'a')", "not allowed"),
        ("startswith(id 'a')", "',' is expected"),
        ("executionInfo/exitCode eq '3'", "an integer"),
        ("executionInfo/exitCode eq true", "an integer"),
        ("big eq 1", "true or false"),
        ("created gt '2026-01-02'", "a DateTime"),
        ("created gt DateTime'soon'", "not a date-time"),
        ("state eq 'a'; drop", "position"),
        ("(" * 60 + "state eq 'a'" + ")" * 60, "nested too deeply"),
    ],
)
def test_refusals_say_why(text: str, reason: str) -> None:
    with pytest.raises(BatchError) as caught:
        compile_filter(text, PROPERTIES)
    assert caught.value.code == "InvalidQueryParameterValue"
    assert caught.value.values["QueryParameterName"] == "$filter"
    assert re.search(reason, caught.value.values["Reason"])


@given(st.text(max_size=80))
def test_any_text_is_a_filter_or_a_refusal(text: str) -> None:
    with contextlib.suppress(BatchError):
        compile_filter(text, PROPERTIES)(THING)


@given(st.text(max_size=40))
def test_any_string_can_be_compared(text: str) -> None:
    quoted = text.replace("'", "''")
    assert compile_filter(f"id eq '{quoted}'", PROPERTIES)({"id": text})
