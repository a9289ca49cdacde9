"""Pools with identities, parts and the latest image, by the official clients against a real emulator."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.exceptions import BatchPoolError, BatchPoolHopelessError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.spec import (
    BlobMount,
    Containers,
    DataDisk,
    Extension,
    FixedScale,
    Image,
    LatestImage,
    Network,
    OsDisk,
    Pool,
    Registry,
    SpecError,
    StartTask,
    UpgradePolicy,
    UserAccount,
    pending_tasks,
    shell,
)
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.operators.running import a_pool, ensure, pool_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

READER = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/"
    "Microsoft.ManagedIdentity/userAssignedIdentities/reader"
)
OTHER = READER.replace("reader", "other")
PARTS: dict[str, Any] = {
    "users": [UserAccount(name="worker", password="s3cret-of-the-user", admin=True)],
    "os_disk": OsDisk(ephemeral=True, caching="readonly"),
    "data_disks": [DataDisk(size_gb=64, lun=1, caching="readwrite"), DataDisk(size_gb=32)],
    "network": Network(accelerated=True),
    "placement": "zonal",
    "upgrade": UpgradePolicy(mode="automatic", automatic_os=True),
    "job_order": "creationtime",
}


@pytest.mark.parametrize("scale", [FixedScale(spot=1), pending_tasks(2, start_nodes=0)])
def test_a_pool_with_an_identity_is_made_once_and_attached_to(batch_conn_id: str, scale: Any) -> None:
    pool = a_pool(
        f"identity-{type(scale).__name__}",
        scale=scale,
        identities=[READER],
        start_task=StartTask(shell("true")),
        metadata={"team": "video"},
        **PARTS,
    )
    assert ensure(batch_conn_id, pool) == pool.id
    made = pool_of(batch_conn_id, pool.id)
    assert [given["resourceId"] for given in made["identity"]["userAssignedIdentities"]] == [READER]
    assert ensure(batch_conn_id, pool) == pool.id  # the same in the data plane's words: no drift
    assert pool_of(batch_conn_id, pool.id)["eTag"] == made["eTag"]


def test_a_missing_identity_is_drift_that_is_told_and_mended_by_making_the_pool_anew(
    batch_conn_id: str,
) -> None:
    ensure(batch_conn_id, a_pool("identities", identities=[READER]))
    both = a_pool("identities", identities=[READER, OTHER])
    with pytest.raises(BatchPoolHopelessError, match=r"identity: declared \['other'\], is \['reader'\]"):
        ensure(batch_conn_id, both)
    ensure(batch_conn_id, both, on_drift="recreate")
    identity = pool_of(batch_conn_id, both.id)["identity"]
    assert {given["resourceId"] for given in identity["userAssignedIdentities"]} == {READER, OTHER}


def test_a_refused_pool_with_an_identity_is_explained(batch_conn_id: str) -> None:
    with pytest.raises(BatchPoolHopelessError, match="Next step") as caught:
        ensure(batch_conn_id, a_pool("identity-refused", identities=[READER], vm_size="none"))
    assert "op-identity-refused" in str(caught.value)


def test_parts_come_back_as_they_were_declared(batch_conn_id: str) -> None:
    pool = a_pool("parts", **PARTS)
    ensure(batch_conn_id, pool)
    made = pool_of(batch_conn_id, pool.id)
    assert ensure(batch_conn_id, pool) == pool.id
    assert made["virtualMachineConfiguration"]["nodePlacementConfiguration"] == {"policy": "zonal"}
    with pytest.raises(BatchPoolHopelessError, match=r"dataDisks.*declared"):
        ensure(batch_conn_id, a_pool("parts", **{**PARTS, "data_disks": [DataDisk(size_gb=1)]}))


def test_a_secret_is_not_in_the_log_of_a_refusal(
    batch_conn_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    registry = Registry(server="example.azurecr.io", username="u", password="s3cret-of-the-registry")
    pool = a_pool("secret", containers=Containers(registries=[registry]), vm_size="no_such_size")
    with pytest.raises(BatchPoolHopelessError) as caught:
        ensure(batch_conn_id, pool)
    written = "".join(capfd.readouterr())
    assert "s3cret-of-the-registry" not in written + str(caught.value)


def test_pain_099_secrets_of_a_key_vault_come_to_the_nodes_by_an_extension(batch_conn_id: str) -> None:
    vault = "https://example.vault.azure.net/secrets/token"
    pool = a_pool(
        "key-vault",
        identities=[READER],
        extensions=[
            Extension(
                name="secrets",
                publisher="Microsoft.Azure.KeyVault",
                type="KeyVaultForLinux",
                version="3.0",
                settings={
                    "secretsManagementSettings": {
                        "pollingIntervalInS": "3600",
                        "observedCertificates": [{"url": vault, "certificateStoreLocation": "/var/secrets"}],
                    },
                    "authenticationSettings": {"msiClientId": "00000000-0000-0000-0000-000000000000"},
                },
                protected_settings={"fallback": "s3cret-of-the-extension"},
            )
        ],
    )
    assert ensure(batch_conn_id, pool) == pool.id
    made = pool_of(batch_conn_id, pool.id)
    assert "s3cret-of-the-extension" not in str(made)
    client = AzureBatchHook(batch_conn_id).batch_client()
    (node,) = client.list_nodes(pool.id)
    found = client.get_node_extension(pool.id, node.id, "secrets").as_dict()["vmExtension"]
    assert found["settings"]["secretsManagementSettings"]["observedCertificates"][0]["url"] == vault
    assert ensure(batch_conn_id, pool) == pool.id
    assert pool_of(batch_conn_id, pool.id)["eTag"] == made["eTag"]


def test_pain_025_a_changed_mount_is_told_and_comes_by_making_the_pool_anew(
    batch_conn_id: str, azurite: StorageAccount
) -> None:
    def mounting(container: str) -> Pool:
        AzureBatchHook(batch_conn_id).storage().ensure_container(container)
        mount = BlobMount(account=azurite.name, container=container, path="data", account_key=azurite.key)
        return a_pool("mounts", mounts=[mount])

    ensure(batch_conn_id, mounting("mounted-before"))
    with pytest.raises(BatchPoolHopelessError, match="declared mounted-now, is mounted-before"):
        ensure(batch_conn_id, mounting("mounted-now"))
    made = ensure(batch_conn_id, mounting("mounted-now"), on_drift="recreate")
    (mount,) = pool_of(batch_conn_id, made)["mountConfiguration"]
    assert mount["azureBlobFileSystemConfiguration"]["containerName"] == "mounted-now"


def test_pain_188_a_file_system_that_is_not_mounted_is_told_before_tasks_suffer(
    batch_conn_id: str, azurite: StorageAccount
) -> None:
    mount = BlobMount(account=azurite.name, container="no-such-one", path="data", account_key=azurite.key)
    with pytest.raises(BatchPoolError) as caught:
        ensure(batch_conn_id, a_pool("not-mounted", mounts=[mount]))
    text = str(caught.value)
    assert "is unusable: MountConfigurationError" in text
    assert "a mount could not be set up" in text
    assert azurite.key not in text


def test_the_latest_image_is_found_and_what_runs_already_is_no_drift(batch_conn_id: str) -> None:
    pool = a_pool("latest", image=LatestImage(publisher="canonical", offer="*ubuntu*"))
    ensure(batch_conn_id, pool)
    image = pool_of(batch_conn_id, pool.id)["virtualMachineConfiguration"]["imageReference"]
    assert image["offer"] == "ubuntu-24_04-lts"
    older = a_pool("older", image=Image.UBUNTU_22_04)
    ensure(batch_conn_id, older)
    loose = a_pool("older", image=LatestImage(publisher="canonical", offer="*ubuntu*"))
    assert ensure(batch_conn_id, loose) == older.id
    with pytest.raises(BatchPoolHopelessError, match=r"imageReference\.offer: declared ubuntu-24_04-lts"):
        ensure(batch_conn_id, a_pool("older", image=LatestImage(offer="ubuntu-24*")))


def test_pain_015_another_declaration_is_another_pool_and_never_meets_the_old_one(batch_conn_id: str) -> None:
    made = [
        ensure(batch_conn_id, a_pool("by-print", id_by_fingerprint=True, task_slots=slots, image=image))
        for slots, image in ((1, LatestImage(publisher="canonical")), (2, LatestImage(publisher="canonical")))
    ]
    assert len(set(made)) == 2
    assert [pool_of(batch_conn_id, pool_id)["taskSlotsPerNode"] for pool_id in made] == [1, 2]
    again = a_pool("by-print", id_by_fingerprint=True, image=LatestImage(publisher="canonical"))
    assert ensure(batch_conn_id, again) == made[0]


def test_pain_015_an_id_is_used_again_while_the_old_pool_is_being_deleted(batch_conn_id: str) -> None:
    pool = a_pool("used-again")
    ensure(batch_conn_id, pool)
    client = AzureBatchHook(batch_conn_id).batch_client()
    client.begin_delete_pool(pool.id, polling_interval=60)
    assert ensure(batch_conn_id, pool) == pool.id
    assert pool_of(batch_conn_id, pool.id)["state"] == "active"


def test_no_image_that_fits_is_told_with_those_there_are(batch_conn_id: str) -> None:
    with pytest.raises(SpecError, match="canonical/ubuntu-24_04-lts/server"):
        ensure(batch_conn_id, a_pool("none", image=LatestImage(offer="solaris*")))
    hook = AzureBatchHook(batch_conn_id)
    assert "op-none" not in {pool.id for pool in hook.batch_client().list_pools()}
