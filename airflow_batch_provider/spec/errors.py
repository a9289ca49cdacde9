"""The error of a specification that cannot work, raised while the DAG is parsed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from airflow_batch_provider.spec.signatures import strike_signatures


class SpecError(ValueError):
    """A task, graph, file or option that Azure Batch would refuse or that cannot mean what was written.

    Parameters:
        what: what is wrong, with the value as it was written; signatures of SAS in it are struck.
        where: the task, option or file it was found in; left out when ``what`` says it.
        right: what would be right instead.
    """

    def __init__(self, what: str, *, where: str | None = None, right: str) -> None:
        what = strike_signatures(what)
        self.what = what
        self.where = where
        self.right = right
        stop = "" if what.endswith(("?", "!", ".")) else "."
        super().__init__(f"{f'{where}: ' if where else ''}{what}{stop} {right}")


@contextmanager
def placed(where: str) -> Iterator[None]:
    """Say where an error was found that does not say so itself.

    Parameters:
        where: the task, option or file.
    """
    try:
        yield
    except SpecError as error:
        if error.where:
            raise
        raise type(error)(error.what, where=where, right=error.right) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """Name the known word that is nearest to an unknown one.

    Returns:
        A sentence such as ``Did you mean 'count'?``, or an empty string when nothing is near.
    """
    import difflib  # Here, since a DAG without an error has no need of it.

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {found[0]!r}?" if found else ""


def check_keywords(given: Iterable[str], known: Collection[str], *, where: str) -> None:
    """Refuse a keyword that does not exist.

    Raises:
        SpecError: names the keyword and the nearest one that exists, or all of them.
    """
    for name in given:
        if name not in known:
            hint = nearest(name, known) or f"Known options are {', '.join(sorted(known))}"
            raise SpecError(f"unknown option {name!r}", where=where, right=hint)
