"""The parts of a pool: wire forms that the service's contract takes, errors at DAG parse, secrets kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_batch_provider.spec import (
    BlobMount,
    CifsMount,
    Container,
    Containers,
    DataDisk,
    DiskEncryption,
    Extension,
    FileShareMount,
    Image,
    InboundEndpoint,
    Network,
    NetworkRule,
    NfsMount,
    OsDisk,
    Pool,
    Registry,
    SpecError,
    StartTask,
    UpgradePolicy,
    UserAccount,
)
from batch_emulator.rest.contract import load_contract
from batch_emulator.rest.validation import validate_body
from batch_emulator.service.pools.pool_spec import make_pool_spec

ACCOUNT = SimpleNamespace(account_resource_id="/subscriptions/s/batchAccounts/a")
GROUP = "/subscriptions/s/resourceGroups/g/providers"
READER = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/reader"
PULLER = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/puller"
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/v/subnets/s"
SECRETS = (
    "s3cret-registry",
    "s3cret-sas",
    "s3cret-key",
    "s3cret-cifs",
    "s3cret-user",
    "s3cret-ssh",
    "s3cret-ext",
)


def a_pool(**fields: Any) -> Pool:
    return Pool(**{"id": "p", "vm_size": "standard_d2s_v3", **fields})


def a_pool_with_everything() -> Pool:
    return a_pool(
        network=Network(
            subnet_id=SUBNET,
            public_addresses=[f"{GROUP}/Microsoft.Network/publicIPAddresses/a"],
            endpoints=[
                InboundEndpoint(
                    name="web",
                    port=8080,
                    public_ports=(15_000, 15_100),
                    rules=[
                        NetworkRule(priority=150, source="10.0.0.0/8"),
                        NetworkRule(priority=200, source="*", allow=False),
                    ],
                )
            ],
            accelerated=True,
        ),
        containers=Containers(
            images=["ubuntu:24.04"],
            registries=[
                Registry(server="a.azurecr.io", identity=PULLER),
                Registry(server="b.example.com", username="u", password="s3cret-registry"),
            ],
        ),
        start_task=StartTask("", container=Container("ubuntu:24.04")),
        mounts=[
            BlobMount(account="acct", container="c", path="by-identity", identity=READER),
            BlobMount(account="acct", container="c", path="by-sas", sas="s3cret-sas"),
            FileShareMount(
                account="acct",
                url="https://acct.file.core.windows.net/s",
                path="share",
                account_key="s3cret-key",
            ),
            NfsMount(source="server:/x", path="nfs", options="-o ro"),
            CifsMount(source="//server/x", path="cifs", username="u", password="s3cret-cifs"),
        ],
        users=[
            UserAccount(
                name="u", password="s3cret-user", admin=True, uid=7, gid=7, ssh_private_key="s3cret-ssh"
            )
        ],
        os_disk=OsDisk(ephemeral=True, caching="readonly"),
        data_disks=[DataDisk(size_gb=512, lun=1, kind="premium_lrs")],
        disk_encryption=DiskEncryption(),
        extensions=[
            Extension(
                name="e",
                publisher="P",
                type="T",
                version="1.0",
                settings={"a": "1"},
                protected_settings={"k": "s3cret-ext"},
            )
        ],
        placement="zonal",
        upgrade=UpgradePolicy(
            mode="rolling", automatic_os=True, batch_percent=20, pause=dt.timedelta(minutes=5)
        ),
        job_order="creationtime",
    )


def test_all_that_can_be_declared_is_such_as_the_service_takes() -> None:
    pool = a_pool_with_everything()
    wire = validate_body(pool.to_wire(ACCOUNT), "BatchPoolCreateOptions", load_contract())
    assert [next(iter(mount)) for mount in wire["mountConfiguration"]] == [
        "azureBlobFileSystemConfiguration",
        "azureBlobFileSystemConfiguration",
        "azureFileShareConfiguration",
        "nfsMountConfiguration",
        "cifsMountConfiguration",
    ]
    # The rules behind the contract; one machine can mount blobs and nothing else.
    spec = make_pool_spec({**wire, "mountConfiguration": wire["mountConfiguration"][:2]})
    machine = spec["virtualMachineConfiguration"]
    assert spec["networkConfiguration"]["publicIPAddressConfiguration"]["provision"] == "usermanaged"
    assert machine["osDisk"]["ephemeralOSDiskSettings"] == {"placement": "cachedisk"}
    assert spec["upgradePolicy"]["automaticOSUpgradePolicy"]["useRollingUpgradePolicy"] is True
    assert spec["taskSchedulingPolicy"]["jobDefaultOrder"] == "creationtime"


def test_pain_034_to_037_slots_start_task_containers_mounts_and_packages_are_part_of_a_pool() -> None:
    pool = a_pool(
        task_slots=4,
        containers=Containers(images=["tool:1"]),
        start_task=StartTask("prepare", container=Container("tool:1")),
        mounts=[NfsMount(source="server:/x", path="x")],
        packages=["ffmpeg==7.1"],
    )
    wire = pool.to_wire(ACCOUNT)
    assert wire["taskSlotsPerNode"] == 4
    assert wire["startTask"]["containerSettings"] == {"imageName": "tool:1"}
    assert wire["mountConfiguration"][0]["nfsMountConfiguration"]["source"] == "server:/x"
    assert wire["applicationPackageReferences"][0]["version"] == "7.1"


def test_pain_018_and_028_room_on_disk_does_not_take_a_larger_machine() -> None:
    disks = a_pool(data_disks=[DataDisk(size_gb="2048")]).to_wire(ACCOUNT)["virtualMachineConfiguration"]
    assert disks["dataDisks"] == [{"lun": 0, "diskSizeGB": 2048}]


def test_secrets_are_neither_shown_nor_part_of_the_fingerprint_and_are_told_to_be_masked() -> None:
    pool = a_pool_with_everything()
    for secret in SECRETS:
        assert secret not in repr(pool)
    assert set(pool.secrets) == set(SECRETS)
    other = a_pool(users=[UserAccount(name="u", password="other")])
    same = a_pool(users=[UserAccount(name="u", password="another")])
    assert other.fingerprint == same.fingerprint != a_pool().fingerprint
    assert "other" not in repr(a_pool(properties={"userAccounts": [{"name": "u", "password": "other"}]}))


def test_identities_that_parts_need_are_the_pools() -> None:
    pool = a_pool_with_everything()
    assert set(pool.identity_ids) == {PULLER, READER}
    assert a_pool(identities=[READER.upper()]).identity_ids == (READER.upper(),)
    again = a_pool(identities=[READER, READER.upper()])
    assert len(again.identity_ids) == 1
    assert a_pool().identity_ids == ()
    assert again.fingerprint != a_pool().fingerprint


def test_text_in_parts_is_rendered_and_checked_anew() -> None:
    pool = a_pool(
        users=[UserAccount(name="u", password="{{ secret }}")], data_disks=[DataDisk(size_gb="{{ n }}")]
    )
    rendered = pool.rendered(lambda text: {"{{ secret }}": "x", "{{ n }}": "32"}[text])
    assert rendered.users[0].password == "x"
    with pytest.raises(SpecError, match="size_gb"):
        pool.rendered(lambda text: {"{{ secret }}": "x", "{{ n }}": "0"}[text])


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        (Image(node_agent="n", custom_id="/images/x"), {"virtualMachineImageId": "/images/x"}),
        (Image(node_agent="n", shared_gallery_id="/s"), {"sharedGalleryImageId": "/s"}),
        (Image(node_agent="n", community_gallery_id="/c"), {"communityGalleryImageId": "/c"}),
    ],
)
def test_images_by_id(image: Image, reference: dict[str, str]) -> None:
    assert image.to_wire() == {"imageReference": reference, "nodeAgentSKUId": "n"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Registry(server="s"), "no way to log in, or two"),
        (lambda: Registry(server="s", username="u"), "no way to log in"),
        (lambda: Registry(server="s", identity="i", username="u", password="p"), "or two"),
        (lambda: Containers(images="ubuntu"), r"Write \['ubuntu'\]"),
        (lambda: Containers(kind="podman"), "one of 'docker', 'cri'"),
        (lambda: BlobMount(account="a", container="c", path="p"), "no way to the container"),
        (lambda: BlobMount(account="a", container="c", path="p", sas="s", account_key="k"), "more than one"),
        (lambda: FileShareMount(account="a", url="u", path="p", account_key=""), "account_key is missing"),
        (lambda: NfsMount(source="", path="p"), "source is missing"),
        (lambda: Network(public_addresses="none"), "without a subnet"),
        (
            lambda: Network(
                subnet_id=SUBNET,
                public_addresses="none",
                endpoints=[InboundEndpoint(name="e", port=1, public_ports=(1, 100))],
            ),
            "endpoints and no public addresses",
        ),
        (lambda: Network(subnet_id="foo"), "the subnet is 'foo'. Give its ARM id: /subscriptions/"),
        (
            lambda: a_pool(identities=["foo"]),
            "the managed identity is 'foo'. Give its ARM id: /subscriptions/",
        ),
        (
            lambda: a_pool(mounts=[BlobMount(account="a", container="c", path="p", identity=SUBNET)]),
            "the managed identity is '/subscriptions/",
        ),
        (lambda: Network(public_addresses="nothing"), "one of 'managed', 'none'"),
        (lambda: InboundEndpoint(name="e", port=0, public_ports=(1, 100)), "from 1 to 65535"),
        (lambda: InboundEndpoint(name="e", port=1, public_ports=(1, 30)), "at least 40"),
        (lambda: NetworkRule(priority=1, source="*"), "150 to 4096"),
        (lambda: UserAccount(name="u", password="p", uid=1), "uid and gid go together"),
        (lambda: UserAccount(name="u", password=""), "password is missing"),
        (lambda: DataDisk(size_gb=1, lun=64), "0 to 63"),
        (lambda: DataDisk(size_gb="large"), "the value is 'large'"),
        (lambda: a_pool(metadata=["team"]), r"metadata is \['team'\]. Write \{'NAME': 'value'\}"),
        (lambda: a_pool(metadata={"n": 1}), "n in metadata is 1. Values are text: '1'"),
        (lambda: DataDisk(size_gb=1, kind="premium"), "Did you mean 'premium_lrs'"),
        (lambda: OsDisk(caching="write"), "Did you mean 'readwrite'"),
        (lambda: DiskEncryption(temporary_disk=False), "names no disk"),
        (lambda: DiskEncryption(key_url="https://k"), "go together"),
        (lambda: UpgradePolicy(mode="auto"), "Did you mean 'automatic'"),
        (lambda: UpgradePolicy(batch_percent=1), "5 to 100"),
        (lambda: Extension(name="e", publisher="", type="t"), "publisher is missing"),
        (lambda: Image(node_agent="n", custom_id="a", shared_gallery_id="b"), "neither"),
        (lambda: a_pool(network="vnet"), "Give Network"),
        (lambda: a_pool(mounts=["x"]), "no list of BlobMount or FileShareMount"),
        (lambda: a_pool(mounts=[NfsMount(source="s", path="p")] * 11), "at most 10"),
        (lambda: a_pool(placement="zone"), "Did you mean 'zonal'"),
        (lambda: StartTask("x", container="ubuntu"), "Container"),
    ],
)
def test_mistakes_are_errors_at_dag_parse(make: Callable[[], object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        make()
