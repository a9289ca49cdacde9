"""What an instance of a multi-instance task is told of the others, and how it reaches them.

Source: Azure Batch: *Azure Batch runtime environment variables*, *Use multi-instance tasks*.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

from batch_emulator.nodes import remote_shell
from batch_emulator.nodes.directories import NodeLayout, TaskLayout
from batch_emulator.service.effects import Instance

__all__ = ["LAUNCHER_VARIABLES", "instance_variables", "launcher_defaults", "place_shell", "with_shell"]

_SHELL_VARIABLES = (
    "HYDRA_LAUNCHER_EXEC",  # MPICH
    "I_MPI_HYDRA_BOOTSTRAP_EXEC",  # Intel MPI
    "OMPI_MCA_plm_rsh_agent",  # Open MPI 4
    "PRTE_MCA_plm_ssh_agent",  # Open MPI 5
)
_BINDING_VARIABLES = ("OMPI_MCA_hwloc_base_binding_policy", "PRTE_MCA_hwloc_default_binding_policy")
LAUNCHER_VARIABLES = frozenset((*_SHELL_VARIABLES, *_BINDING_VARIABLES, *remote_shell.ROOT_MAY))
"""What :func:`launcher_defaults` sets; it means nothing inside a container."""

# The documents' examples have this port; nothing listens there.
_MASTER_PORT = 6000


def instance_variables(instance: Instance, layout: NodeLayout, task: TaskLayout) -> dict[str, str]:
    """The variables of a multi-instance task, of its coordination commands as of its own."""
    addresses = [address for address, _, _ in instance.hosts]
    cores = " ".join(f"{address} {cores}" for address, _, cores in instance.hosts)
    relative = task.directory.relative_to(layout.root)
    roots = {address: layout.root.parent / node_id for address, node_id, _ in instance.hosts}
    hosts = {address: [str(root), str(root / relative)] for address, root in roots.items()}
    return {
        "AZ_BATCH_HOST_LIST": ",".join(addresses),
        "AZ_BATCH_IS_CURRENT_NODE_MASTER": "true" if instance.number == 0 else "false",
        "AZ_BATCH_MASTER_NODE": f"{addresses[0]}:{_MASTER_PORT}",
        "AZ_BATCH_NODE_LIST": ";".join(addresses),
        "AZ_BATCH_TASK_SHARED_DIR": str(task.directory),
        "CCP_NODES": f"{len(addresses)} {cores}",
        remote_shell.HOSTS: json.dumps(hosts),
    }


def launcher_defaults(layout: NodeLayout, *, is_admin: bool) -> dict[str, str]:
    """What lets MPI's launchers work between nodes that share one machine; the user's settings win.

    Open MPI 5 and 4, MPICH and Intel MPI are told to reach other nodes by the emulator's ``ssh``, and not to
    bind processes to cores, as each node would take the same ones.

    :param is_admin: the task asks for an administrator. Others are no root on Azure, where Open MPI therefore
        runs; here they are whoever runs the emulator.
    """
    shell = dict.fromkeys(_SHELL_VARIABLES, str(_shell(layout)))
    defaults = {**shell, **dict.fromkeys(_BINDING_VARIABLES, "none")}
    if os.geteuid() == 0 and not is_admin:
        defaults.update(dict.fromkeys(remote_shell.ROOT_MAY, "1"))
    return defaults


def with_shell(path: str, layout: NodeLayout) -> str:
    """A search path on which the emulator's ``ssh`` comes first."""
    return f"{_shell(layout).parent}{os.pathsep}{path}"


def place_shell(layout: NodeLayout) -> None:
    """Put the emulator's ``ssh`` on a node.

    :raises OSError: the disk does not take it.
    """
    shell = _shell(layout)
    shell.parent.mkdir(parents=True, exist_ok=True)
    # Without the environment's and the user's own modules, whatever the task sets: -I -S.
    program = shlex.join([sys.executable, "-I", "-S", str(Path(remote_shell.__file__).resolve())])
    written = shell.with_name(f".{shell.name}")
    written.write_text(f'#!/bin/sh\nexec {program} "$@"\n', encoding="utf-8")
    written.chmod(0o755)
    written.replace(shell)


def _shell(layout: NodeLayout) -> Path:
    return Path(f"{layout.root}{remote_shell.OWN_FOLDER}/ssh")
