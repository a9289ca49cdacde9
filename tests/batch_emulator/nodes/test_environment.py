"""The variables of each kind of run, as documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_emulator.nodes.directories import NodeLayout
from batch_emulator.nodes.environment import AccountFacts, package_variables, task_environment
from batch_emulator.service.effects import PackageInstall
from tests.batch_emulator.nodes.builders import a_run

ACCOUNT = AccountFacts("acc", "http://127.0.0.1:1")
LAYOUT = NodeLayout(Path("/n"))


def test_an_ordinary_task_sees_account_job_node_and_task() -> None:
    environment = task_environment(
        ACCOUNT, LAYOUT, a_run(preparation_root="workitems/j/job-1/jobpreparation"), {}
    )
    assert {name: value for name, value in environment.items() if name.startswith("AZ_BATCH")} == {
        "AZ_BATCH_ACCOUNT_NAME": "acc",
        "AZ_BATCH_ACCOUNT_URL": "http://127.0.0.1:1",
        "AZ_BATCH_CERTIFICATES_DIR": "/n/workitems/j/job-1/t/certs",
        "AZ_BATCH_JOB_ID": "j",
        "AZ_BATCH_JOB_PREP_DIR": "/n/workitems/j/job-1/jobpreparation",
        "AZ_BATCH_JOB_PREP_WORKING_DIR": "/n/workitems/j/job-1/jobpreparation/wd",
        "AZ_BATCH_NODE_ID": "n",
        "AZ_BATCH_NODE_IS_DEDICATED": "true",
        "AZ_BATCH_NODE_MOUNTS_DIR": "/n/fsmounts",
        "AZ_BATCH_NODE_ROOT_DIR": "/n",
        "AZ_BATCH_NODE_SHARED_DIR": "/n/shared",
        "AZ_BATCH_NODE_STARTUP_DIR": "/n/startup",
        "AZ_BATCH_NODE_STARTUP_WORKING_DIR": "/n/startup/wd",
        "AZ_BATCH_POOL_ID": "p",
        "AZ_BATCH_TASK_DIR": "/n/workitems/j/job-1/t",
        "AZ_BATCH_TASK_ID": "t",
        "AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES": "1000000",
        "AZ_BATCH_TASK_USER": "_azbatch",
        "AZ_BATCH_TASK_USER_IDENTITY": "PoolNonAdmin",
        "AZ_BATCH_TASK_WORKING_DIR": "/n/workitems/j/job-1/t/wd",
    }
    assert environment["HOME"] == environment["PWD"] == "/n/workitems/j/job-1/t/wd"
    assert environment["USER"] == "_azbatch"


def test_a_task_that_asks_for_it_has_a_token_for_its_job() -> None:
    account = AccountFacts("acc", "http://127.0.0.1:1", task_token=lambda job_id: f"token of {job_id}")
    setting = {"authenticationTokenSettings": {"access": ["job"]}}
    asking = task_environment(account, LAYOUT, a_run(spec={"commandLine": "x", **setting}), {})
    assert asking["AZ_BATCH_AUTHENTICATION_TOKEN"] == "token of j"
    for spec in ({"commandLine": "x"}, {"commandLine": "x", "authenticationTokenSettings": {"access": []}}):
        other = task_environment(account, LAYOUT, a_run(spec=spec), {})
        assert "AZ_BATCH_AUTHENTICATION_TOKEN" not in other


def test_a_start_task_has_no_job() -> None:
    run = a_run(kind="start", task_root="startup", job_id=None, task_id=None, is_dedicated=False)
    environment = task_environment(ACCOUNT, LAYOUT, run, {})
    assert not {"AZ_BATCH_JOB_ID", "AZ_BATCH_TASK_ID", "AZ_BATCH_JOB_PREP_DIR"} & environment.keys()
    assert environment["AZ_BATCH_TASK_WORKING_DIR"] == "/n/startup/wd"
    assert environment["AZ_BATCH_NODE_IS_DEDICATED"] == "false"


@pytest.mark.parametrize(("kind", "present"), [("preparation", False), ("release", True), ("manager", True)])
def test_only_the_preparation_task_itself_does_not_see_its_directory_as_preparation(
    kind: str, present: bool
) -> None:
    run = a_run(kind=kind, preparation_root="workitems/j/job-1/jobpreparation")
    assert ("AZ_BATCH_JOB_PREP_DIR" in task_environment(ACCOUNT, LAYOUT, run, {})) is present


def test_later_settings_win_but_never_over_the_services_own() -> None:
    settings = (("A", "job"), ("A", "task"), ("PATH", "/mine"), ("AZ_BATCH_NODE_ID", "forged"), ("EMPTY", ""))
    environment = task_environment(ACCOUNT, LAYOUT, a_run(environment=settings), {})
    assert (environment["A"], environment["PATH"], environment["EMPTY"]) == ("task", "/mine", "")
    assert environment["AZ_BATCH_NODE_ID"] == "n"


def test_nothing_of_the_emulators_own_environment_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "x")
    assert "SOME_SECRET" not in task_environment(ACCOUNT, LAYOUT, a_run(), {})


@pytest.mark.parametrize(
    ("identity", "user", "kind"),
    [
        ({"username": "carol"}, "carol", "NamedUser"),
        ({"autoUser": {"scope": "task", "elevationLevel": "nonadmin"}}, "_azbatch", "TaskNonAdmin"),
        ({"autoUser": {"scope": "pool", "elevationLevel": "admin"}}, "_azbatchadmin", "PoolAdmin"),
    ],
)
def test_the_user_is_named(identity: dict[str, object], user: str, kind: str) -> None:
    environment = task_environment(ACCOUNT, LAYOUT, a_run(spec={"userIdentity": identity}), {})
    assert (environment["USER"], environment["AZ_BATCH_TASK_USER_IDENTITY"]) == (user, kind)


def test_package_variables_have_linux_form_in_both_spellings() -> None:
    package = PackageInstall("My-App", "1.2-rc", "c/b", is_default=True)
    assert package_variables(package, Path("/d")) == {
        "AZ_BATCH_APP_PACKAGE_My_App_1_2_rc": "/d",
        "AZ_BATCH_APP_PACKAGE_My_App": "/d",
        "AZ_BATCH_APP_PACKAGE_my_app_1_2_rc": "/d",
        "AZ_BATCH_APP_PACKAGE_my_app": "/d",
    }


def test_a_package_by_version_has_no_variable_without_one() -> None:
    package = PackageInstall("ffmpeg", "7.0", "c/b", is_default=False)
    assert package_variables(package, Path("/d")) == {"AZ_BATCH_APP_PACKAGE_ffmpeg_7_0": "/d"}
