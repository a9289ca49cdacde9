"""The management plane through `azure-mgmt-batch`, sync and aio."""

from __future__ import annotations

import asyncio
import base64
import io
import time
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.batch import BatchManagementClient
from azure.mgmt.batch.aio import BatchManagementClient as AioManagementClient
from azure.storage.blob import BlobClient

from tests.protocol.builders import a_pool
from tests.protocol.driver import Driver, open_driver
from tests.protocol.server import Server

pytestmark = pytest.mark.slow

SUBSCRIPTION, GROUP = "00000000-0000-0000-0000-000000000000", "local"
MACHINE = {
    "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
    "nodeAgentSkuId": "batch.node.ubuntu 24.04",
}
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"


def token(key: str, **claims: Any) -> str:
    usual = {"iss": "batch-emulator", "aud": "https://management.azure.com/", "exp": time.time() + 300}
    return jwt.encode({**usual, **claims}, base64.b64decode(key), algorithm="HS256")


class Bearer(SansIOHTTPPolicy[Any, Any]):
    """The client's own policy sends no token over plain http."""

    def __init__(self, text: str) -> None:
        self._text = text

    def on_request(self, request: Any) -> None:
        request.http_request.headers["Authorization"] = f"Bearer {self._text}"


class Management:
    """The client of either kind, awaited."""

    def __init__(self, client: Any, account: str, *, is_aio: bool) -> None:
        self._client, self._account, self._is_aio = client, account, is_aio

    async def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        group, _, name = method.partition(".")
        function = getattr(getattr(self._client, group), name)
        args = (GROUP, self._account, *args)
        return (
            await function(*args, **kwargs)
            if self._is_aio
            else await asyncio.to_thread(function, *args, **kwargs)
        )

    async def list(self, method: str, *args: Any, **kwargs: Any) -> Any:
        group, _, name = method.partition(".")
        function = getattr(getattr(self._client, group), name)
        if self._is_aio:
            return [item async for item in function(*args, **kwargs)]
        return await asyncio.to_thread(lambda: [*function(*args, **kwargs)])

    async def outside(self, method: str, *args: Any) -> Any:
        """A plain method that is of no account."""
        group, _, name = method.partition(".")
        function = getattr(getattr(self._client, group), name)
        return await function(*args) if self._is_aio else await asyncio.to_thread(function, *args)

    async def of_account(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return await self.list(method, GROUP, self._account, *args, **kwargs)


@pytest.fixture(params=["sync", "aio"])
async def management(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Management]:
    is_aio = request.param == "aio"
    make = AioManagementClient if is_aio else BatchManagementClient
    client: Any = make(
        credential=object(),  # type: ignore[arg-type]
        subscription_id=SUBSCRIPTION,
        base_url=server.endpoint,
        authentication_policy=Bearer(token(server.key)),
        retry_total=0,
    )
    yield Management(client, server.account, is_aio=is_aio)
    if is_aio:
        await client.close()
    else:
        client.close()


async def test_the_account_and_its_keys(management: Management, server: Server) -> None:
    account = await management.call("batch_account.get")
    assert (account.name, account.id) == (server.account, server.resource_id)
    assert account.account_endpoint == server.endpoint.partition("://")[2]
    assert account.provisioning_state == "Succeeded"
    keys = await management.call("batch_account.get_keys")
    assert (keys.account_name, keys.primary) == (server.account, server.key)
    assert keys.secondary
    for listed in (
        await management.list("batch_account.list"),
        await management.list("batch_account.list_by_resource_group", GROUP),
    ):
        assert [item.name for item in listed] == [server.account]


async def test_the_secondary_key_signs_too(management: Management, server: Server) -> None:
    keys = await management.call("batch_account.get_keys")
    async with open_driver("aio", server.endpoint, server.account, keys.secondary) as batch:
        await batch.list("list_supported_images")


async def test_applications(management: Management, name: str) -> None:
    made = await management.call("application.create", name, {"properties": {"displayName": "An app"}})
    assert (made.name, made.display_name, made.allow_updates) == (name, "An app", True)
    await management.call("application.update", name, {"properties": {"allowUpdates": False}})
    found = await management.call("application.get", name)
    assert (found.display_name, found.allow_updates) == ("An app", False)
    await management.call("application.create", f"{name}-2", {})
    listed = await management.of_account("application.list", maxresults=1)
    assert {name, f"{name}-2"} <= {item.name for item in listed}
    await management.call("application.delete", name)
    with pytest.raises(ResourceNotFoundError) as caught:
        await management.call("application.get", name)
    assert caught.value.error.code == "ApplicationNotFound"  # type: ignore[union-attr]


def package() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("hello.txt", "hello")
    return content.getvalue()


async def test_a_package_is_uploaded_activated_and_used(
    management: Management, server: Server, aio_batch: Driver, name: str
) -> None:
    await management.call("application.create", name, {})
    pending = await management.call("application_package.create", name, "1.0", {})
    assert (pending.state, pending.name) == ("Pending", "1.0")
    assert pending.storage_url_expiry is not None
    with pytest.raises(HttpResponseError) as caught:
        await management.call("application_package.activate", name, "1.0", {"format": "zip"})
    assert caught.value.status_code == 409
    await asyncio.to_thread(lambda: BlobClient.from_blob_url(pending.storage_url).upload_blob(package()))
    active = await management.call("application_package.activate", name, "1.0", {"format": "zip"})
    assert (active.state, active.format) == ("Active", "zip")
    assert active.last_activation_time is not None
    await management.call("application.update", name, {"properties": {"defaultVersion": "1.0"}})
    [listed] = await management.of_account("application_package.list", name)
    assert listed.name == "1.0"
    assert (await management.call("application_package.get", name, "1.0")).state == "Active"

    usable = await aio_batch.call("get_application", name)
    assert (usable.id, usable.versions) == (name, ["1.0"])
    assert name in [item.id for item in await aio_batch.list("list_applications")]
    reference = {"applicationId": f"{server.resource_id}/applications/{name}"}
    await aio_batch.call("create_pool", a_pool(name, applicationPackageReferences=[reference]))
    pool = await management.call("pool.get", name)
    assert pool.application_packages[0].id == reference["applicationId"]
    await aio_batch.run("begin_delete_pool", name)

    await management.call("application_package.delete", name, "1.0")
    assert (await management.call("application.get", name)).default_version is None


async def test_a_pool_with_an_identity_is_seen_on_both_planes(
    management: Management, aio_batch: Driver, name: str
) -> None:
    body = {
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
        "properties": {
            "vmSize": "STANDARD_D2S_V3",
            "deploymentConfiguration": {"virtualMachineConfiguration": MACHINE},
            "scaleSettings": {"autoScale": {"formula": "$TargetDedicatedNodes=0"}},
            "taskSchedulingPolicy": {"nodeFillType": "Pack"},
        },
    }
    made = await management.call("pool.create", name, body)
    assert (made.name, made.provisioning_state, made.identity.type) == (name, "Succeeded", "UserAssigned")
    assert made.task_scheduling_policy.node_fill_type == "Pack"
    assert list(made.identity.user_assigned_identities) == [IDENTITY]
    assert name in [pool.name for pool in await management.of_account("pool.list_by_batch_account")]
    seen = await aio_batch.call("get_pool", name)
    assert seen.identity.user_assigned_identities[0].resource_id == IDENTITY
    await aio_batch.until(lambda pool: pool.auto_scale_run is not None, "get_pool", name)
    disabled = await management.call("pool.disable_auto_scale", name)
    assert disabled.scale_settings.fixed_scale.target_dedicated_nodes == 0
    with pytest.raises(HttpResponseError) as caught:
        await management.call("pool.create", name, body)
    assert caught.value.error.code == "PoolExists"  # type: ignore[union-attr]
    poller = await management.call("pool.begin_delete", name, polling_interval=0.05)
    await (
        poller.result() if asyncio.iscoroutinefunction(poller.result) else asyncio.to_thread(poller.result)
    )
    with pytest.raises(ResourceNotFoundError):
        await management.call("pool.get", name)


async def test_a_pool_is_changed_and_resized(management: Management, aio_batch: Driver, name: str) -> None:
    endpoints = {
        "inboundNatPools": [
            {
                "name": "web",
                "protocol": "TCP",
                "backendPort": 8080,
                "frontendPortRangeStart": 15000,
                "frontendPortRangeEnd": 15100,
            }
        ]
    }
    properties = {
        "vmSize": "STANDARD_D2S_V3",
        "deploymentConfiguration": {"virtualMachineConfiguration": MACHINE},
        "networkConfiguration": {"endpointConfiguration": endpoints},
        "userAccounts": [{"name": "worker", "password": "s3cret-S3CRET", "elevationLevel": "Admin"}],
    }
    made = await management.call("pool.create", name, {"properties": properties})
    nat = made.network_configuration.endpoint_configuration.inbound_nat_pools[0]
    assert (nat.name, nat.protocol, made.user_accounts[0].elevation_level) == ("web", "TCP", "Admin")
    await management.call("pool.update", name, {"properties": {"metadata": [{"name": "a", "value": "b"}]}})
    scale = {"fixedScale": {"targetDedicatedNodes": 1, "nodeDeallocationOption": "Requeue"}}
    resized = await management.call("pool.update", name, {"properties": {"scaleSettings": scale}})
    assert resized.scale_settings.fixed_scale.target_dedicated_nodes == 1
    steady = await aio_batch.until(lambda pool: pool.allocation_state == "steady", "get_pool", name)
    assert (steady.current_dedicated_nodes, steady.metadata[0].value) == (1, "b")
    bad = {"autoScale": {"formula": "$TargetDedicatedNodes="}}
    with pytest.raises(HttpResponseError) as caught:
        await management.call("pool.update", name, {"properties": {"scaleSettings": bad}})
    assert caught.value.error.code == "AutoScalingFormulaSyntaxError"  # type: ignore[union-attr]
    scale = {"autoScale": {"formula": "$TargetDedicatedNodes=0", "evaluationInterval": "PT5M"}}
    auto = await management.call("pool.update", name, {"properties": {"scaleSettings": scale}})
    assert auto.scale_settings.auto_scale.formula == "$TargetDedicatedNodes=0"
    with pytest.raises(HttpResponseError) as caught:
        await management.call("pool.update", name, {"properties": {"vmSize": "standard_d4s_v3", "stray": 1}})
    assert caught.value.error.code == "UnsupportedProperty"  # type: ignore[union-attr]
    await aio_batch.run("begin_delete_pool", name)


async def test_the_account_is_what_the_emulator_was_started_as(
    management: Management, server: Server
) -> None:
    storage = {
        "storageAccountId": "/subscriptions/s/resourceGroups/g/providers/x/storageAccounts/devstoreaccount1"
    }
    body = {"location": "westus", "properties": {"autoStorage": storage}}
    poller = await management.call("batch_account.begin_create", body, polling_interval=0.05)
    made = await (
        poller.result() if asyncio.iscoroutinefunction(poller.result) else asyncio.to_thread(poller.result)
    )
    assert made.id == server.resource_id
    assert (await management.call("batch_account.update", {})).name == server.account
    await management.call("batch_account.synchronize_auto_storage_keys")
    for stray in ({"tags": {"a": "b"}}, {"properties": {"publicNetworkAccess": "Disabled"}}):
        with pytest.raises(HttpResponseError) as caught:
            await management.call("batch_account.update", stray)
        assert caught.value.error.code == "UnsupportedProperty"  # type: ignore[union-attr]


async def test_what_one_machine_has_none_of(management: Management) -> None:
    for listing in (
        "batch_account.list_outbound_network_dependencies_endpoints",
        "batch_account.list_detectors",
        "private_endpoint_connection.list_by_batch_account",
        "private_link_resource.list_by_batch_account",
        "network_security_perimeter.list_configurations",
    ):
        assert await management.of_account(listing) == []


async def test_what_a_subscription_is_told_of_a_place(management: Management, server: Server) -> None:
    quotas = await management.outside("location.get_quotas", "local")
    assert quotas.account_quota == 1
    skus = await management.list("location.list_supported_virtual_machine_skus", "local", maxresults=10)
    cores = {sku.name: {item.name: item.value for item in sku.capabilities}["vCPUs"] for sku in skus}
    assert cores["standard_d2s_v3"] == "2"
    assert len(skus) > 10
    family = "familyName eq 'standardFSv2Family'"
    some = await management.list("location.list_supported_virtual_machine_skus", "local", filter=family)
    assert {sku.family_name for sku in some} == {"standardFSv2Family"}
    with pytest.raises(HttpResponseError):
        await management.list("location.list_supported_virtual_machine_skus", "local", filter="name eq 'x'")
    for name, reason in ((server.account, "AlreadyExists"), ("Not-Good", "Invalid"), ("other", None)):
        body = {"name": name, "type": "Microsoft.Batch/batchAccounts"}
        answer = await management.outside("location.check_name_availability", "local", body)
        assert (answer.name_available, answer.reason) == (reason is None, reason)


def get(server: Server, path: str, text: str | None) -> requests.Response:
    headers = {"Authorization": f"Bearer {text}"} if text else {}
    return requests.get(f"{server.endpoint}{path}", headers=headers, timeout=60)


@pytest.mark.parametrize("text", [None, "nonsense", token(base64.b64encode(b"w" * 64).decode())])
def test_who_may_not(server: Server, text: str | None) -> None:
    response = get(server, f"{server.resource_id}?api-version=2025-06-01", text)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    assert response.json()["error"]["code"] == "AuthenticationFailed"
    assert server.key not in response.text


async def test_the_client_calls_it_an_authentication_error(server: Server) -> None:
    policy = Bearer(token(server.key, exp=time.time() - 1))
    async with AioManagementClient(
        credential=object(),  # type: ignore[arg-type]
        subscription_id=SUBSCRIPTION,
        base_url=server.endpoint,
        authentication_policy=policy,
    ) as client:
        with pytest.raises(ClientAuthenticationError, match="expired"):
            await client.batch_account.get(GROUP, server.account)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("{account}", 400, "MissingRequiredQueryParameter"),
        ("{account}?api-version=2000-01-01", 400, "UnsupportedRequestVersion"),
        ("{account}x?api-version=2025-06-01", 404, "ResourceNotFound"),
        (
            "/subscriptions/other/providers/Microsoft.Batch/batchAccounts?api-version=2025-06-01",
            404,
            "ResourceNotFound",
        ),
        ("{account}/strange?api-version=2025-06-01", 400, "InvalidUri"),
        ("{account}/pools/none?api-version=2025-06-01", 404, "PoolNotFound"),
        ("{account}/applications?api-version=2025-06-01&maxresults=0", 400, "OutOfRangeQueryParameterValue"),
    ],
)
def test_refusals(server: Server, path: str, status: int, code: str) -> None:
    response = get(server, path.replace("{account}", server.resource_id), token(server.key))
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
