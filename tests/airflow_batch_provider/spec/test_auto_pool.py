from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.spec import (
    AutoPool,
    BlobMount,
    FixedScale,
    Image,
    JobGraph,
    JobManager,
    JobOptions,
    JobSchedule,
    LatestImage,
    MultiInstance,
    Pool,
    SpecError,
    StartTask,
    UserAccount,
    blob,
    pending_tasks,
)
from airflow_batch_provider.spec.compile import fingerprint
from batch_emulator.rest.contract import load_contract
from batch_emulator.rest.validation import validate_body
from tests.airflow_batch_provider.spec.access import NamedAccess

IDENTITY = (
    "/subscriptions/0/resourceGroups/local/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nodes"
)


def a_pool(**fields: Any) -> Pool:
    return Pool(**{"id": "encode", "vm_size": "standard_d4s_v5", "scale": FixedScale(spot=1), **fields})


def one_task(**options: Any) -> JobGraph:
    graph = JobGraph()
    graph.task("t", "true", **options)
    return graph


def test_the_job_says_what_pool_is_made_for_it() -> None:
    auto = AutoPool(a_pool(task_slots=2, packages=["ffmpeg==7"]), account_resource_id="/accounts/mine")
    wire = JobOptions(auto).wire("j", {})
    assert validate_body(wire, "BatchJobCreateOptions", load_contract())
    made = wire["poolInfo"]["autoPoolSpecification"]
    assert {name: made[name] for name in made if name != "pool"} == {
        "autoPoolIdPrefix": "encode",
        "poolLifetimeOption": "job",
        "keepAlive": False,
    }
    assert made["pool"]["taskSlotsPerNode"] == 2
    assert made["pool"]["applicationPackageReferences"] == [
        {"applicationId": "/accounts/mine/applications/ffmpeg", "version": "7"}
    ]
    assert "id" not in made["pool"]
    assert wire["poolInfo"].keys() == {"autoPoolSpecification"}


def test_its_id_begins_with_the_declarations_or_a_prefix() -> None:
    long = a_pool(id="a-name-of-more-than-twenty-characters")
    assert AutoPool(long).label == "a-name-of-more-than-"
    assert AutoPool(long, prefix="short").label == "short"


def test_jinja_in_it_is_rendered_with_the_job() -> None:
    options = JobOptions(AutoPool(a_pool(vm_size="{{ size }}"), prefix="{{ ds }}"))
    rendered = options.rendered(lambda text: {"{{ size }}": "standard_d8s_v5", "{{ ds }}": "day-1"}[text])
    made = rendered.wire("j", {})["poolInfo"]["autoPoolSpecification"]
    assert (made["autoPoolIdPrefix"], made["pool"]["vmSize"]) == ("day-1", "standard_d8s_v5")


def test_a_start_task_reads_blobs_by_the_jobs_access() -> None:
    options = JobOptions(AutoPool(a_pool(start_task=StartTask("true", inputs={"a": blob("incoming/a")}))))
    pool = options.wire("j", {}, NamedAccess())["poolInfo"]["autoPoolSpecification"]["pool"]
    assert [entry["filePath"] for entry in pool["startTask"]["resourceFiles"]] == ["a"]
    with pytest.raises(SpecError, match="names no storage account"):
        options.wire("j", {})


def test_a_schedule_may_have_one_for_all_its_jobs() -> None:
    graph = one_task(job_manager=JobManager(), keep_logs=False)
    schedule = JobSchedule("s", graph, JobOptions(AutoPool(a_pool(), lifetime="schedule")))
    wire = schedule.to_wire({}, None)
    assert validate_body(wire, "BatchJobScheduleCreateOptions", load_contract())
    made = wire["jobSpecification"]["poolInfo"]["autoPoolSpecification"]
    assert made["poolLifetimeOption"] == "jobschedule"


def test_another_declaration_is_another_job_and_secrets_do_not_count() -> None:
    def mark(**fields: Any) -> str:
        auto = {"keep_alive": fields.pop("keep_alive", False)}
        return fingerprint(one_task(), JobOptions(AutoPool(a_pool(**fields), **auto)), "work")

    def user(password: str) -> list[UserAccount]:
        return [UserAccount(name="me", password=password)]

    assert mark() == mark()
    assert mark(users=user("a-1")) == mark(users=user("b-2"))
    image = LatestImage(offer="ubuntu-*")
    of_today = AutoPool(a_pool(image=image), image=Image.UBUNTU_24_04)
    assert mark(image=image) == fingerprint(one_task(), JobOptions(of_today), "work")
    marks = {mark(), mark(vm_size="standard_d8s_v5"), mark(keep_alive=True), mark(users=user("a-1"))}
    assert len(marks) == 4


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: AutoPool("encode"), r"AutoPool\(Pool"),
        (lambda: AutoPool(a_pool(), lifetime="jobs"), "lifetime is 'jobs'.*'job'"),
        (lambda: AutoPool(a_pool(), keep_alive="yes"), "keep_alive is 'yes'"),
        (lambda: AutoPool(a_pool(), prefix="a" * 21), "21 characters.*at most 20"),
        (lambda: AutoPool(a_pool(), prefix="a b"), "'a-b' would do"),
        (lambda: AutoPool(a_pool(id_by_fingerprint=True)), "leave id_by_fingerprint out"),
        (lambda: AutoPool(a_pool(identities=[IDENTITY])), "no identities.*AzureBatchPoolOperator"),
        (
            lambda: AutoPool(
                a_pool(mounts=[BlobMount(account="a", container="c", path="p", identity=IDENTITY)])
            ),
            "no identities",
        ),
        (lambda: AutoPool(a_pool(scale=FixedScale())), "no nodes.*FixedScale"),
        (
            lambda: AutoPool(
                a_pool(start_task=StartTask("true", inputs={"a": blob("incoming/a")})), keep_alive=True
            ),
            "outlives its job.*application package",
        ),
        (
            lambda: JobSchedule(
                "s",
                one_task(job_manager=JobManager(), keep_logs=False, inputs={"a": blob("incoming/a")}),
                JobOptions(AutoPool(a_pool())),
            ),
            "no identity.*a pool that is there",
        ),
        (
            lambda: AutoPool(a_pool()).check_fits(one_task(required_slots=2)),
            "needs 2 slots.*more task_slots",
        ),
        (
            lambda: AutoPool(a_pool()).check_fits(one_task(multi_instance=MultiInstance(2, "true"))),
            "inter_node_communication=True",
        ),
        (
            lambda: AutoPool(a_pool(inter_node_communication=True)).check_fits(
                one_task(multi_instance=MultiInstance(9, "true"))
            ),
            "of 9 nodes, and auto pool 'encode.*' has [1-8].*a pool of 9 nodes or more",
        ),
    ],
)
def test_what_cannot_be_is_told_when_it_is_written(make: Any, what: str) -> None:
    with pytest.raises(SpecError, match=f"(?s){what}"):
        make()


def test_a_formula_may_begin_without_nodes() -> None:
    assert AutoPool(a_pool(scale=pending_tasks(4))).label == "encode"
