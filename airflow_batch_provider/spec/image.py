"""The operating system of a pool's nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.values import present


@dataclass(frozen=True)
class Image:
    """A marketplace image with its node agent, or a custom image by its ARM id.

    Parameters:
        publisher, offer, sku, version: the marketplace image; leave them out with ``custom_id``.
        node_agent: node agent SKU that fits the image, such as ``batch.node.ubuntu 22.04``
            (Azure Batch REST reference: *List supported images*).
        custom_id: ARM id of an image, or of an image or image version in a Compute Gallery.
        shared_gallery_id: id of an image in a gallery that was shared with you, ``/sharedGalleries/...``.
        community_gallery_id: id of an image in a public gallery, ``/communityGalleries/...``.
        windows: whether nodes run Windows.

    The well-known ones are ``Image.UBUNTU_24_04``, ``UBUNTU_22_04``, ``UBUNTU_HPC_22_04`` (with container
    support and GPU drivers), ``ALMALINUX_9``, ``DEBIAN_12`` and ``WINDOWS_2022`` (Azure Batch REST reference:
    *List supported images*).
    """

    UBUNTU_24_04: ClassVar[Image]
    UBUNTU_22_04: ClassVar[Image]
    UBUNTU_HPC_22_04: ClassVar[Image]
    ALMALINUX_9: ClassVar[Image]
    DEBIAN_12: ClassVar[Image]
    WINDOWS_2022: ClassVar[Image]

    publisher: str = ""
    offer: str = ""
    sku: str = ""
    node_agent: str = ""
    version: str = "latest"
    custom_id: str | None = None
    windows: bool = False
    shared_gallery_id: str | None = None
    community_gallery_id: str | None = None

    def __post_init__(self) -> None:
        where = "image of a pool"
        if not self.node_agent:
            raise SpecError(
                "the node agent is missing",
                where=where,
                right="Give node_agent such as 'batch.node.ubuntu 22.04', or use Image.UBUNTU_22_04.",
            )
        names = (self.publisher, self.offer, self.sku)
        ids = (self.custom_id, self.shared_gallery_id, self.community_gallery_id)
        if sum(map(bool, ids)) > 1 or any(ids) == any(names) or (any(names) and not all(names)):
            raise SpecError(
                "the image is neither a whole marketplace image nor one custom or gallery image",
                where=where,
                right="Give publisher, offer and sku, or one of the ids alone.",
            )

    @property
    def system(self) -> Literal["linux", "windows"]:
        """The operating system family, by whose rules command lines are quoted."""
        return "windows" if self.windows else "linux"

    def to_wire(self) -> dict[str, Any]:
        """The wire model VirtualMachineConfiguration, its required part."""
        ids = {
            "virtualMachineImageId": self.custom_id,
            "sharedGalleryImageId": self.shared_gallery_id,
            "communityGalleryImageId": self.community_gallery_id,
        }
        reference = present(ids)
        if not reference:
            reference = {
                "publisher": self.publisher,
                "offer": self.offer,
                "sku": self.sku,
                "version": self.version,
            }
        return {"imageReference": reference, "nodeAgentSKUId": self.node_agent}


Image.UBUNTU_24_04 = Image("canonical", "ubuntu-24_04-lts", "server", "batch.node.ubuntu 24.04")
Image.UBUNTU_22_04 = Image(
    "canonical", "0001-com-ubuntu-server-jammy", "22_04-lts", "batch.node.ubuntu 22.04"
)
Image.UBUNTU_HPC_22_04 = Image("microsoft-dsvm", "ubuntu-hpc", "2204", "batch.node.ubuntu 22.04")
Image.ALMALINUX_9 = Image("almalinux", "almalinux-x86_64", "9-gen2", "batch.node.el 9")
Image.DEBIAN_12 = Image("debian", "debian-12", "12-gen2", "batch.node.debian 12")
Image.WINDOWS_2022 = Image(
    "microsoftwindowsserver",
    "windowsserver",
    "2022-datacenter-smalldisk",
    "batch.node.windows amd64",
    windows=True,
)
