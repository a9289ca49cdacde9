"""The API reference is whole, and says what the source says."""

from __future__ import annotations

import importlib
import re

import pytest

from airflow_batch_provider import spec
from airflow_batch_provider.provider_info import modules_of
from batch_emulator import simulation, testing
from tests.docs.api import docstrings
from tests.docs.api.objects import Thing, things
from tests.docs.api.pages import PAGES
from tests.docs.api.writing import FOLDER, write
from tests.docs.pages import anchors_of, links_of

ENTRIES = {path: methods for page in PAGES for path, methods in page.entries.items()}
SHOWN = [
    (f"{path}.{name}".rstrip("."), things()[path] if not name else things()[path].method(name))
    for path, methods in ENTRIES.items()
    for name in ("", *methods)
]
SAYS_WHAT_IT_GIVES = re.compile(r"(The|An?|As|What|Whether|For each|One) |.*\b(gives|returns)\b", re.DOTALL)
TIMES = re.compile(r"(interval|timeout|delay|settle|away|seconds)$")
# What all operators of one kind share, and what makes them.
BASES = {
    "PoolActionOperator", "NamedPoolOperator", "ScheduleChangeOperator", "StateChangeOperator",
    "AzureBatchSensor", "AzureBatchSubmitOperator", "AzureBatchEndOperator", "AzureBatchMemberOperator",
    "GroupSettings", "AzureBatchDecoratedOperator",
}  # fmt: skip


def test_the_pages_are_as_they_are_written_from_the_source() -> None:
    written = write()
    assert set(FOLDER.glob("*.md")) == set(written), "write them anew by: make docs"
    for path, text in written.items():
        assert path.read_text("utf-8") == text, f"{path.name}: write it anew by: make docs"


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.stem)
def test_links_of_the_reference_lead_somewhere(page: object) -> None:
    for link in links_of(page):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors_of(target), link


def test_whatever_an_author_can_name_is_in_the_reference() -> None:
    names = {path.rpartition(".")[2] for path in ENTRIES}
    rooms = ("operators", "sensors", "links", "task_groups", "decorators")
    declared = {
        name
        for module in (name for room in rooms for name in modules_of(room))
        for name, value in vars(importlib.import_module(module)).items()
        if isinstance(value, type) and value.__module__ == module and not name.startswith("_")
        if not name.endswith("Arguments")
    }
    public = {*spec.__all__, *testing.__all__, *simulation.__all__, *declared}
    assert public - names == BASES


@pytest.mark.parametrize(("name", "thing"), SHOWN, ids=[name for name, _ in SHOWN])
def test_a_docstring_says_all(name: str, thing: Thing) -> None:
    """Each argument, with the unit of times that are numbers; and what is given back."""
    assert thing.doc.text, f"{name} has no docstring"
    bare = [each.name for each in thing.arguments if not each.meaning]
    assert not bare, f"{name} does not say what {bare} are"
    times = [each for each in thing.arguments if "float" in each.type and TIMES.search(each.name)]
    assert all("second" in each.meaning for each in times), f"{name}: in which unit?"
    if thing.returns not in ("", "None") and not thing.says("property"):
        told = thing.doc.returns or SAYS_WHAT_IT_GIVES.match(" ".join(thing.doc.text))
        assert told, f"{name} does not say what it returns"


def test_both_forms_of_docstrings_are_read() -> None:
    """Make it.

    So that it is there.

    Parameters:
        first, second: how many, and
            of which kind.

    Raises:
        ValueError: too many.

    Source: a page.
    """
    here = docstrings.parse(test_both_forms_of_docstrings_are_read.__doc__)
    assert here.text == ["Make it.", "So that it is there.", "Source: a page."]
    assert here.parameters == dict.fromkeys(("first", "second"), "how many, and of which kind.")
    assert here.raises == {"ValueError": "too many."}
    fields = ":param a: one\n    thing.\n:returns: two.\n:raises OSError: no."
    other = docstrings.parse(f"Make it. Twice.\n\n{fields}")
    assert (other.summary, other.parameters) == ("Make it.", {"a": "one thing."})
    assert (other.returns, other.raises) == ("two.", {"OSError": "no."})
