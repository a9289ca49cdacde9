"""The pages hang together: links lead somewhere, and tables say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, anchors_of, links_of
from tests.docs.reference import TABLES, stated


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links_of(page):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_a_page_was_merged_to_its_end(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert not [line for line in lines if line.startswith(("<<<<<<< ", ">>>>>>> "))]


def test_every_page_is_in_the_index() -> None:
    docs, gallery = ROOT / "docs", ROOT / "docs" / "gallery"
    pages = {page.name for page in docs.glob("*.md")} - {"index.md"}
    assert pages | {"gallery/index.md"} <= set(links_of(docs / "index.md"))
    assert {page.name for page in gallery.glob("*.md")} - {"index.md"} <= set(links_of(gallery / "index.md"))


@pytest.mark.parametrize("title", TABLES)
def test_a_table_says_what_the_code_says(title: str) -> None:
    found = [rows for page in PAGES if (rows := stated(page.read_text("utf-8"), title))]
    assert found, "no page has it"
    for rows in found:
        assert rows == TABLES[title](), "the code has changed; write the tables anew by: make docs"
