"""What no public text settles about nodes and what tasks find on them, and what is decided here.

Each name is used wherever the rule applies. Besides them: a try that follows another on the same node finds
its directory as the other left it (``directories``), and output files are uploaded at the end of each try by
their condition (``runs``).
"""

from __future__ import annotations

import shlex

SIGNAL_BASE = 128
"""A process that a signal ended has this plus the signal's number as exit code, as a shell reports it."""

RESERVED_DISK_BYTES = "1000000"
"""Below this much free space a node of Azure's is full; the documents show this number as an example."""

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""`PATH` of tasks that set none. The documents tell to rely on none."""


def split_words(command_line: str) -> tuple[str, ...]:
    """A command line is split as a POSIX shell does it, quotes and backslashes included, and no more.

    :raises ValueError: a quote has no end.
    """
    return tuple(shlex.split(command_line))


def package_names(application_id: str, version: str, *, is_default: bool) -> list[str]:
    """The part of a package's variables after `AZ_BATCH_APP_PACKAGE_`.

    The documents show the application's id both as given and in lower case, so both are set.
    """
    names: list[str] = []
    for application in dict.fromkeys((application_id, application_id.lower())):
        names.append(f"{application}_{version}")
        if is_default:
            names.append(application)
    return names
