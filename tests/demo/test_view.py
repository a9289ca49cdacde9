from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone

from rich.console import Console

from demo.stages import Stage
from demo.view import View

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def a_stage(done: int, *, failed: int = 0, over: bool = False) -> Stage:
    return Stage("Batch", "encode", 6, done, 2, failed, NOON, NOON + timedelta(seconds=4) if over else None)


def test_elsewhere_than_on_a_terminal_a_line_is_printed_per_change() -> None:
    file = io.StringIO()
    with View(Console(file=file, width=120)) as view:
        view.progress([a_stage(1)])
        view.progress([a_stage(1)])
        view.progress([a_stage(3, failed=1)])
        view.progress([a_stage(6, over=True)])
    lines = file.getvalue().splitlines()
    assert [line.split("encode")[1].strip() for line in lines] == [
        "1 of 6 done, 2 running",
        "3 of 6 done, 2 running, 1 failed",
        "6 of 6 done, 2 running, 4.0 s",
    ]
    assert "\x1b" not in file.getvalue()


def test_on_a_terminal_bars_are_drawn_and_left_standing() -> None:
    file = io.StringIO()
    with View(Console(file=file, width=120, force_terminal=True)) as view:
        view.progress([a_stage(3)])
        view.end_progress()
        view.say("afterwards")
    text = file.getvalue()
    assert "━" in text
    assert "3 of 6 done" in text
    assert "elapsed" in text
    assert text.index("3 of 6 done") < text.index("afterwards")


def test_text_with_brackets_is_printed_as_it_is() -> None:
    """Logs hold `[error]` and the like, which rich would take for markup."""
    file = io.StringIO()
    view = View(Console(file=file, width=120))
    view.plain("[red]not markup[/red]")
    view.say("[info] line")
    view.table("T", ("a",), [("[b]cell",)])
    for expected in ("[red]not markup[/red]", "[info] line", "[b]cell"):
        assert expected in file.getvalue()
