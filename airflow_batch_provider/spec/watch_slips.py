"""What of a watcher's filter is surely meant otherwise. Pure.

It is warned of and not refused: names of blobs may have nearly any character.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

from airflow_batch_provider.spec.blob_filter import BlobFilter

_DATE = r"%[YymdHj](?![^\W_])"
_DATES = re.compile(rf"{_DATE}(?:[^\w%{{}}*?]?{_DATE})*")
_BRACES = re.compile(r"\{[^{}]*\}")
_SUFFIXES = re.compile(r"\.[^.,;|]+(?:[,;|]\s*\.[^.,;|]+)+")


def warn_of_slips(wanted: BlobFilter, where: str, *, listed_at: str | None = None) -> None:
    """Warn of what hardly any blob can have.

    Parameters:
        wanted: what the watcher lets through.
        where: the watcher.
        listed_at: the prefix of a listing, which may have dates in braces and folders of any name; None: the
            prefix is that of the filter.
    """
    for slip in _slips(wanted, listed_at):
        warnings.warn(f"{where}: {slip}", UserWarning, stacklevel=2)


def _slips(wanted: BlobFilter, listed_at: str | None) -> Iterator[str]:
    prefix = wanted.prefix if listed_at is None else listed_at
    if _has_wildcard(prefix if listed_at is None else _BRACES.sub("", prefix).replace("*/", "")):
        yield f"{_as_written('prefix', prefix)} write pattern={prefix + '**'!r}."
    for suffix in wanted.suffix:
        if _has_wildcard(suffix):
            plain = suffix.lstrip("*")
            better = f"pattern={'**' + plain!r}" if _has_wildcard(plain) else f"suffix={plain!r}"
            yield f"{_as_written('suffix', suffix)} write {better}."
        if _SUFFIXES.fullmatch(suffix):
            yield f"the suffix {suffix!r} is one. For several write suffix={re.split(r'[,;|] *', suffix)}."
    places = [("prefix", prefix), ("pattern", wanted.pattern)]
    for what, text in places:
        if wanted.container and f"{text}/".startswith(f"{wanted.container}/"):
            rest = text.removeprefix(wanted.container).lstrip("/")
            yield (
                f"the {what} {text!r} begins with the container's name, and names follow the container. "
                f"Unless it has such a folder, {f'write {what}={rest!r}' if rest else 'leave it out'}."
            )
    for what, text in (*places, *(("suffix", suffix) for suffix in wanted.suffix)):
        if found := _DATES.search(_BRACES.sub("", text)):
            right = "only the prefix of a BlobListedTrigger takes dates, in braces."
            if what == "prefix" and listed_at is not None:
                right = f"for dates write prefix={_in_braces(text)!r}."
            yield f"the {what} {text!r} has {found[0]!r}, which is taken as it is written: {right}"


def _has_wildcard(text: str) -> bool:
    """``[`` is common in names."""
    return "*" in text or "?" in text


def _as_written(what: str, text: str) -> str:
    return f"the {what} {text!r} has a wildcard, which is taken as it is written. Unless names have it too,"


def _in_braces(prefix: str) -> str:
    def part(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith("{") else f"{{{found[0]}}}"

    return re.sub(rf"{_BRACES.pattern}|{_DATES.pattern}", part, prefix)
