"""Files by reference: blobs, outputs of other tasks, and what a task keeps."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, Literal, Protocol, TypeAlias
from urllib.parse import unquote, urlsplit

from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.patterns import (
    check_path,
    check_pattern,
    fixed_directory,
    has_wildcard,
    matches,
)
from airflow_batch_provider.spec.storage_names import CONTAINER_NAMES, is_container

UploadWhen: TypeAlias = Literal["success", "failure", "completion"]
Render: TypeAlias = Callable[[str], str]

_FORMS = (
    "Write 'container/name', 'https://<account>.blob.core.windows.net/container/name' "
    "or 'abfs://container@<account>.dfs.core.windows.net/name'."
)


def is_template(text: str) -> bool:
    """Whether text holds Jinja that Airflow has yet to render."""
    return "{{" in text or "{%" in text


def as_written(text: str) -> str:
    """Renders nothing: for texts that may hold names from outside, whose braces are no Jinja."""
    return text


@dataclass(frozen=True)
class BlobRef:
    """A blob, or with a name that ends in ``/`` (or is empty) all blobs below it. Made by :func:`blob`.

    Parameters:
        container: the container's name.
        name: the blob's name, or a prefix.
        account_url: the storage account's blob endpoint; None for the account of the Airflow connection.
        template: the text as it was written, while it holds Jinja; the other fields are empty until then.
    """

    container: str
    name: str
    account_url: str | None = None
    template: str | None = None

    @property
    def is_prefix(self) -> bool:
        """Whether this names all blobs below a prefix instead of one blob."""
        return self.template is None and (not self.name or self.name.endswith("/"))

    def __truediv__(self, name: str) -> BlobRef:
        """Name a blob below this prefix."""
        if self.template is not None:
            return replace(self, template=f"{self.template.rstrip('/')}/{name}")
        return replace(self, name=f"{self.name.rstrip('/')}/{name}".lstrip("/"))

    def rendered(self, render: Render) -> BlobRef:
        """Read the reference again after Airflow has rendered its templates.

        What braces are in it then belong to the name.
        """
        return self if self.template is None else _parse(render(self.template))

    def __str__(self) -> str:
        if self.template is not None:
            return self.template
        return "/".join(part for part in (self.account_url, self.container, self.name) if part)


class HasUri(Protocol):
    """Something with an address, such as an Airflow ``Asset``."""

    @property
    def uri(self) -> str:
        """The address."""
        ...


def blob(location: str | HasUri) -> BlobRef:
    """Refer to a blob or, by a trailing ``/``, to all blobs below a prefix.

    Parameters:
        location: ``container/name`` in the storage account of the Airflow connection,
            ``https://<account>.blob.core.windows.net/container/name``,
            ``abfs[s]://container@<account>.dfs.core.windows.net/name`` (``wasb[s]`` likewise), or a URL of
            Azurite such as ``http://127.0.0.1:10000/devstoreaccount1/container/name``. May hold Jinja. Of an
            ``Asset`` its URI counts, which is one of these.

    Returns:
        The reference, for inputs and outputs.

    Raises:
        SpecError: none of these forms, a container name that cannot exist, or a SAS in the URL.
    """
    if not isinstance(location, str):
        location = getattr(location, "uri", location)
    if not isinstance(location, str):
        raise SpecError(f"a blob is {location!r}", right=_FORMS)
    return BlobRef("", "", template=location) if is_template(location) else _parse(location)


def _parse(location: str) -> BlobRef:
    scheme = location.partition("://")[0] if "://" in location else ""
    if not scheme:
        container, _, name = location.partition("/")
        return _checked(BlobRef(container, name), location)
    parts = urlsplit(location)
    if "sig=" in parts.query:
        raise SpecError(
            f"the blob URL of {parts.hostname}{parts.path} carries a SAS",
            right="Leave out everything from '?' on: access is minted from the Airflow connection when the "
            "job is submitted, so that no secret is in the DAG.",
        )
    if scheme in ("abfs", "abfss", "wasb", "wasbs"):
        container, _, host = parts.netloc.partition("@")
        account = f"https://{host.replace('.dfs.', '.blob.', 1)}" if host else None
        return _checked(BlobRef(container, unquote(parts.path.lstrip("/")), account), location)
    if scheme in ("http", "https"):
        return _checked(_from_url(parts.scheme, parts.netloc, parts.hostname or "", parts.path), location)
    raise SpecError(f"the blob {location!r} has the scheme {scheme!r}", right=_FORMS)


def _from_url(scheme: str, netloc: str, host: str, path: str) -> BlobRef:
    segments = unquote(path).lstrip("/")
    account_url = f"{scheme}://{netloc}"
    if _account_is_in_path(host):
        account, _, segments = segments.partition("/")
        account_url = f"{account_url}/{account}"
    container, _, name = segments.partition("/")
    return BlobRef(container, name, account_url)


def _account_is_in_path(host: str) -> bool:
    """Azurite and private endpoints by address or bare name have the account as the first path segment."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return True


