"""Images that nodes can have. Only Linux ones: nodes run commands on the Linux they are on.

The service refuses an image that it does not list; so does this one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """A supported pair of image and node agent. Names as *List Supported Images* gives them."""

    node_agent_sku_id: str
    publisher: str
    offer: str
    sku: str
    verified: bool = True
    capabilities: tuple[str, ...] = ()
    os_type: str = "linux"


_DOCKER = ("DockerCompatible", "NvidiaTeslaDriverInstalled")
SUPPORTED_IMAGES: tuple[Image, ...] = (
    Image("batch.node.ubuntu 24.04", "canonical", "ubuntu-24_04-lts", "server"),
    Image("batch.node.ubuntu 24.04", "canonical", "ubuntu-24_04-lts", "server-gen1"),
    Image("batch.node.ubuntu 24.04", "microsoft-dsvm", "ubuntu-hpc", "2404", True, _DOCKER),
    Image("batch.node.ubuntu 22.04", "canonical", "0001-com-ubuntu-server-jammy", "22_04-lts"),
    Image("batch.node.ubuntu 22.04", "canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2"),
    Image("batch.node.ubuntu 22.04", "microsoft-dsvm", "ubuntu-hpc", "2204", True, _DOCKER),
    Image("batch.node.ubuntu 20.04", "canonical", "0001-com-ubuntu-server-focal", "20_04-lts"),
    Image(
        "batch.node.ubuntu 20.04",
        "microsoft-azure-batch",
        "ubuntu-server-container",
        "20-04-lts",
        True,
        _DOCKER,
    ),
    Image("batch.node.ubuntu 20.04", "microsoft-dsvm", "ubuntu-hpc", "2004", True, _DOCKER),
    Image("batch.node.ubuntu 18.04", "canonical", "ubuntuserver", "18.04-lts"),
    Image("batch.node.ubuntu 18.04", "canonical", "ubuntuserver", "18_04-lts-gen2"),
    Image("batch.node.el 9", "almalinux", "almalinux-x86_64", "9-gen1"),
    Image("batch.node.el 9", "almalinux", "almalinux-x86_64", "9-gen2"),
    Image("batch.node.el 8", "almalinux", "almalinux", "8-gen2"),
    Image("batch.node.el 8", "almalinux", "almalinux-hpc", "8_7-hpc-gen2", True, ("DockerCompatible",)),
    Image("batch.node.debian 12", "debian", "debian-12", "12", False),
    Image("batch.node.debian 12", "debian", "debian-12", "12-gen2", False),
    Image("batch.node.debian 11", "debian", "debian-11", "11", False),
    Image("batch.node.debian 11", "debian", "debian-11", "11-gen2", False),
)
_BY_NAME = {
    (image.publisher, image.offer, image.sku, image.node_agent_sku_id): image for image in SUPPORTED_IMAGES
}


def find_image(publisher: str, offer: str, sku: str, node_agent_sku_id: str) -> Image | None:
    """The supported image of these names, in any case."""
    return _BY_NAME.get((publisher.lower(), offer.lower(), sku.lower(), node_agent_sku_id.lower()))
