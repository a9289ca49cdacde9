"""The operating system of a pool's nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from airflow_batch_provider.spec.errors import SpecError


@dataclass(frozen=True)
class Image:
    """A marketplace image with its node agent, or a custom image by its ARM id.

    Parameters:
        publisher, offer, sku, version: the marketplace image; leave them out with ``custom_id``.
        node_agent: node agent SKU that fits the image, such as ``batch.node.ubuntu 22.04``
            (Azure Batch REST reference: *List supported images*).
        custom_id: ARM id of a managed image or of an image version in a Compute Gallery.
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

    def __post_init__(self) -> None:
        where = "image of a pool"
        if not self.node_agent:
            raise SpecError(
                "the node agent is missing",
                where=where,
                right="Give node_agent such as 'batch.node.ubuntu 22.04', or use Image.UBUNTU_22_04.",
            )
        marketplace = all((self.publisher, self.offer, self.sku))
        if bool(self.custom_id) == marketplace or (self.custom_id and self.publisher):
            raise SpecError(
                "the image is neither a whole marketplace image nor a custom one",
                where=where,
                right="Give publisher, offer and sku, or custom_id alone.",
            )

    @property
    def system(self) -> Literal["linux", "windows"]:
        """The operating system family, by whose rules command lines are quoted."""
        return "windows" if self.windows else "linux"

    def to_wire(self) -> dict[str, Any]:
        """The wire model VirtualMachineConfiguration, its required part."""
        if self.custom_id:
            reference = {"virtualMachineImageId": self.custom_id}
        else:
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
