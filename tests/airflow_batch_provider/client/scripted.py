"""Carrying out scripts against a service made of plain functions, on a clock that only scripts move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from airflow_batch_provider.client.requests.steps import (
    Call,
    Glance,
    Look,
    Pause,
    Refusal,
    Say,
    Script,
    Send,
    Together,
)
from airflow_batch_provider.client.watching.subjects import BatchSubject

T = TypeVar("T")


class Scripted:
    """Answers the steps of a script by a function, and records them.

    :param answer: given an operation, its arguments and options; returns the answer or raises a Refusal.
    :param looks: views that looks at a job are answered with, in turn; an exception is raised.
    """

    def __init__(
        self, answer: Callable[..., Any] = lambda *asked: None, looks: list[Any] | None = None
    ) -> None:
        self.answer = answer
        self.looks = list(looks or [])
        self.asked: list[str] = []
        self.calls: list[Call] = []
        self.said: list[str] = []
        self.paused: list[float] = []
        self.now = 0.0

    def run(self, script: Script[T], most: int = 10_000) -> T:
        answer: Any = None
        refusal: Refusal | None = None
        for _ in range(most):
            try:
                step = script.throw(refusal) if refusal is not None else script.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            answer, refusal = None, None
            try:
                answer = self._do(step)
            except Refusal as refused:
                refusal = refused
        raise AssertionError("the script does not end")

    def _do(self, step: Any) -> Any:
        match step:
            case Pause():
                self.paused.append(step.seconds)
                self.now += step.seconds
            case Say():
                self.said.append(step.text)
            case Look():
                self.now += 1
                view = self.looks.pop(0)
                if isinstance(view, Exception):
                    raise view
                return view
            case Glance():
                assert isinstance(step.subject, BatchSubject)
                return self.run(step.subject.script())
            case Send():
                self.asked.append(step.path)
                return self.answer(step.path, (), step.headers)
            case Together():
                return [self._try(step) for step in step.calls]
            case Call():
                return self._call(step)
        return None

    def _call(self, call: Call) -> Any:
        self.asked.append(call.operation)
        self.calls.append(call)
        return self.answer(call.operation, call.arguments, call.options)

    def _try(self, step: Call | Send) -> Any:
        try:
            return self._do(step)
        except Refusal as refusal:
            return refusal


BUSY = Refusal("ServerBusy", 503, "busy", transient=True, retry_after=7.0)
