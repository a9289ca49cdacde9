"""Waiting for a condition, with a deadline, while the stack is watched."""

from __future__ import annotations

import time
from collections.abc import Callable

from demo.stack import LocalStack

__all__ = ["wait_until"]


def wait_until(
    stack: LocalStack, what: str, condition: Callable[[], bool], seconds: float, *, pause: float = 0.25
) -> None:
    """Wait until something is so.

    Parameters:
        stack: a component of it that ends by itself ends the wait.
        what: what is waited for, for the failure.
        condition: asked again and again.
        seconds: at most.
        pause: seconds between two looks.

    Raises:
        AssertionError: it was not so in time.
        ComponentError: a component ended.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        stack.check()
        assert time.monotonic() < deadline, f"Not within {seconds:g} s: {what}."
        time.sleep(pause)
