"""Which blobs a watcher wants: by place, name, size, content type, and what has happened to them. Pure.

Read by every watcher of blobs, whatever tells it of them. What is not known of a blob excludes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

from airflow_batch_provider.spec.checks import check_choice, refuse_jinja
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.options import whole
from airflow_batch_provider.spec.patterns import can_begin, can_end, check_pattern, matches
from airflow_batch_provider.spec.storage_names import check_container

CREATED, RENAMED, DELETED = "created", "renamed", "deleted"
EVENT_TYPES = (CREATED, RENAMED, DELETED)

_CONTENT_TYPE = re.compile(r"[^/;\s]+/[^/;\s]+")


class FilteredBlob(Protocol):
    """What a filter looks at. An unknown size is -1, an unknown content type is empty."""

    @property
    def kind(self) -> str: ...
    @property
    def container(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def content_type(self) -> str: ...


@dataclass(frozen=True)
class BlobFilter:
    """Which blobs are wanted; every part that is left out wants all.

    Parameters:
        container: only blobs of this container.
        prefix: only blobs whose name begins so.
        suffix: only blobs whose name ends with one of these, in any case of letters.
        pattern: only blobs whose whole name matches, with ``*``, ``**``, ``?`` and ``[abc]``; ``*`` stops
            at ``/``.
        min_bytes, max_bytes: only blobs of at least, at most so many bytes.
        content_type: only blobs of one of these MIME types, such as ``video/*``, in any case of letters;
            parameters such as ``charset`` are not looked at.
        event_types: what has happened to them: ``created`` (or overwritten), ``renamed``, ``deleted``.
    """

    container: str = ""
    prefix: str = ""
    suffix: tuple[str, ...] = ()
    pattern: str = ""
    min_bytes: int | None = None
    max_bytes: int | None = None
    content_type: tuple[str, ...] = ()
    event_types: tuple[str, ...] = (CREATED,)

    @classmethod
    def of(
        cls,
        where: str,
        *,
        container: str = "",
        prefix: str = "",
        suffix: str | Sequence[str] = "",
        pattern: str = "",
        min_bytes: int | None = None,
        max_bytes: int | None = None,
        content_type: str | Sequence[str] = "",
        event_types: str | Sequence[str] = (CREATED,),
    ) -> BlobFilter:
        """A filter from what an author has written.

        Parameters:
            where: whose filter it is, for the error.

        Raises:
            SpecError: a value that cannot work, or one that events of a chosen type never tell.
        """
        for what, value in (("prefix", prefix), ("pattern", pattern)):
            if not isinstance(value, str):
                raise SpecError(f"{what} is {value!r}", where=where, right=f"Write {what}='...'.")
        refuse_jinja(
            where,
            container=container,
            prefix=prefix,
            suffix=suffix,
            pattern=pattern,
            content_type=content_type,
        )
        if container != "":
            check_container(container, what="container", where=where)
        check_prefix(prefix, where)
        check_pattern(pattern, what="pattern", where=where)
        whole(min_bytes, "min_bytes", 0, where)
        whole(max_bytes, "max_bytes", 0, where)
        if None not in (min_bytes, max_bytes) and min_bytes > max_bytes:  # type: ignore[operator]
            raise SpecError(
                f"min_bytes is {min_bytes}, above max_bytes, which is {max_bytes}",
                where=where,
                right="No blob has such a size.",
            )
        made = cls(
            container=container,
            prefix=prefix,
            suffix=tuple(each.lower() for each in _texts(suffix, "suffix", where)),
            pattern=pattern,
            min_bytes=min_bytes,
            max_bytes=max_bytes,
            content_type=_content_types(content_type, where),
            event_types=_texts(event_types, "event_types", where),
        )
        made._check_event_types(where)
        check_beginning(pattern, prefix, prefix, where)
        _check_ending(pattern, made.suffix, where)
        return made

    def accepts(self, blob: FilteredBlob) -> bool:
        """Whether a blob is wanted."""
        return (
            blob.kind in self.event_types
            and self.container in ("", blob.container)
            and blob.name.startswith(self.prefix)
            and (not self.suffix or blob.name.lower().endswith(self.suffix))
            and (not self.pattern or matches(self.pattern, blob.name))
            and not (blob.size == 0 and blob.name.endswith("/"))  # a mark of an empty folder, and no file
            and self._accepts_size(blob.size)
            and self._accepts_content_type(blob.content_type)
        )

    def arguments(self) -> dict[str, Any]:
        """What :meth:`of` takes, of plain JSON values; what is left out stays out."""
        given = {
            name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()
        }
        return {name: value for name, value in given.items() if value not in ("", [], None)}

    def _accepts_size(self, size: int) -> bool:
        return size < 0 or (
            (self.min_bytes is None or size >= self.min_bytes)
            and (self.max_bytes is None or size <= self.max_bytes)
        )

    def _accepts_content_type(self, content_type: str) -> bool:
        plain = content_type.partition(";")[0].strip().lower()
        return not (plain and self.content_type) or any(
            fnmatchcase(plain, wanted) for wanted in self.content_type
        )

    def _check_event_types(self, where: str) -> None:
        if not self.event_types:
            raise SpecError(
                "event_types is empty", where=where, right=f"Choose from {', '.join(EVENT_TYPES)}."
            )
        for kind in self.event_types:
            check_choice(kind, EVENT_TYPES, what="a type in event_types", where=where)
        silent = [kind for kind in (RENAMED, DELETED) if kind in self.event_types]
        if silent and (self.min_bytes is not None or self.max_bytes is not None):
            raise SpecError(
                f"min_bytes and max_bytes choose by size, which events of type {silent[0]!r} do not tell",
                where=where,
                right="Leave the sizes out, or take events of type 'created' only.",
            )
        if RENAMED in self.event_types and self.content_type:
            raise SpecError(
                "content_type is given, which events of type 'renamed' do not tell",
                where=where,
                right="Leave content_type out, or take no events of type 'renamed'.",
            )


def check_prefix(prefix: str, where: str) -> None:
    """Check what the names of blobs begin with.

    Raises:
        SpecError: a slash at its beginning, which names in a container do not have.
    """
    if prefix.startswith("/"):
        raise SpecError(
            f"the prefix {prefix!r} begins with '/'",
            where=where,
            right=f"Names follow the container without one: {prefix.lstrip('/')!r}. (For blobs that do have "
            "such names use pattern='/...'.)",
        )


def check_beginning(pattern: str, beginning: str, prefix: str, where: str) -> None:
    """Check that a name can have a prefix and match a pattern.

    Parameters:
        beginning: what the prefix stands for.
        prefix: as it was written.

    Raises:
        SpecError: it cannot: no blob would be wanted.
    """
    if pattern and not can_begin(pattern, beginning):
        raise SpecError(
            f"no name begins with the prefix {prefix!r} and matches the pattern {pattern!r}",
            where=where,
            right="The pattern is for the whole name, with the prefix, and its '*' stops at '/': write "
            f"pattern={prefix.partition('{')[0] + '**'!r}, or so, or leave one of them out.",
        )


def _check_ending(pattern: str, suffixes: Sequence[str], where: str) -> None:
    if pattern and suffixes and not any(can_end(pattern, suffix) for suffix in suffixes):
        raise SpecError(
            f"no name ends with the suffix {suffixes[0]!r} and matches the pattern {pattern!r}",
            where=where,
            right="The pattern is for the whole name: let it end with '*', or leave the suffix out.",
        )


def _content_types(value: object, where: str) -> tuple[str, ...]:
    types = tuple(each.lower() for each in _texts(value, "content_type", where))
    for each in types:
        if not _CONTENT_TYPE.fullmatch(each):
            raise SpecError(
                f"a type in content_type is {each!r}",
                where=where,
                right="A MIME type has two parts and no parameters, such as 'image/*' or 'text/csv'.",
            )
    return types


def _texts(value: object, what: str, where: str) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else value
    if not isinstance(values, Sequence) or not all(isinstance(each, str) for each in values):
        raise SpecError(f"{what} is {value!r}", where=where, right=f"Write {what}='...' or {what}=['...'].")
    return tuple(each for each in values if each)
