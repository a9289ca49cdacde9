"""What programs have printed, as it is shown: bounded, and without secrets, also at the cuts."""

from __future__ import annotations

import pytest
from airflow.sdk.log import mask_secret

from airflow_batch_provider.client.requests.printed import (
    LINE_CHARS,
    TAIL_BYTES,
    TAIL_CHARS,
    last_lines,
    shortened,
)

SECRET = "the-password-of-a-warehouse"


@pytest.fixture(autouse=True)
def known_to_airflow() -> None:
    mask_secret(SECRET)


def test_a_line_is_shown_whole_up_to_its_bound() -> None:
    assert shortened("x" * LINE_CHARS, "stdout.txt") == "x" * LINE_CHARS
    assert len(shortened("x" * 300_000, "stdout.txt")) < LINE_CHARS + 100


@pytest.mark.parametrize("before", [LINE_CHARS - 2, LINE_CHARS - len(SECRET), LINE_CHARS])
def test_no_half_of_a_secret_is_left_where_a_line_is_cut(before: int) -> None:
    shown = shortened("x" * before + SECRET + "x" * LINE_CHARS, "stderr.txt")
    assert SECRET[:2] not in shown.replace("the line", "").replace("the whole", "")
    assert shown.endswith("[the line is cut here: stderr.txt has the whole]")


def test_of_ordinary_lines_the_last_twenty_are_shown() -> None:
    data = "".join(f"{number}\n" for number in range(100)).encode()
    assert last_lines(data, "stdout.txt", whole=True).splitlines() == [str(n) for n in range(80, 100)]
    assert last_lines(data[1:], "stdout.txt", whole=False).splitlines() == [str(n) for n in range(80, 100)]
    assert last_lines(b"", "stdout.txt", whole=True) == ""


def test_of_long_lines_the_end_is_shown_and_the_cut_is_marked() -> None:
    shown = last_lines(b"first\n" + b"x" * 300_000 + b"\nlast\n", "stdout.txt", whole=True)
    assert shown.startswith("[cut: stdout.txt has the whole] xxx")
    assert shown.endswith("x\nlast")
    assert len(shown) < TAIL_CHARS + 100


def test_a_secret_is_masked_where_the_end_is_cut() -> None:
    data = b"x" * 300_000 + SECRET.encode() + b"y" * (TAIL_CHARS - 5)
    shown = last_lines(data[-TAIL_BYTES:], "stdout.txt", whole=False)
    assert shown == f"[cut: stdout.txt has the whole] xx***{'y' * (TAIL_CHARS - 5)}"


@pytest.mark.parametrize("after", ["\n" * 40_000 + "last", "y" * 40_000, "y" * 40_000 + "\nlast"])
def test_what_is_read_may_begin_within_a_secret(after: str) -> None:
    data = (SECRET[5:] + after).encode()[:TAIL_BYTES]
    shown = last_lines(data, "stdout.txt", whole=False)
    assert SECRET[-4:] not in shown
    assert shown.endswith(data[-4:].decode().strip())
