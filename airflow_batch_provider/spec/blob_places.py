"""Where in a container new blobs can lie: beginnings of names, with dates and with folders to walk through.

``scans/{%Y/%m/%d}/`` stands for a folder a day, ``sensors/*/{%Y-%m-%d}/`` for one a day below each sensor.
A container lists its blobs by name only, so that what narrows the names is all that makes a look cheap.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from airflow_batch_provider.spec.blob_filter import check_beginning, check_prefix
from airflow_batch_provider.spec.errors import SpecError

_BRACES = re.compile(r"\{([^{}]*)\}")
_DIRECTIVE = re.compile(r"%(.?)")
#: Those whose text is the same in every language of the machine.
_DIRECTIVES = "YymdHj"
_FOLDER = re.compile(r"(?:^|(?<=/))\*/")
_STEP = dt.timedelta(hours=1)
_ANY_DATE = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
_WHERE = "prefix of a listed container"


@dataclass(frozen=True)
class BlobPlaces:
    """Beginnings of blob names that depend on the date.

    Parameters:
        template: text with dates in braces, as ``strftime`` takes them (``%Y %y %m %d %H %j``), and with
            ``*/`` for any folder.
        timezone: whose dates they are, by its name in the time zone database.

    Raises:
        SpecError: the template cannot be read, or there is no such zone here.
    """

    template: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if not isinstance(self.template, str):
            raise _wrong(f"the prefix is {self.template!r}", "Give text, such as 'scans/{%Y/%m/%d}/'.")
        check_prefix(self.template, _WHERE)
        for braces in _BRACES.finditer(self.template):
            _check_date(braces)
        rest = _BRACES.sub("", self.template)
        if "{" in rest or "}" in rest:
            raise _wrong(f"a brace in {self.template!r} has no partner", "Write dates as {%Y/%m/%d}.")
        if "*" in _FOLDER.sub("", self.template):
            raise _wrong(
                f"a '*' in {self.template!r} is not a whole folder",
                "Write '*/' for any folder: 'sensors/*/{%Y-%m-%d}/'.",
            )
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError, TypeError):
            raise _wrong(
                f"timezone is {self.timezone!r}",
                "Name a zone of the time zone database, such as 'Europe/Berlin'; or install tzdata.",
            ) from None

    @property
    def dated(self) -> bool:
        """Whether they depend on the date."""
        return _BRACES.search(self.template) is not None

    def between(self, first: dt.datetime, last: dt.datetime) -> tuple[str, ...]:
        """The places of all hours from one moment to another, oldest first; ``*/`` is still in them.

        Parameters:
            first, last: with a time zone.
        """
        if not self.dated:
            return (self.template,)
        zone = ZoneInfo(self.timezone)
        moments = [first + _STEP * n for n in range(max(0, (last - first) // _STEP + 1))]
        return tuple(dict.fromkeys(self._at(moment.astimezone(zone)) for moment in (*moments, last)))

    def check_meets(self, pattern: str, where: str) -> None:
        """Check that a blob in one of the places can have a name that matches a pattern.

        Raises:
            SpecError: it cannot. What lies below a folder that is walked through is not looked at, nor dates
                where the pattern tells digits apart.
        """
        beginning, *_ = split_folder(self.template) or (self.template,)
        if re.search(r"[\d\[]", pattern):
            beginning = beginning.partition("{")[0]
        else:
            beginning = _BRACES.sub(lambda braces: _ANY_DATE.strftime(braces[1]), beginning)
        check_beginning(pattern, beginning, self.template, where)

    def _at(self, moment: dt.datetime) -> str:
        return _BRACES.sub(lambda braces: moment.strftime(braces[1]), self.template)


def split_folder(place: str) -> tuple[str, str] | None:
    """What is before the first ``*/`` of a place and what follows it; None when it has none."""
    found = _FOLDER.search(place)
    return (place[: found.start()], place[found.end() :]) if found else None


def _check_date(braces: re.Match[str]) -> None:
    used = _DIRECTIVE.findall(braces[1])
    if not used or any(not each or each not in _DIRECTIVES for each in used):
        raise _wrong(
            f"{braces[0]} is no date",
            f"Use {', '.join('%' + each for each in _DIRECTIVES)} in braces, such as {{%Y/%m/%d}}.",
        )


def _wrong(what: str, right: str) -> SpecError:
    return SpecError(what, where=_WHERE, right=right)
