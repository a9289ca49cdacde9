"""Identity before keys and SAS, and no SAS where it can be read."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow.sdk import Asset

from airflow_batch_provider.client.connect.identity import AuthMethod, Identity
from airflow_batch_provider.client.connect.secret import Secret
from airflow_batch_provider.client.connect.storage_settings import StorageSettings
from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.jobs.job_files import JobFiles
from airflow_batch_provider.client.requests.steps import Say
from airflow_batch_provider.exceptions import BatchJobFailedError
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec import JobGraph, SpecError, StartTask, blob, shell
from airflow_batch_provider.spec.compile import compile_tasks
from airflow_batch_provider.triggers.job import AzureBatchJobTrigger
from tests.airflow_batch_provider.airflow_versions import TaskDeferred

URL = "https://store.blob.core.windows.net"
NODES = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nodes"
KEYED = StorageSettings.from_url(URL, key=Secret("a2V5a2V5"), identity=None)
BY_IDENTITY = StorageSettings.from_url(URL, key=None, identity=Identity(AuthMethod.DEFAULT_CREDENTIAL))


def graph() -> JobGraph:
    made = JobGraph()
    first = made.task("a", "/bin/true", inputs={"x": blob("in01/x"), "all/": blob("in01/p/")}, outputs=["y"])
    made.task("b", "/bin/true", inputs={"y": first.output("y")}, outputs={"z": blob("out/z")})
    return made


def wire_of(access: StorageAccess) -> str:
    storage = JobFiles(access, "batch-work").of("job")
    return json.dumps(list(compile_tasks(graph(), storage)))


def test_pain_106_files_are_reached_by_the_nodes_identity_without_any_sas() -> None:
    wire = wire_of(StorageAccess(BY_IDENTITY, node_identity=NODES))
    assert "sig=" not in wire
    assert wire.count(NODES) == wire.count("identityReference")
    assert wire.count("identityReference") >= 5


def test_pain_103_a_start_tasks_files_too() -> None:
    start = StartTask("/bin/true", inputs={"tool": blob("tools/tool.sh")})
    wire = json.dumps(start.to_wire(StorageAccess(BY_IDENTITY, node_identity=NODES), "linux"))
    assert NODES in wire
    assert "sig=" not in wire


def test_pain_109_resource_files_need_no_sas_that_may_expire() -> None:
    entry = StorageAccess(BY_IDENTITY, node_identity=NODES).resource_file(blob("in01/x"), "x")
    assert entry == {"httpUrl": f"{URL}/in01/x", "filePath": "x", "identityReference": {"resourceId": NODES}}


@pytest.mark.parametrize("hours", [1, 24 * 30])
def test_pain_111_a_sas_lives_as_long_as_the_job_may(hours: int) -> None:
    lifetime = dt.timedelta(hours=hours)
    access = StorageAccess(KEYED, sas_lifetime=lifetime)
    url = access.resource_file(blob("in01/x"), "x")["httpUrl"]
    end = dt.datetime.fromisoformat(parse_qs(urlsplit(url).query)["se"][0].replace("Z", "+00:00"))
    assert abs(end - dt.datetime.now(dt.timezone.utc) - lifetime) < dt.timedelta(minutes=1)
    assert access.shortfall() is None


def test_pain_112_a_sas_that_cannot_live_so_long_is_told_before_the_job_starts() -> None:
    long, short = dt.timedelta(days=8), dt.timedelta(days=6)
    told = StorageAccess(BY_IDENTITY, sas_lifetime=long).shortfall()
    assert told is not None
    assert "node_identity_resource_id" in told
    assert StorageAccess(BY_IDENTITY, sas_lifetime=short).shortfall() is None
    assert StorageAccess(BY_IDENTITY, node_identity=NODES, sas_lifetime=long).shortfall() is None


def test_a_sas_of_the_connection_that_ends_before_the_job_is_told_and_not_shown() -> None:
    end = (dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"BlobEndpoint={URL};SharedAccessSignature=sv=2026&se={end}&sig=c2VjcmV0"
    access = StorageAccess(StorageSettings.from_connection_string(text), sas_lifetime=dt.timedelta(hours=5))
    told = access.shortfall()
    assert told is not None
    assert "c2VjcmV0" not in told
    assert "later than 2 hours" in told


def test_pain_091_the_default_credential_is_an_authentication_method() -> None:
    from airflow_batch_provider.client.connect.settings import BatchSettings

    extra = {"auth_method": "default_credential", "storage_account_url": URL}
    settings = BatchSettings.from_connection(
        "azurebatch", "https://acct.westeurope.batch.azure.com", None, None, extra
    )
    assert not settings.secrets()


def test_a_blob_may_be_an_asset() -> None:
    # Not `abfss://incoming@lake...`: Airflow 3.1 takes what is before the `@` for a user and leaves it out.
    asset = Asset(name="words", uri="https://lake.blob.core.windows.net/incoming/words.txt")
    assert blob(asset) == blob("https://lake.blob.core.windows.net/incoming/words.txt")
    with pytest.raises(SpecError):
        blob(Asset(name="table", uri="postgres://host/db/schema/table"))


class _Instance:
    dag_id, task_id, map_index, max_tries = "masks", "job", -1, 0

    def __init__(self) -> None:
        self.run_id = uuid.uuid4().hex
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
def test_no_signature_is_in_logs_xcom_trigger_rows_rendered_fields_or_errors(
    batch_conn_id: str, pool: str, storage: StorageAccess, fails: bool
) -> None:
    """Even of a program that prints the address it was given."""
    storage.ensure_container("incoming")
    storage.upload_blob("incoming", "words.txt", b"a b c")
    url = storage.resource_file(blob("incoming/words.txt"), "x")["httpUrl"]
    assert "sig=" in url
    made = JobGraph()
    made.task(
        "prints",
        shell(f'echo "reading $SOURCE"; sleep 2; exit {3 if fails else 0}'),
        inputs={"words": blob("incoming/words.txt")},
        outputs=["../std*.txt"],
        environment={"SOURCE": url},
    )
    said: list[Say] = []
    instance, shown = _Instance(), []
    operator = AzureBatchJobOperator(
        task_id="job", pool_id=pool, graph=made, conn_id=batch_conn_id, poll_interval=0.3
    )
    context: Any = {"ti": instance, "run_id": instance.run_id}
    with pytest.MonkeyPatch.context() as patch:
        for module in ("requests.drive", "jobs.job_run"):
            patch.setattr(f"airflow_batch_provider.client.{module}.log_to", lambda logger: said.append)
        try:
            with pytest.raises(TaskDeferred) as deferred:
                operator.execute(context)
            _, arguments = deferred.value.trigger.serialize()
            event = asyncio.run(_fire(arguments))
            shown += [json.dumps(arguments), json.dumps(event)]
            shown.append(json.dumps(operator.resume(context, event)))
            assert not fails
        except BatchJobFailedError as error:
            assert fails
            shown.append(str(error))
    shown += [json.dumps(instance.pushed), *(say.text for say in said)]
    shown += [str(getattr(operator, name)) for name in operator.template_fields]
    assert any("reading http" in text for text in shown)
    assert "sig=" not in "\n".join(shown).replace("sig=***", "")


async def _fire(arguments: dict[str, Any]) -> Any:
    async for event in AzureBatchJobTrigger(**json.loads(json.dumps(arguments))).run():
        return event.payload
    raise AssertionError("no event")
