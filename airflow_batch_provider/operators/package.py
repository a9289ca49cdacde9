"""An operator that puts an application package into the Batch account."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from airflow.sdk import BaseOperator

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.client.files.package_content import as_zip, content_hash
from airflow_batch_provider.client.files.packages import PackageError, PackageStore, PackageVersion
from airflow_batch_provider.exceptions import BatchPackageError, BatchPackageHopelessError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.keyed_output import KeyedOutput
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.shared_arguments import OF_ALL, CheckedArguments
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.naming import check_id

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.task_arguments import TaskArguments


# Of the hash that names a version by its content: enough that no two are the same.
_HASH_LENGTH = 12


@runtime_checkable
class BuiltPackage(Protocol):
    """What ``build`` may return when it also knows the version of what it made."""

    @property
    def path(self) -> Path:
        """The zip file, or the folder to make one of."""
        ...

    @property
    def version(self) -> str:
        """The version of its content."""
        ...


# Called with a folder, or with nothing if it takes nothing.
Build = Callable[..., "Path | str | BuiltPackage"]


def _check_path(value: object, name: str, where: str) -> None:
    if value is not None and not isinstance(value, Path):
        kinds.word(value, name, where)


def _check_build(value: object, name: str, where: str) -> None:
    if not callable(value):
        raise SpecError(f"{name} is {value!r}", where=where, right="It is a function that gets a folder.")


class AzureBatchApplicationPackageOperator(CheckedArguments, KeyedOutput, BaseOperator):
    """Have a version of an application in the Batch account, so that pools and tasks can install it.

    Running it again does nothing. A version never changes its content: other content needs a new version.

    Returns (XCom): ``{"application_id", "version", "resource_id"}``.

    Parameters:
        application_id: the application's name: letters, digits, ``-`` and ``_``.
        version: the version's name; templated. None: what ``build`` says, or else a hash of the content,
            so that other content is another version by itself.
        path: the zip file, or a folder that becomes one; templated. Where the worker runs.
        build: instead of ``path``, a function that makes the package: it gets an empty folder (if it takes an
            argument) and returns the zip file or folder it made, or a ``BuiltPackage``. With a given version
            it is called only if that is not in the account yet.
        make_default: make it the version that references without one get.
        conn_id: id of the Airflow connection, which must say subscription and resource group.
    """

    checks = kinds.extended(
        OF_ALL,
        application_id=kinds.target,
        version=kinds.optional(kinds.word),
        path=_check_path,
        build=kinds.optional(_check_build),
        make_default=kinds.flag,
    )
    template_fields: Sequence[str] = ("application_id", "version", "path", "conn_id")
    ui_color = "#d5e8fb"

    def __init__(
        self,
        *,
        application_id: str,
        version: str | None = None,
        path: str | None = None,
        build: Build | None = None,
        make_default: bool = True,
        conn_id: str = AzureBatchHook.default_conn_name,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(**kwargs)
        if (path is None) == (build is None):
            raise SpecError(
                "the package's source is not clear",
                where=f"task {self.task_id!r}",
                right="Give path or build, one of them.",
            )
        self.application_id = application_id
        self.version = version
        self.path = path
        self.build = build
        self.make_default = make_default
        self.conn_id = conn_id
        self.check_arguments()

    @lasting
    def execute(self, context: Context) -> dict[str, str]:
        """Upload and activate the version if it is not there."""
        from airflow.sdk.log import mask_secret

        hook = AzureBatchHook(self.conn_id)
        store = PackageStore(
            hook.management_client(),
            hook.settings,
            mask=mask_secret,
            log=lambda line: self.log.info("%s", line),
        )
        try:
            result = self._ensure(store)
        except PackageError as error:
            kind = BatchPackageHopelessError if error.fatal else BatchPackageError
            raise kind(str(error)) from None
        return {
            "application_id": result.application_id,
            "version": result.version,
            "resource_id": result.resource_id,
        }

    def _ensure(self, store: PackageStore) -> PackageVersion:
        check_id(self.application_id, where=f"task {self.task_id!r}, application_id")
        with tempfile.TemporaryDirectory(prefix="batch-package-") as name:
            folder = Path(name)
            archive: Path | None = None
            version = self.version
            if self.build is None:
                archive = self._as_zip(Path(str(self.path)), folder)
            elif version and store.is_active(self.application_id, version):
                self.log.info("Version %s of %s is there: nothing is built.", version, self.application_id)
            else:
                archive, built_version = self._built(self.build, folder)
                version = version or built_version
            if archive is not None and not version:
                version = content_hash(archive)[:_HASH_LENGTH]
            return store.ensure(self.application_id, str(version), archive, make_default=self.make_default)

    def _built(self, build: Build, folder: Path) -> tuple[Path, str | None]:
        made = folder / "made"
        made.mkdir()
        result = build(made) if inspect.signature(build).parameters else build()
        if isinstance(result, BuiltPackage):
            return self._as_zip(Path(result.path), folder), str(result.version)
        return self._as_zip(Path(result), folder), None

    def _as_zip(self, source: Path, folder: Path) -> Path:
        try:
            return as_zip(source, folder)
        except ValueError as error:
            raise BatchPackageHopelessError(
                f"Task {self.task_id} has no package to upload: {error}.\n"
                "Likely cause: The path is meant for another machine, or nothing was built.\n"
                "Next step: Correct path or build of the task."
            ) from None
