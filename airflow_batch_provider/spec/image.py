"""The operating system of a pool's nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from airflow_batch_provider.spec.errors import SpecError, nearest


@dataclass(frozen=True)
class Image:
    """A marketplace image with its node agent, or a custom image by its ARM id.

    Parameters:
        publisher, offer, sku, version: the marketplace image; leave them out with ``custom_id``.
        node_agent: node agent SKU that fits the image, such as ``batch.node.ubuntu 22.04``
            (Azure Batch REST reference: *List supported images*).
        custom_id: ARM id of a managed image or of an image version in a Compute Gallery.
        windows: whether nodes run Windows.
    """

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
                right="Give node_agent such as 'batch.node.ubuntu 22.04', or use Image.named(...).",
            )
        marketplace = all((self.publisher, self.offer, self.sku))
        if bool(self.custom_id) == marketplace or (self.custom_id and self.publisher):
            raise SpecError(
                "the image is neither a whole marketplace image nor a custom one",
                where=where,
                right="Give publisher, offer and sku, or custom_id alone.",
            )

    @classmethod
    def named(cls, name: str) -> Image:
        """A well-known image: see :data:`WELL_KNOWN`.

        Raises:
            SpecError: no such name; says the nearest.
        """
        if name not in WELL_KNOWN:
            hint = nearest(name, WELL_KNOWN) or f"Known are {', '.join(WELL_KNOWN)}."
            raise SpecError(f"there is no well-known image {name!r}", where="image of a pool", right=hint)
        return WELL_KNOWN[name]

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


WELL_KNOWN: dict[str, Image] = {
    "ubuntu-24.04": Image("canonical", "ubuntu-24_04-lts", "server", "batch.node.ubuntu 24.04"),
    "ubuntu-22.04": Image(
        "canonical", "0001-com-ubuntu-server-jammy", "22_04-lts", "batch.node.ubuntu 22.04"
    ),
    "ubuntu-hpc-22.04": Image("microsoft-dsvm", "ubuntu-hpc", "2204", "batch.node.ubuntu 22.04"),
    "almalinux-9": Image("almalinux", "almalinux-x86_64", "9-gen2", "batch.node.el 9"),
    "debian-12": Image("debian", "debian-12", "12-gen2", "batch.node.debian 12"),
    "windows-2022": Image(
        "microsoftwindowsserver",
        "windowsserver",
        "2022-datacenter-smalldisk",
        "batch.node.windows amd64",
        windows=True,
    ),
}
"""Images the service verified (Azure Batch REST reference: *List supported images*). ``ubuntu-hpc-22.04`` has
container support and GPU drivers."""
