"""Images that nodes can have.

The service refuses an image that it does not list; so does this one. Pools of Windows images can be made, but
get no nodes: nodes run commands on the Linux they are on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Image:
    """A supported pair of image and node agent. Names as *List Supported Images* gives them.

    :param end_of_life: when Batch ceases to support it (wire form).
    """

    node_agent_sku_id: str
    publisher: str
    offer: str
    sku: str
    verified: bool = True
    capabilities: tuple[str, ...] = ()
    end_of_life: str | None = None

    @property
    def os_type(self) -> str:
        return os_type_of_agent(self.node_agent_sku_id)


def os_type_of_agent(node_agent_sku_id: str) -> str:
    """``linux`` or ``windows``, as the node agent's name tells."""
    return "windows" if node_agent_sku_id.lower().startswith("batch.node.windows") else "linux"


def os_type_of(pool_spec: dict[str, Any]) -> str:
    """``linux`` or ``windows``, for a pool's specification."""
    return os_type_of_agent(str(pool_spec["virtualMachineConfiguration"]["nodeAgentSKUId"]))


_GEN2 = ("HyperVGen2",)
_CONTAINERS = ("DockerCompatible",)
_GPU = ("DockerCompatible", "NvidiaTeslaDriverInstalled")
_GPU_GEN2 = (*_GPU, *_GEN2)
_UBUNTU_20_END = "2025-05-31T00:00:00Z"
_UBUNTU_18_END = "2023-05-31T00:00:00Z"


def _windows(sku: str, capabilities: tuple[str, ...] = ()) -> Image:
    return Image(
        "batch.node.windows amd64", "microsoftwindowsserver", "windowsserver", sku, True, capabilities
    )


# Content is an extract of what the service lists; which pairs it lists changes from month to month.
SUPPORTED_IMAGES: tuple[Image, ...] = (
    Image("batch.node.ubuntu 24.04", "canonical", "ubuntu-24_04-lts", "server", True, _GEN2),
    Image("batch.node.ubuntu 24.04", "canonical", "ubuntu-24_04-lts", "server-gen1"),
    Image("batch.node.ubuntu 24.04", "microsoft-dsvm", "ubuntu-hpc", "2404", True, _GPU_GEN2),
    Image("batch.node.ubuntu 22.04", "canonical", "0001-com-ubuntu-server-jammy", "22_04-lts"),
    Image(
        "batch.node.ubuntu 22.04", "canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", True, _GEN2
    ),
    Image("batch.node.ubuntu 22.04", "microsoft-dsvm", "ubuntu-hpc", "2204", True, _GPU_GEN2),
    Image(
        "batch.node.ubuntu 20.04",
        "canonical",
        "0001-com-ubuntu-server-focal",
        "20_04-lts",
        end_of_life=_UBUNTU_20_END,
    ),
    Image(
        "batch.node.ubuntu 20.04",
        "microsoft-azure-batch",
        "ubuntu-server-container",
        "20-04-lts",
        True,
        _GPU,
        _UBUNTU_20_END,
    ),
    Image("batch.node.ubuntu 20.04", "microsoft-dsvm", "ubuntu-hpc", "2004", True, _GPU_GEN2, _UBUNTU_20_END),
    Image("batch.node.ubuntu 18.04", "canonical", "ubuntuserver", "18.04-lts", end_of_life=_UBUNTU_18_END),
    Image(
        "batch.node.ubuntu 18.04",
        "canonical",
        "ubuntuserver",
        "18_04-lts-gen2",
        True,
        _GEN2,
        _UBUNTU_18_END,
    ),
    Image("batch.node.el 9", "almalinux", "almalinux-x86_64", "9-gen1"),
    Image("batch.node.el 9", "almalinux", "almalinux-x86_64", "9-gen2", True, _GEN2),
    Image("batch.node.el 8", "almalinux", "almalinux", "8-gen2", True, _GEN2),
    Image("batch.node.el 8", "almalinux", "almalinux-hpc", "8_7-hpc-gen2", True, (*_CONTAINERS, *_GEN2)),
    Image("batch.node.debian 12", "debian", "debian-12", "12", False),
    Image("batch.node.debian 12", "debian", "debian-12", "12-gen2", False, _GEN2),
    Image("batch.node.debian 11", "debian", "debian-11", "11", False),
    Image("batch.node.debian 11", "debian", "debian-11", "11-gen2", False, _GEN2),
    _windows("2016-datacenter"),
    _windows("2016-datacenter-smalldisk"),
    _windows("2016-datacenter-with-containers", _CONTAINERS),
    _windows("2019-datacenter"),
    _windows("2019-datacenter-core"),
    _windows("2019-datacenter-smalldisk"),
    _windows("2019-datacenter-with-containers", _CONTAINERS),
    _windows("2022-datacenter"),
    _windows("2022-datacenter-azure-edition", _GEN2),
    _windows("2022-datacenter-core"),
    _windows("2022-datacenter-g2", _GEN2),
    _windows("2022-datacenter-smalldisk"),
)
_BY_NAME = {
    (image.publisher, image.offer, image.sku, image.node_agent_sku_id): image for image in SUPPORTED_IMAGES
}


def find_image(publisher: str, offer: str, sku: str, node_agent_sku_id: str) -> Image | None:
    """The supported image of these names, in any case."""
    return _BY_NAME.get((publisher.lower(), offer.lower(), sku.lower(), node_agent_sku_id.lower()))


_NODE_AGENTS = frozenset(image.node_agent_sku_id for image in SUPPORTED_IMAGES)


def is_node_agent(node_agent_sku_id: str) -> bool:
    """Whether there is a node agent of that name, in any case."""
    return node_agent_sku_id.lower() in _NODE_AGENTS
