"""Where the emulator answers as Azure Batch does, and yet what follows is not the same, and why.

Data for the documentation. What is *refused* is not here: the code that refuses it tells so itself.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIFFERENCES", "Difference"]

_ONE_MACHINE = "all nodes are one machine, and its tasks are processes of one user"


@dataclass(frozen=True)
class Difference:
    """One of them.

    :param subject: an operation's name, or ``Model.property`` of the contract.
    :param how: what happens here.
    :param why: the reason.
    """

    subject: str
    how: str
    why: str


DIFFERENCES = (
    Difference(
        "create_node_user",
        "kept until it expires or the node is reimaged; lets nobody in",
        "no accounts are made on the user's own machine",
    ),
    Difference(
        "get_node_remote_login_settings",
        "shows addresses of this machine on which nothing of a node listens",
        _ONE_MACHINE,
    ),
    Difference(
        "deallocate_node",
        "the node loses its disk, as one that is reimaged",
        "a disk that is kept would be the same folder",
    ),
    Difference(
        "upload_node_logs",
        "uploads the emulator's own log of the node",
        "there is no node agent of Azure's that has logs",
    ),
    Difference(
        "get_pool",
        "statistics are of now, not half an hour old, and have no resourceStats",
        "what the machines of a pool do is what this one machine does",
    ),
    Difference(
        "list_supported_images",
        "a fixed list of common images",
        "images decide nothing here but what is accepted",
    ),
    Difference(
        "VirtualMachineConfiguration.imageReference",
        "decides nothing but what is accepted: tasks find what this machine has installed",
        _ONE_MACHINE,
    ),
    Difference(
        "VirtualMachineConfiguration.windowsConfiguration",
        "checked, kept and shown; a pool of a Windows image gets no nodes (AllocationFailed), or Linux nodes "
        "if that is wanted",
        "nodes are processes of this Linux machine",
    ),
    Difference(
        "VirtualMachineConfiguration.licenseType", "checked, kept and shown", "nothing here needs a licence"
    ),
    Difference(
        "VirtualMachineConfiguration.serviceArtifactReference",
        "checked for its form, kept and shown",
        "images decide nothing here but what is accepted",
    ),
    Difference(
        "VirtualMachineConfiguration.extensions",
        "checked, kept, shown as installed, not run",
        "they would change the user's own machine",
    ),
    Difference(
        "VirtualMachineConfiguration.diskEncryptionConfiguration",
        "checked, kept and shown, without effect",
        "nodes are folders",
    ),
    Difference("VirtualMachineConfiguration.dataDisks", "checked, kept and shown", "nodes are folders"),
    Difference("VirtualMachineConfiguration.osDisk", "checked, kept and shown", "nodes are folders"),
    Difference("VirtualMachineConfiguration.securityProfile", "checked, kept and shown", "nodes are folders"),
    Difference(
        "VirtualMachineConfiguration.nodePlacementConfiguration", "checked, kept and shown", _ONE_MACHINE
    ),
    Difference(
        "BatchPoolCreateOptions.vmSize",
        "decides cores for quota and task slots, and the capacity of the region that it finds",
        _ONE_MACHINE,
    ),
    Difference(
        "BatchPoolCreateOptions.networkConfiguration",
        "checked, kept, shown on nodes; nothing is forwarded or kept out",
        _ONE_MACHINE,
    ),
    Difference(
        "BatchPoolCreateOptions.upgradePolicy", "checked, kept and shown", "no machine here is upgraded"
    ),
    Difference(
        "BatchPoolCreateOptions.userAccounts",
        "kept without passwords; tasks run as the user who runs the emulator",
        _ONE_MACHINE,
    ),
    Difference(
        "BatchTaskCreateOptions.userIdentity",
        "recorded and shown to the task; gives no other rights",
        _ONE_MACHINE,
    ),
    Difference(
        "BatchTaskCreateOptions.containerSettings",
        "run by the machine's own podman or docker; without one nodes of container pools are unusable",
        "the emulator brings no container engine",
    ),
    Difference(
        "BatchTaskCreateOptions.multiInstanceSettings",
        "AZ_BATCH_TASK_SHARED_DIR is another path on each node; tasks find an ssh between nodes; ports bound"
        " to all addresses are taken on all nodes",
        _ONE_MACHINE,
    ),
    Difference(
        "BatchJobCreateOptions.networkConfiguration",
        "checked and shown, without effect",
        "there are no virtual networks on one machine",
    ),
    Difference(
        "ContainerRegistryReference.identityReference",
        "checked against the pool's identities; no registry knows them",
        "identities are the emulator's own",
    ),
    Difference(
        "BatchTaskContainerSettings.containerRunOptions",
        "without a network in them, the container has the machine's own",
        "storage and emulator are at loopback addresses",
    ),
    Difference(
        "AzureBlobFileSystemConfiguration.containerName",
        "a folder that is brought in step with the container at the node's start, before and after each task",
        "a file system of its own needs rights of the machine",
    ),
    Difference(
        "AzureBlobFileSystemConfiguration.blobfuseOptions",
        "read-only counts; the others are kept and shown",
        "they tune a cache that is not there",
    ),
)
