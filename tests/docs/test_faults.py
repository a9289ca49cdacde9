"""The faults that a page shows are such as the emulator takes; its paths are those it serves."""

from __future__ import annotations

import json
import re

from aiohttp import web

from batch_emulator.control import add_control_routes
from batch_emulator.faults import parse_faults, to_json
from batch_emulator.faults.record import RequestRule
from batch_emulator.rest.credentials import Credentials
from batch_emulator.rest.operations import OPERATION_NAMES
from batch_emulator.runtime.engine import utcnow
from batch_emulator.simulation import parse_behaviour
from tests.docs.pages import PAGES, ROOT, blocks_of, code_spans_of

PAGE = ROOT / "docs" / "faults.md"


def test_the_document_is_one() -> None:
    shown = [json.loads(block.text) for page in PAGES for block in blocks_of(page, "json")]
    documents = [value for value in shown if {"requests", "nodes"} & set(value)]
    assert documents
    for document in documents:
        faults = parse_faults(document, OPERATION_NAMES)
        assert parse_faults(to_json(faults), OPERATION_NAMES) == faults
        assert all(isinstance(rule, RequestRule) for rule in faults.requests)


def test_the_paths_are_those_that_are_served() -> None:
    app = web.Application()
    # The routes are only looked at.
    add_control_routes(app, None, Credentials("a", "", ""), utcnow)  # type: ignore[arg-type]
    served = {resource.canonical for resource in app.router.resources()}
    named = {span for span in code_spans_of(PAGE) if re.match(r"[A-Z]+ /emulator/", span)}
    assert {span.split()[1] for span in named} == served


def test_the_behaviour_is_one() -> None:
    (shown,) = blocks_of(ROOT / "docs" / "simulation.md", "json")
    assert parse_behaviour(json.loads(shown.text)).failure_rate == 0.01
