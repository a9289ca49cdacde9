"""The environment variables of a task.

Source: Azure Batch: *Azure Batch runtime environment variables* and *Deploy applications to compute nodes
with Batch application packages* (names of package variables on Linux).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from batch_emulator.identity.node_secret import PATH as IDENTITY_PATH
from batch_emulator.nodes.assumptions import RESERVED_DISK_BYTES, SEARCH_PATH, package_names
from batch_emulator.nodes.directories import NodeLayout, TaskLayout
from batch_emulator.nodes.multi_instance import (
    LAUNCHER_VARIABLES,
    instance_variables,
    launcher_defaults,
    with_shell,
)
from batch_emulator.service.effects import PackageInstall, StartRun
from batch_emulator.service.entities import Json

__all__ = ["MACHINE_VARIABLES", "AccountFacts", "all_packages", "package_variables", "task_environment"]

# Nothing of the emulator's own environment reaches a task: it may hold secrets, and a node would not have it.
# They speak of this machine, so a container has values of its own for them.
MACHINE_VARIABLES = frozenset({"HOME", "LANG", "PATH", "PWD", "USER"}) | LAUNCHER_VARIABLES
_TO_UNDERSCORE = re.compile(r"[.\-#]")


@dataclass(frozen=True)
class AccountFacts:
    """What tasks are told about their account.

    :param identity_secret: what tasks of a pool show to get tokens of its identities, by the pool's id.
    :param task_token: what tasks that ask for it show to use their job, by the job's id.
    """

    name: str
    url: str
    identity_secret: Callable[[str], str] | None = None
    task_token: Callable[[str], str] | None = None


def task_environment(
    account: AccountFacts, layout: NodeLayout, run: StartRun, packages: Mapping[PackageInstall, Path]
) -> dict[str, str]:
    """All variables of one run. The user's settings win over HOME, USER and PATH, never over AZ_BATCH_*.

    :param packages: directory of each package of the pool and of the task.
    """
    user = _user_name(run.spec)
    task = layout.task(run.task_root)
    environment = {
        "HOME": task.working_path,
        "LANG": "C.UTF-8",
        "PATH": SEARCH_PATH,
        "PWD": task.working_path,
        "USER": user,
    }
    environment.update(_identity_variables(account, run))
    if run.instance is not None:
        environment.update(launcher_defaults(layout, is_admin=_is_admin(run.spec)))
    environment.update(run.environment)
    environment.update(_node_variables(account, layout, run))
    environment.update(_task_variables(layout, task, run))
    environment.update(_token_variable(account, run))
    if run.instance is not None:
        environment.update(instance_variables(run.instance, layout, task))
        environment["PATH"] = with_shell(environment["PATH"], layout)
    environment["AZ_BATCH_TASK_USER"] = user
    environment["AZ_BATCH_TASK_USER_IDENTITY"] = _user_identity(run.spec)
    for package, directory in packages.items():
        environment.update(package_variables(package, directory))
    return environment


def package_variables(package: PackageInstall, directory: Path) -> dict[str, str]:
    """Variables that lead to a package: with its version, and without when it is the default version."""
    names = package_names(package.application_id, package.version, is_default=package.is_default)
    return {f"AZ_BATCH_APP_PACKAGE_{_TO_UNDERSCORE.sub('_', name)}": str(directory) for name in names}


def _node_variables(account: AccountFacts, layout: NodeLayout, run: StartRun) -> dict[str, str]:
    return {
        "AZ_BATCH_ACCOUNT_NAME": account.name,
        "AZ_BATCH_ACCOUNT_URL": account.url,
        "AZ_BATCH_NODE_ID": run.node_id,
        "AZ_BATCH_NODE_IS_DEDICATED": "true" if run.is_dedicated else "false",
        "AZ_BATCH_NODE_MOUNTS_DIR": str(layout.mounts),
        "AZ_BATCH_NODE_ROOT_DIR": str(layout.root),
        "AZ_BATCH_NODE_SHARED_DIR": str(layout.shared),
        "AZ_BATCH_NODE_STARTUP_DIR": str(layout.startup.directory),
        "AZ_BATCH_NODE_STARTUP_WORKING_DIR": str(layout.startup.working),
        "AZ_BATCH_POOL_ID": run.pool_id,
    }


def _identity_variables(account: AccountFacts, run: StartRun) -> dict[str, str]:
    """How Azure's identity libraries find the emulator's token endpoint, on a pool that has identities."""
    if account.identity_secret is None or not run.pool_identities:
        return {}
    return {
        "IDENTITY_ENDPOINT": account.url + IDENTITY_PATH,
        "IDENTITY_HEADER": account.identity_secret(run.pool_id),
    }


def _token_variable(account: AccountFacts, run: StartRun) -> dict[str, str]:
    """The authentication token of a task that was added with an api-version which still has that setting."""
    access = (run.spec.get("authenticationTokenSettings") or {}).get("access") or ()
    if account.task_token is None or run.job_id is None or "job" not in access:
        return {}
    return {"AZ_BATCH_AUTHENTICATION_TOKEN": account.task_token(run.job_id)}


def _task_variables(layout: NodeLayout, task: TaskLayout, run: StartRun) -> dict[str, str]:
    variables = {
        "AZ_BATCH_CERTIFICATES_DIR": task.certificates_path,
        "AZ_BATCH_TASK_DIR": task.path,
        "AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES": RESERVED_DISK_BYTES,
        "AZ_BATCH_TASK_WORKING_DIR": task.working_path,
    }
    if run.kind == "start":
        return variables
    if run.job_id is not None:
        variables["AZ_BATCH_JOB_ID"] = run.job_id
    if run.task_id is not None:
        variables["AZ_BATCH_TASK_ID"] = run.task_id
    if run.preparation_root is not None and run.kind != "preparation":
        preparation = layout.task(run.preparation_root)
        variables["AZ_BATCH_JOB_PREP_DIR"] = preparation.path
        variables["AZ_BATCH_JOB_PREP_WORKING_DIR"] = preparation.working_path
    return variables


def _auto_user(spec: Json) -> Json:
    return (spec.get("userIdentity") or {}).get("autoUser") or {}


def _is_admin(spec: Json) -> bool:
    return bool(_auto_user(spec).get("elevationLevel") == "admin")


def _user_name(spec: Json) -> str:
    named: str | None = (spec.get("userIdentity") or {}).get("username")
    if named:
        return named
    return "_azbatchadmin" if _is_admin(spec) else "_azbatch"


def _user_identity(spec: Json) -> str:
    if (spec.get("userIdentity") or {}).get("username"):
        return "NamedUser"
    auto_user = _auto_user(spec)
    scope = "Task" if auto_user.get("scope") == "task" else "Pool"
    return scope + ("Admin" if _is_admin(spec) else "NonAdmin")


def all_packages(run: StartRun) -> Iterable[PackageInstall]:
    """The packages whose variables a run gets: the pool's, then its own."""
    return dict.fromkeys((*run.pool_packages, *run.packages))
