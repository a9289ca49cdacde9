"""Paths and patterns of files on a node, read by the rules of Azure Batch.

Rules of wildcards: Azure Batch: *Persist output with the service API*, 'Specify a file pattern for matching'.
"""

from __future__ import annotations

import re

from airflow_batch_provider.spec.errors import SpecError

_WILD = re.compile(r"[*?\[]")
_VISIBLE = r"(?!\.)"
_FOLDERS = rf"(?:{_VISIBLE}[^/]+/)*"
STANDARD_STREAMS = "../std*.txt"
_STREAM_PATTERNS = frozenset({STANDARD_STREAMS, "../stdout.txt", "../stderr.txt"})


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern can match more than the one file it spells."""
    return bool(_WILD.search(pattern))


def fixed_directory(pattern: str) -> str:
    """The directories before the first wildcard: ``a/b/*.txt`` gives ``a/b``, ``*.txt`` gives an empty text.

    Uploaded files keep their path below it (Azure Batch REST reference: *Add task*, 'OutputFile').
    """
    fixed: list[str] = []
    for part in pattern.split("/")[:-1]:
        if has_wildcard(part):
            break
        fixed.append(part)
    return "/".join(fixed)


def matches(pattern: str, path: str) -> bool:
    """Whether a file of the working directory is matched by an output pattern.

    ``*`` and ``?`` stop at ``/`` and do not take a leading dot; ``**`` takes any directories.
    """
    return re.fullmatch(_expression(pattern), path) is not None


def can_begin(pattern: str, beginning: str) -> bool:
    """Whether a name that is matched by a pattern can begin so."""
    tokens = _tokens(pattern)
    cut_short = [token.replace(_FOLDERS, _VISIBLE + ".*") for token in tokens]
    return not beginning or any(
        re.fullmatch("".join(tokens[:at]) + last, beginning) for at, last in enumerate(cut_short)
    )


def can_end(pattern: str, ending: str) -> bool:
    """Whether a name that is matched by a pattern can end so, in any case of letters."""
    tokens = _tokens(pattern)
    cut_short = [token.replace(_FOLDERS, "(?:.*/)?").removeprefix(_VISIBLE) for token in tokens]
    return not ending or any(
        re.fullmatch(first + "".join(tokens[at + 1 :]), ending, re.IGNORECASE)
        for at, first in enumerate(cut_short)
    )


def check_pattern(pattern: str, *, what: str, where: str) -> None:
    """Check a pattern that whole names are matched with.

    Parameters:
        what: the option that has it.

    Raises:
        SpecError: a bracket that is not closed, or a range of characters that runs backwards.
    """
    at = 0
    while at < len(pattern):
        taken, _ = _token(pattern, at, at_start=False)
        if pattern[at] == "[" and taken == 1:
            raise SpecError(
                f"a '[' in {what} {pattern!r} has no ']'",
                where=where,
                right="Close it, as in '[abc]'; the character itself is '[[]'.",
            )
        at += taken
    try:
        re.compile(_expression(pattern))
    except re.error as error:
        raise SpecError(
            f"{what} is {pattern!r}, which cannot be read: {error.msg}",
            where=where,
            right="Write characters in brackets as '[abc]' or '[a-z]'.",
        ) from None


def _expression(pattern: str) -> str:
    return "".join(_tokens(pattern))


def _tokens(pattern: str) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        at_start = at == 0 or pattern[at - 1] == "/"
        taken, expression = _token(pattern, at, at_start=at_start)
        out.append(expression)
        at += taken
    return out


def _token(pattern: str, at: int, *, at_start: bool) -> tuple[int, str]:
    visible = _VISIBLE if at_start else ""
    if pattern.startswith("**/", at):
        return 3, _FOLDERS
    if pattern.startswith("**", at):
        return 2, visible + ".*"
    if pattern[at] == "*":
        return 1, visible + "[^/]*"
    if pattern[at] == "?":
        return 1, visible + "[^/]"
    end = pattern.find("]", at + 2)
    if pattern[at] == "[" and end > 0:
        inside = pattern[at + 1 : end]
        negated = inside.startswith("!")
        body = re.sub(r"([\\\]^\[])", r"\\\1", inside[1:] if negated else inside)
        return end + 1 - at, f"[{'^/' if negated else ''}{body}]"
    return 1, re.escape(pattern[at])


def check_path(path: object, *, where: str, kind: str = "path", streams: bool = False) -> str:
    """Check a path below a task's working directory.

    Parameters:
        path: the path as it was written.
        where: task and option, for the error.
        kind: what it is called in the error.
        streams: whether ``../std*.txt`` is allowed, which reaches the standard output and error.

    Raises:
        SpecError: not text, empty, absolute, or outside of the working directory (*Resource files*).
    """
    if not isinstance(path, str) or not path:
        raise SpecError(
            f"the {kind} is {path!r}", where=where, right="Write a path below the task's working directory."
        )
    if streams and path in _STREAM_PATTERNS:
        return path
    if path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", path):
        raise SpecError(
            f"the {kind} {path!r} is absolute",
            where=where,
            right="Paths are relative to the task's working directory; leave the leading part out.",
        )
    if ".." in re.split(r"[/\\]", path):
        raise SpecError(
            f"the {kind} {path!r} leaves the task's working directory",
            where=where,
            right="Azure Batch refuses '..'; move the file below the working directory.",
        )
    return path
