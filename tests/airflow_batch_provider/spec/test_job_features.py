"""Containers, several nodes for a task, preparation, release, managers: what the service would get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_batch_provider.spec import (
    AutoUser,
    Container,
    JobGraph,
    JobManager,
    JobNetwork,
    JobOptions,
    JobPreparation,
    JobRelease,
    MultiInstance,
    SpecError,
    blob,
    on_exit,
    shell,
)
from airflow_batch_provider.spec.compile import (
    JobStorage,
    WorkArea,
    check_without_storage,
    compile_job,
    compile_tasks,
    fingerprint,
)
from batch_emulator.rest.contract import load_contract
from batch_emulator.rest.validation import validate_body
from batch_emulator.service.jobs.job_spec import make_job_spec
from tests.airflow_batch_provider.spec.access import ACCOUNT, NamedAccess

STORAGE = JobStorage(WorkArea("batch-work", "job-1"), NamedAccess())
SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/default"


def one_task(command: str = "x", **options: Any) -> dict[str, Any]:
    graph = JobGraph()
    graph.task("one", command, **options)
    (wire,) = compile_tasks(graph, STORAGE)
    assert validate_body(wire, "BatchTaskCreateOptions", load_contract())
    return wire


def one_job(graph: JobGraph | None = None, **options: Any) -> dict[str, Any]:
    wire = compile_job(graph or JobGraph(), JobOptions("p1", **options), STORAGE, "job-1", {"mark": "1"})
    make_job_spec(validate_body(wire, "BatchJobCreateOptions", load_contract()))
    return wire


def test_a_container_says_only_what_was_given() -> None:
    assert one_task(container=Container("python:3.12"))["containerSettings"] == {"imageName": "python:3.12"}
    whole = Container(
        "acr.azurecr.io/tool:1",
        "--shm-size 2g",
        registry="acr.azurecr.io",
        registry_identity="/subscriptions/s/identity",
        working_directory="image",
        mounts={"Shared": True, "Task": False},
    )
    assert one_task(container=whole)["containerSettings"] == {
        "imageName": "acr.azurecr.io/tool:1",
        "containerRunOptions": "--shm-size 2g",
        "registry": {
            "registryServer": "acr.azurecr.io",
            "identityReference": {"resourceId": "/subscriptions/s/identity"},
        },
        "workingDirectory": "containerImageDefault",
        "containerHostBatchBindMounts": [
            {"source": "Shared", "isReadOnly": True},
            {"source": "Task", "isReadOnly": False},
        ],
    }


def test_a_task_on_several_nodes_has_its_common_files() -> None:
    several = MultiInstance(4, shell("exit 0"), {"data/in.txt": blob("incoming/in.txt")})
    settings = one_task(multi_instance=several)["multiInstanceSettings"]
    assert settings["numberOfInstances"] == 4
    assert settings["coordinationCommandLine"] == "/bin/sh -c 'exit 0'"
    (common,) = settings["commonResourceFiles"]
    assert common["filePath"] == "data/in.txt"
    assert common["httpUrl"].startswith(f"{ACCOUNT}/incoming/in.txt?")


def test_preparation_and_release_have_all_their_options() -> None:
    wire = one_job(
        preparation=JobPreparation(
            "fetch",
            inputs={"model": blob("models/v1/")},
            environment={"A": "1"},
            user=AutoUser(admin=True),
            container=Container("tool"),
            max_wall_clock=timedelta(minutes=30),
            retention=timedelta(days=1),
            max_retries=3,
            wait=False,
            rerun_after_reboot=False,
        ),
        release=JobRelease("clean", max_wall_clock=timedelta(minutes=5), retention=timedelta(hours=1)),
    )
    preparation = wire["jobPreparationTask"]
    (model,) = preparation.pop("resourceFiles")
    assert (model["blobPrefix"], model["filePath"]) == ("v1/", "model")
    assert preparation == {
        "commandLine": "fetch",
        "environmentSettings": [{"name": "A", "value": "1"}],
        "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "admin"}},
        "containerSettings": {"imageName": "tool"},
        "constraints": {"maxWallClockTime": "PT30M", "retentionTime": "P1D", "maxTaskRetryCount": 3},
        "waitForSuccess": False,
        "rerunOnNodeRebootAfterSuccess": False,
    }
    assert wire["jobReleaseTask"] == {
        "commandLine": "clean",
        "maxWallClockTime": "PT5M",
        "retentionTime": "PT1H",
    }


def test_an_empty_command_is_what_the_image_says() -> None:
    preparation = JobPreparation("", container=Container("tool"))
    assert preparation.to_wire(None, "linux") == {
        "commandLine": "",
        "containerSettings": {"imageName": "tool"},
    }
    assert one_task("", container=Container("tool"))["commandLine"] == ""


def test_a_bare_command_prepares_too_and_its_jinja_is_rendered() -> None:
    options = JobOptions("p1", preparation=shell("echo {{ ds }}"), environment={"BRACES": "{{ kept }}"})
    wire = options.rendered(lambda text: text.replace("{{ ds }}", "today")).wire("j", {})
    assert wire["jobPreparationTask"] == {"commandLine": "/bin/sh -c 'echo today'"}
    assert wire["commonEnvironmentSettings"] == [{"name": "BRACES", "value": "{{ kept }}"}]


def test_the_rest_of_a_job_reaches_the_wire() -> None:
    wire = one_job(
        max_task_retries=2,
        allow_task_preemption=True,
        display_name="Nightly",
        network=JobNetwork(SUBNET, stay=True),
        max_parallel_tasks=5,
    )
    assert wire["constraints"]["maxTaskRetryCount"] == 2
    assert wire["allowTaskPreemption"] is True
    assert wire["displayName"] == "Nightly"
    assert wire["networkConfiguration"] == {"subnetId": SUBNET, "skipWithdrawFromVNet": True}
    assert wire["maxParallelTasks"] == 5


def test_a_manager_comes_with_the_job_and_not_with_its_tasks() -> None:
    graph = JobGraph()
    manager = graph.task("manage", "python3 manage.py", outputs=["plan.json"], job_manager=JobManager())
    graph.task("after", "x", inputs={"plan": manager.output("plan.json")})
    graph.validate()
    assert [wire["id"] for wire in compile_tasks(graph, STORAGE)] == ["after"]
    wire = one_job(graph)["jobManagerTask"]
    assert wire["id"] == "manage"
    assert wire["outputFiles"]
    assert (wire["killJobOnCompletion"], wire["runExclusive"], wire["allowLowPriorityNode"]) == (
        False, True, True,
    )  # fmt: skip


def test_a_manager_that_the_service_does_not_know_is_refused() -> None:
    graph = JobGraph()
    first = graph.task("first", "x")
    manager = graph.task("manage", "x", job_manager=JobManager(), depends_on=first)
    with pytest.raises(SpecError, match="the job manager waits for 'first'"):
        graph.validate()
    two = JobGraph()
    two.task("a", "x", job_manager=JobManager())
    two.task("b", "x", job_manager=JobManager())
    with pytest.raises(SpecError, match="two job managers, 'a' and 'b'"):
        two.validate()
    with pytest.raises(SpecError, match="the job manager has exit_conditions"):
        JobGraph().task("m", "x", job_manager=JobManager(), exit_conditions=[on_exit(1, job="none")])
    assert manager.id == "manage"


def test_a_manager_cannot_be_added_to_a_running_job() -> None:
    graph = JobGraph()
    plan = graph.task("plan", "x", outputs=["plan.json"], result="plan.json")
    graph.expand(after=plan, build=lambda told: graph.more())
    more = graph.more()
    more.task("late", "x", job_manager=JobManager())
    with pytest.raises(SpecError, match="put it into the graph from the start"):
        graph.joined(more, graph.expansions[0])


def test_files_of_special_tasks_need_storage_before_anything_is_submitted() -> None:
    graph = JobGraph()
    graph.task("one", "x")
    options = JobOptions("p1", preparation=JobPreparation("x", inputs={"a": blob("incoming/a")}))
    with pytest.raises(SpecError, match=r"JobPreparation: input 'a' is a blob.*no storage account"):
        check_without_storage(graph, options)


def test_a_fingerprint_knows_the_special_tasks() -> None:
    graph = JobGraph()
    graph.task("one", "x")
    plain = fingerprint(graph, JobOptions("p1"), "work")
    prepared = fingerprint(graph, JobOptions("p1", preparation=JobPreparation("x")), "work")
    assert plain != prepared
    assert prepared == fingerprint(graph, JobOptions("p1", preparation="x"), "work")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Container(""), "Name it as"),
        (lambda: Container("two words"), "Name it as"),
        (lambda: Container("a", "--gpus all"), "'--gpus'"),
        (lambda: Container("a", "--label 'x"), "cannot be read"),
        (lambda: Container("a", registry="r"), "go together"),
        (lambda: Container("a", working_directory="wd"), "'task' or 'image'"),
        (lambda: Container("a", mounts={"Shard": True}), "Did you mean 'Shared'"),
        (lambda: Container("a", mounts={"Shared": True}), "Add 'Task' to mounts"),
        (lambda: MultiInstance(0, "x"), "from 1 up"),
        (lambda: MultiInstance(2, " "), "command is empty"),
        (lambda: JobPreparation(""), "command is empty"),
        (lambda: JobPreparation("x", container="a"), "It is Container"),
        (
            lambda: JobPreparation("x", inputs={"../a": blob("incoming/a")}),
            "leaves the task's working directory",
        ),
        (lambda: JobRelease("x", max_wall_clock=timedelta(minutes=16)), "15 minutes at most"),
        (lambda: JobNetwork("default"), "Give its ARM id"),
        (lambda: JobOptions("p1", max_task_retries=-2), "from -1 up"),
        (lambda: JobOptions("p1", network=SUBNET), r"It is JobNetwork\("),
        (lambda: one_task(container="python"), r"It is Container\("),
        (lambda: one_task(multi_instance=MultiInstance(2, "x"), required_slots=2), "whole nodes of one slot"),
    ],
)
def test_what_the_service_would_refuse_is_refused_at_parse(make: Callable[[], Any], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        make()


def test_a_file_for_all_nodes_cannot_come_from_a_task() -> None:
    graph = JobGraph()
    first = graph.task("first", "x", outputs=["a"])
    with pytest.raises(SpecError, match="cannot be the output of a task"):
        MultiInstance(2, "x", {"a": first.output("a")})  # type: ignore[dict-item]


def test_images_may_hold_jinja() -> None:
    graph = JobGraph()
    graph.task("one", "x", container=Container("tool:{{ params.version }}"), keep_logs=False)
    (wire,) = compile_tasks(graph.rendered(lambda text: text.replace("{{ params.version }}", "7")), None)
    assert wire["containerSettings"] == {"imageName": "tool:7"}
    with pytest.raises(SpecError, match="Name it as"):
        graph.rendered(lambda text: text.replace("{{ params.version }}", "7 8"))
