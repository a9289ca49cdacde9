from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from airflow_batch_provider.spec import SpecError, blob
from airflow_batch_provider.spec.custom_activity import program_files, read_activity

PROGRAMS = {"referenceName": "Programs", "type": "LinkedServiceReference"}


def an_activity(policy: Any = None, **properties: Any) -> dict[str, Any]:
    made = {"name": "Score", "type": "Custom", "typeProperties": {"command": "/bin/sh run.sh", **properties}}
    return {**made, "policy": policy} if policy else made


def test_an_activity_says_command_retention_and_what_the_node_finds() -> None:
    read = read_activity(json.dumps(an_activity(extendedProperties={"day": "1"}, retentionTimeInDays=2)))
    assert (read.command, read.retention, read.folder) == ("/bin/sh run.sh", timedelta(days=2), None)
    files = read.files()
    assert json.loads(files["activity.json"])["typeProperties"]["extendedProperties"] == {"day": "1"}
    assert files["linkedServices.json"] == files["datasets.json"] == "[]"
    assert read_activity(an_activity()).retention == timedelta(days=30)


def test_only_definitions_that_are_referred_to_go_to_the_node_and_a_missing_one_is_named() -> None:
    activity = an_activity(referenceObjects={"linkedServices": [{"referenceName": "Sales"}], "datasets": []})
    sales, other = {"name": "Sales"}, {"name": "Other"}
    assert read_activity(activity, [other, sales]).linked_services == [sales]
    with pytest.raises(SpecError, match=r"refers to 'Sales', which is not given\. Did you mean 'Sale'"):
        read_activity(activity, [{"name": "Sale"}])


def test_the_pool_is_that_of_the_batch_linked_service() -> None:
    nodes = {"name": "N", "properties": {"type": "AzureBatch", "typeProperties": {"poolName": "scoring"}}}
    activity = {**an_activity(), "linkedServiceName": {"referenceName": "N"}}
    assert read_activity(activity, [nodes]).pool_id == "scoring"
    assert read_activity(activity).pool_id is None


def test_the_policy_is_read() -> None:
    policy = {"timeout": "1.02:03:04", "retry": 2, "retryIntervalInSeconds": 30, "secureOutput": True}
    read = read_activity(an_activity(policy))
    assert read.timeout == timedelta(days=1, hours=2, minutes=3, seconds=4)
    assert (read.retries, read.retry_delay, read.secure_output) == (2, timedelta(seconds=30), True)


@pytest.mark.parametrize(("given", "admin"), [(None, False), ("taskNonAdmin", False), ("taskAdmin", True)])
def test_the_user_is_the_tasks_own_and_no_administrator_unless_asked(given: str | None, admin: bool) -> None:
    properties = {"autoUserSpecification": given} if given else {}
    assert read_activity(an_activity(**properties)).admin is admin


@pytest.mark.parametrize(
    ("activity", "text"),
    [
        ("{", "no JSON"),
        ({"type": "Copy", "typeProperties": {}}, "Only Custom ones"),
        ({"type": "Custom"}, "no typeProperties with a command"),
        (an_activity(comand="x"), "Did you mean 'command'"),
        (an_activity(folderPath="a/b"), "Data Factory takes both or neither"),
        (an_activity(retentionTimeInDays=0), "number above 0"),
        (an_activity({"timeout": "soon"}), "d.hh:mm:ss"),
        (an_activity(extendedProperties={"a": ["@pipeline().x"]}), r"extendedProperties\.a\[0\] is the expr"),
        (an_activity(command="run @{pipeline().RunId}"), "write Jinja"),
    ],
)
def test_what_cannot_run_is_an_error_that_says_what_would_be_right(activity: Any, text: str) -> None:
    with pytest.raises(SpecError, match=text):
        read_activity(activity)


def test_pain_185_sub_folders_are_kept_on_request() -> None:
    folder = blob("programs/score/")
    names = ["score/run.sh", "score/lib/a.py", "score/lib/"]
    flat = program_files(names, folder, keep_folders=False)
    assert {path: ref.name for path, ref in flat.items()} == {
        "run.sh": "score/run.sh",
        "a.py": "score/lib/a.py",
    }
    assert set(program_files(names, folder, keep_folders=True)) == {"run.sh", "lib/a.py"}


def test_files_that_would_be_one_and_a_folder_without_any_are_told() -> None:
    folder = blob("programs/score/")
    with pytest.raises(SpecError, match=r"both the file 'a\.py'.*keep_folders"):
        program_files(["score/a.py", "score/lib/a.py"], folder, keep_folders=False)
    with pytest.raises(SpecError, match="holds no file in the storage account"):
        program_files([], folder, keep_folders=False)