def _checked(ref: BlobRef, location: str) -> BlobRef:
    if not is_container(ref.container):
        raise SpecError(
            f"the blob {location!r} has the container name {ref.container!r}",
            right=f"{CONTAINER_NAMES} {_FORMS}",
        )
    return ref


@dataclass(frozen=True)
class TaskOutput:
    """One file that another task of the graph leaves behind. Made by ``task.output(path)``.

    Parameters:
        task_id: the task that leaves it.
        path: below that task's working directory.
        graph: the graph that the task is in.
    """

    task_id: str
    path: str
    graph: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class TaskOutputs:
    """All files that another task leaves below a directory. Made by ``task.outputs(directory)``.

    They arrive with their whole blob name below the input's path: ``inputs={"in": split.outputs("parts")}``
    gives ``in/$AZ_BATCH_JOB_ID/split/parts/0.txt`` (Azure Batch: *Resource files*, 'blobPrefix').

    Parameters:
        task_id: the task that leaves them.
        directory: below that task's working directory.
        graph: the graph that the task is in.
    """

    task_id: str
    directory: str
    graph: object = field(default=None, compare=False, repr=False)


Source: TypeAlias = "BlobRef | TaskOutput | TaskOutputs | str"
Inputs: TypeAlias = "Mapping[str, Source]"
Outputs: TypeAlias = "Sequence[str] | Mapping[str, BlobRef | None]"


@dataclass(frozen=True)
class Output:
    """Files that are uploaded when a task's process has ended.

    Parameters:
        pattern: path below the working directory; wildcards ``*``, ``**``, ``?``, ``[abc]``.
        destination: where to; None for the job's work area, ``{work_container}/{job}/{task}/<path>``.
        when: on exit code 0, on any other, or on both.
    """

    pattern: str
    destination: BlobRef | None = None
    when: UploadWhen = "success"

    def location(self, path: str, work: BlobRef) -> BlobRef:
        """The blob that a matched file becomes.

        Parameters:
            path: the file below the working directory.
            work: the task's work area, a prefix.
        """
        if self.destination is None:
            return work / path.removeprefix("../")
        if not self.destination.is_prefix:
            return self.destination
        base = fixed_directory(self.pattern)
        return self.destination / (path.removeprefix(f"{base}/") if base else path)

    def target(self, work: BlobRef) -> BlobRef:
        """What the service is told: a blob for a plain path, a directory for a pattern with wildcards."""
        if not has_wildcard(self.pattern):
            return self.location(self.pattern, work)
        if self.destination is not None:
            return self.destination
        base = fixed_directory(self.pattern).removeprefix("..").lstrip("/")
        return work / f"{base}/" if base else work


def refuse_wildcards(ref: BlobRef, *, where: str) -> None:
    """Check a reference that has a pattern beside it.

    A name may have wildcards, but who writes them means a pattern; ``[`` is common in names.

    Raises:
        SpecError: it has ``*`` or ``?``.
    """
    if not {"*", "?"} & set(ref.name):
        return
    fixed = fixed_directory(ref.name)
    pattern = ref.name.removeprefix(f"{fixed}/" if fixed else "")
    raise SpecError(
        f"blobs has a wildcard in {str(ref)!r}, and is taken as it is written",
        where=where,
        right=f"Write blobs={str(ref).removesuffix(pattern)!r}, "
        f"pattern={pattern + ('**' if ref.is_prefix else '')!r}.",
    )


