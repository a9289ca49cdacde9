"""The pages of the documentation, and the code blocks in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))

_SHELLS = ("bash", "sh")
_SHELL_WORDS = ("done", "do", "export")
_SUBSTITUTION = re.compile(r"^\w+=\$\((.*)\)$", re.MULTILINE)
# What a page writes where a reader has to put a name of their own.
_PLACEHOLDER = re.compile(r"<[a-z-]+>")


@dataclass(frozen=True)
class Block:
    """A fenced code block.

    :param info: what follows the fence, such as ``python`` or ``bash``.
    :param line: of the page on which its text begins, from 1.
    """

    page: Path
    info: str
    line: int
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path, *infos: str) -> list[Block]:
    """The code blocks of a page that are of one of these kinds; all blocks when none is named."""
    return [
        Block(page, token.info.strip(), token.map[0] + 2, token.content)
        for token in _tokens(page)
        if token.type == "fence" and token.map and (not infos or token.info.strip() in infos)
    ]


def all_blocks(*infos: str) -> list[Block]:
    """The code blocks of all pages."""
    return [block for page in PAGES for block in blocks_of(page, *infos)]


def links_of(page: Path) -> list[str]:
    """Where a page's links lead."""
    inline = [child for token in _tokens(page) for child in token.children or ()]
    return [str(token.attrs["href"]) for token in inline if token.type == "link_open"]


def anchors_of(page: Path) -> set[str]:
    """The names by which a page's headings are linked to."""
    tokens = _tokens(page)
    heads = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def code_spans_of(page: Path) -> list[str]:
    """The texts between backticks."""
    inline = [child for token in _tokens(page) for child in token.children or ()]
    return [token.content for token in inline if token.type == "code_inline"]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command line in the pages' shell blocks: where it is, and its words without redirections."""
    for block in all_blocks(*_SHELLS):
        text = _PLACEHOLDER.sub("name", block.text.replace("\\\n", " "))
        for words in _split(_SUBSTITUTION.sub(r"\1", text)):
            yield block.where, words


def _split(text: str) -> Iterator[list[str]]:
    """Commands of a shell text, one a line; a quoted text may span lines."""
    pending = ""
    for line in text.splitlines():
        pending += f"{line}\n"
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:  # the quote is closed on a later line
            continue
        pending = ""
        while words and (re.fullmatch(r"\w+=.*", words[0]) or words[0] in _SHELL_WORDS):
            words.pop(0)
        if words:
            yield words
    if pending:
        raise ValueError(f"a quote is not closed in: {pending}")


def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


# The reference shows fragments: imports, and the examples of docstrings.
WITH_PYTHON = tuple(page for page in PAGES if page.parent.name != "reference" and blocks_of(page, "python"))
"""The pages whose Python blocks are, from top to bottom, a file of DAGs."""
