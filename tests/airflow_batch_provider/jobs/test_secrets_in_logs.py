"""Secrets that an author hands to tasks, in the part of the log that a triggerer writes."""

from __future__ import annotations

import asyncio
import importlib
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk._shared.secrets_masker import redact, reset_secrets_masker
from airflow.sdk.log import mask_secret
from cryptography.fernet import Fernet

from airflow_batch_provider import masking
from airflow_batch_provider.decorators.azure_batch import azure_batch_task
from airflow_batch_provider.operators.azure_batch import AzureBatchOperator
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import FixedScale, JobGraph, Pool, StartTask, shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup
from tests.airflow_batch_provider.airflow_versions import TaskDeferred
from tests.airflow_batch_provider.jobs.operator_run import Instance
from tests.airflow_batch_provider.jobs.test_azure_batch import POOL
from tests.airflow_batch_provider.task_groups.test_live_group import Instance as MemberInstance
from tests.airflow_batch_provider.task_groups.test_live_group import Run

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def fernet(monkeypatch: pytest.MonkeyPatch) -> Fernet:
    """Airflow's key, which worker and triggerer share."""
    key = Fernet(Fernet.generate_key())
    monkeypatch.setattr(masking, "_fernet", lambda: key)
    return key


@pytest.fixture
def secret() -> str:
    """What Airflow masks in the worker, as it does with the password of a connection."""
    value = f"{uuid.uuid4().hex}$'\""
    mask_secret(value)
    return value


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Callable[[Callable[[], Any]], str]:
    """The triggerer's part of the log of a task that defers, as Airflow writes it, and what it stores."""

    def run(execute: Callable[[], Any]) -> str:
        with pytest.raises(TaskDeferred) as deferred:
            execute()
        path, kwargs = deferred.value.trigger.serialize()
        row = json.dumps(kwargs)
        module, _, name = path.rpartition(".")
        capsys.readouterr()
        reset_secrets_masker()  # the triggerer is another process

        async def fire() -> str:
            trigger = getattr(importlib.import_module(module), name)(**json.loads(row))
            async for event in trigger.run():
                return json.dumps(event.payload)
            raise AssertionError("no event")

        event = asyncio.run(fire())
        return f"{row}\n{redact(capsys.readouterr().out)}\n{event}"

    return run


Shown = Callable[[Callable[[], Any]], str]


def job(pool: str, conn_id: str, secret: str, **options: Any) -> AzureBatchJobOperator:
    graph = JobGraph()
    graph.task("in-job", shell('echo "$OF_JOB" end'))
    graph.task(
        "in-task", shell('echo "$OF_TASK" end'), environment={"OF_TASK": f"postgres://u:{secret}@h/db"}
    )
    return AzureBatchJobOperator(
        task_id="job",
        pool_id=pool,
        graph=graph,
        conn_id=conn_id,
        environment={"OF_JOB": secret},
        poll_interval=0.3,
        **options,
    )


def test_a_job_s_environments(pool: str, batch_conn_id: str, secret: str, shown: Shown) -> None:
    text = shown(lambda: job(pool, batch_conn_id, secret).execute(Instance().context()))
    assert secret not in text
    assert "[in-job] *** end" in text
    assert "[in-task] postgres://u:***@h/db end" in text


def test_a_member_s_command(pool: str, batch_conn_id: str, tmp_path: Path, secret: str, shown: Shown) -> None:
    class OneMember(Run):
        def group(self) -> AzureBatchJobTaskGroup:
            with (
                DAG("groups", schedule=None),
                AzureBatchJobTaskGroup("g", pool_id=pool, conn_id=batch_conn_id, poll_interval=0.2) as group,
            ):
                group.task("tell", ["/bin/echo", "{{ conn }}", "end"])
            return group

    run = OneMember(pool, tmp_path, batch_conn_id)
    context = {"dag_run": run, "run_id": run.id, "conn": secret}

    def execute(name: str) -> Any:
        member: Any = run.group().dag.get_task(f"g.{name}")
        return member.execute({**context, "ti": MemberInstance(run, member)})

    run.xcoms["g.submit", "return_value"] = execute("submit")
    text = shown(lambda: execute("tell"))
    assert secret not in text
    assert "[tell] *** end" in text


def tell(words: dict[str, list[str]]) -> None:
    print(*words["told"], "end")  # noqa: T201 - it is looked for


def test_an_argument_of_a_function(pool: str, batch_conn_id: str, secret: str, shown: Shown) -> None:
    with DAG("tests", schedule=None):
        operator: Any = azure_batch_task(
            pool_id=pool, conn_id=batch_conn_id, poll_interval=0.2, task_id="job"
        )(tell)({"told": [secret]}).operator
    text = shown(lambda: operator.execute(Instance().context()))
    assert secret not in text
    assert "*** end" in text


def test_a_command_of_the_official_operator(pool: str, batch_conn_id: str, secret: str, shown: Shown) -> None:
    operator = AzureBatchOperator(
        task_id="job",
        batch_pool_id=pool,
        batch_job_id=f"job-{uuid.uuid4().hex[:8]}",
        batch_task_id="crunch",
        batch_task_command_line=f"/bin/echo {secret[:32]} end",
        azure_batch_conn_id=batch_conn_id,
        poll_interval=1,
        deferrable=True,
        **POOL,
    )
    mask_secret(secret[:32])
    text = shown(lambda: operator.execute(Instance().context()))
    assert secret[:32] not in text
    assert "[crunch] *** end" in text


@pytest.mark.parametrize("key", ["common", "none"])
def test_a_start_task_s_environment(
    batch_conn_id: str,
    secret: str,
    shown: Shown,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    key: str,
) -> None:
    if key == "none":
        monkeypatch.setattr(masking, "_fernet", lambda: None)
    tmp_path.chmod(0o777)
    deferred = tmp_path / "deferred"
    wait = f"while [ ! -e {deferred} ]; do sleep 0.1; done"
    start = StartTask(shell(f'{wait}; echo "the key is $KEY"; exit 7'), environment={"KEY": secret})
    pool = Pool(
        id=f"start-{uuid.uuid4().hex[:8]}",
        vm_size="standard_d2s_v3",
        scale=FixedScale(spot=1),
        start_task=start,
    )
    operator = AzureBatchPoolOperator(task_id="t", batch_pool=pool, conn_id=batch_conn_id)

    def execute() -> None:
        try:
            operator.execute({})  # type: ignore[typeddict-item]
        finally:
            deferred.touch()

    text = shown(execute)
    assert "the start task ended with exit code 7" in text
    assert secret not in text
    assert json.dumps(secret)[1:-1] not in text
    assert ("the key is ***" in text) == (key == "common")


@pytest.mark.parametrize("keys", ["none", "others"])
def test_without_a_common_key_nothing_that_may_be_secret_is_shown(
    pool: str, batch_conn_id: str, secret: str, shown: Shown, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    made = (Fernet(Fernet.generate_key()) for _ in range(9))
    monkeypatch.setattr(masking, "_fernet", lambda: next(made) if keys == "others" else None)
    text = shown(lambda: job(pool, batch_conn_id, secret).execute(Instance().context()))
    assert "What the tasks write is not shown here" in text
    assert "fernet_key" in text
    assert secret not in text
    assert "[in-job]" not in text


def test_what_is_not_said_needs_no_key(pool: str, batch_conn_id: str, secret: str, shown: Shown) -> None:
    text = shown(lambda: job(pool, batch_conn_id, secret, log_tasks=False).execute(Instance().context()))
    assert '"sealed": ""' in text
    assert "not shown here" not in text