def parse_inputs(inputs: object, *, where: str) -> tuple[tuple[str, Source], ...]:
    """Check the ``inputs`` of a task.

    Raises:
        SpecError: a path that leaves the working directory, a source of another kind, or a path that is a
            file and a folder.
    """
    if not isinstance(inputs, Mapping):
        raise SpecError(
            f"inputs are {inputs!r}",
            where=where,
            right="Inputs map a path in the working directory to its source: {'a.txt': blob('data/a.txt')}.",
        )
    parsed: list[tuple[str, Source]] = []
    for path, source in inputs.items():
        place = f"{where}, input {path!r}"
        whole = isinstance(source, TaskOutputs) or (isinstance(source, BlobRef) and source.is_prefix)
        checked = "." if whole and path in ("", ".") else check_path(path, where=where, kind="input path")
        if (
            isinstance(source, str)
            and not source.startswith(("http://", "https://"))
            and not is_template(source)
        ):
            raise SpecError(
                f"the source {source!r} is no URL", where=place, right=f"For a blob write blob({source!r})."
            )
        if not isinstance(source, (str, BlobRef, TaskOutput, TaskOutputs)):
            raise SpecError(
                f"the source is {source!r}",
                where=place,
                right="A source is blob(...), another task's .output(...) or .outputs(...), or a URL.",
            )
        parsed.append((checked, source))
    _refuse_clashes(dict(parsed), where)
    return tuple(parsed)


def _refuse_clashes(inputs: Mapping[str, Source], where: str) -> None:
    for path in inputs:
        for above in accumulate(path.split("/")[:-1], "{}/{}".format):
            if above in inputs and _is_one_file(inputs[above]):
                raise SpecError(
                    f"the path {above!r} is a file, and the folder of {path!r}",
                    where=f"{where}, inputs",
                    right="Give one of them another path.",
                )


def _is_one_file(source: Source) -> bool:
    """As far as is known: a template may give a prefix."""
    if isinstance(source, BlobRef):
        return not source.is_prefix and not (source.template or "").endswith(("/", "}"))
    return not isinstance(source, TaskOutputs)


def parse_outputs(outputs: object, when: str, *, where: str) -> tuple[Output, ...]:
    """Check the ``outputs`` of a task.

    Raises:
        SpecError: a pattern leaves the working directory, or its destination cannot hold what matches.
    """
    if when not in ("success", "failure", "completion"):
        hint = nearest(str(when), ("success", "failure", "completion"))
        raise SpecError(
            f"upload_when is {when!r}", where=where, right=hint or "It is success, failure or completion."
        )
    pairs: Mapping[Any, Any]
    if isinstance(outputs, Mapping):
        pairs = outputs
    elif isinstance(outputs, Sequence) and not isinstance(outputs, str):
        pairs = dict.fromkeys(outputs)
    else:
        raise SpecError(
            f"outputs are {outputs!r}",
            where=where,
            right="Outputs are a list of paths or patterns, or map each to blob(...).",
        )
    return tuple(_output(pattern, to, when, where=where) for pattern, to in pairs.items())  # type: ignore[arg-type]


def _output(pattern: object, destination: object, when: UploadWhen, *, where: str) -> Output:
    path = check_path(pattern, where=where, kind="output path", streams=True)
    check_pattern(path, what="output path", where=where)
    if destination is not None and not isinstance(destination, BlobRef):
        raise SpecError(
            f"the destination is {destination!r}",
            where=f"{where}, output {path!r}",
            right="A destination is blob(...), or None for the job's work area.",
        )
    return check_output(Output(path, destination, when), where=where)


def check_output(output: Output, *, where: str) -> Output:
    """Check that a pattern with wildcards goes to a prefix: one blob cannot hold several files."""
    to = output.destination
    if to is not None and to.template is None and has_wildcard(output.pattern) and not to.is_prefix:
        raise SpecError(
            f"the pattern {output.pattern!r} goes to the one blob {str(to)!r}",
            where=where,
            right=f"End the destination with '/', as blob('{to}/').",
        )
    return output


def find_output(outputs: Sequence[Output], path: str) -> Output | None:
    """The first output that uploads a file of the working directory."""
    return next((output for output in outputs if matches(output.pattern, path)), None)
