"""``ssh`` between the nodes of a multi-instance task, which are folders of one machine here.

A program of its own (see ``multi_instance.place_shell``): MPI launchers call it to start their daemons on
other nodes. It runs the command on this machine as one of the node asked for: in the directory of the task
there, with the few variables that a login has, and under a host name of its own where the system lets it have
one, since MPI tells nodes apart by that. A host that is no node of the task is left to the real ``ssh``.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import sys
from contextlib import suppress
from typing import NamedTuple

HOSTS = "BATCH_EMULATOR_HOSTS"
"""Variable with a JSON object: address of a node to [its root, the task's directory there]."""

OWN_FOLDER = "/volatile/bin"
"""Where it lies on a node, below the root."""

_WITH_VALUE = frozenset("BbcDEeFIiJLlmOopQRSWw")  # options of ssh that another word may follow
_CLONE_NEWUTS, _CLONE_NEWUSER = 0x04000000, 0x10000000
_KEPT = ("LANG", "PATH", "USER", HOSTS)
ROOT_MAY = (
    "OMPI_ALLOW_RUN_AS_ROOT",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
    "PRTE_ALLOW_RUN_AS_ROOT",
    "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM",
)

# Open MPI takes nodes of one host name for one node: its shared memory gets mixed up, and its collectives
# that work by node hang.
_ONE_NAME_FOR_ALL = {"OMPI_MCA_btl": "tcp,self", "OMPI_MCA_coll": "^han,sm"}


class Request(NamedTuple):
    """What is asked of ``ssh``; an empty command is a login."""

    host: str
    command: tuple[str, ...]


def parse(arguments: list[str]) -> Request:
    """Read an ssh command line: options, ``[user@]host``, the command."""
    place = 0
    while place < len(arguments) and arguments[place].startswith("-") and arguments[place] != "-":
        word = arguments[place]
        place += 2 if word[-1] in _WITH_VALUE and len(word) == 2 else 1
    if place >= len(arguments):
        return Request("", ())
    return Request(arguments[place].rpartition("@")[2], tuple(arguments[place + 1 :]))


def login_environment(root: str, directory: str, present: dict[str, str]) -> dict[str, str]:
    """What a command on the other node finds: a login's variables, and what tells its node from others."""
    kept = {name: present[name] for name in (*_KEPT, *ROOT_MAY) if name in present}
    working = f"{directory}/wd"
    return {
        **kept,
        "HOME": working,
        "PWD": working,
        "AZ_BATCH_NODE_ROOT_DIR": root,
        "AZ_BATCH_TASK_DIR": directory,
    }


def take_host_name(name: str) -> bool:
    """Give this process and what it becomes a host name of its own, if the system allows it."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUTS) != 0:
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWUTS) != 0:
            return False
        _map_ids(uid, gid)
    with suppress(OSError):
        socket.sethostname(name)
        return True
    return False


def _map_ids(uid: int, gid: int) -> None:
    for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with suppress(OSError), open(f"/proc/self/{file}", "w", encoding="ascii") as opened:
            opened.write(text)


def run_on(request: Request, root: str, directory: str) -> None:
    """Become the command on one of the task's nodes."""
    environment = login_environment(root, directory, dict(os.environ))
    if not take_host_name(f"node-{request.host.replace('.', '-')}"):
        environment.update(_ONE_NAME_FOR_ALL)
    os.chdir(environment["HOME"])
    command = ["sh", "-c", " ".join(request.command)] if request.command else ["sh"]
    os.execve("/bin/sh", command, environment)  # noqa: S606 - it is a shell


def become_ssh(arguments: list[str]) -> int:
    """Leave it to the real ssh. Returns the exit status when there is none."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = [folder for folder in folders if not folder.endswith(OWN_FOLDER)]
    found = shutil.which("ssh", path=os.pathsep.join(others))
    if found is None:
        sys.stderr.write("ssh: the host is no node of this task, and there is no other ssh on this machine\n")
        return 127
    return os.execv(found, ["ssh", *arguments])  # noqa: S606 - it is what was asked for


def main(arguments: list[str]) -> int:
    """Run an ssh command line. Returns only when nothing could be run."""
    request = parse(arguments)
    hosts: dict[str, list[str]] = json.loads(os.environ.get(HOSTS, "{}"))
    if request.host not in hosts:
        return become_ssh(arguments)
    run_on(request, *hosts[request.host])
    return 126


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
