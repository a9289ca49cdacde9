"""`python -m demo.azurite.install`: install Azurite as its lock file pins it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from demo.azurite.node import AZURITE_DIR, NodeMissingError, node_binary, npm_script

__all__ = ["STAMP", "InstallError", "install", "main"]

# npm writes this file last; make takes it as the sign that the installation is complete.
STAMP = "node_modules/.package-lock.json"
_ATTEMPTS = 2
_TIMEOUT_SECONDS = 600
_HEAD_LINES, _TAIL_LINES = 15, 3


class InstallError(RuntimeError):
    """npm could not install Azurite."""


def install(folder: Path = AZURITE_DIR) -> Path:
    """Install the packages of `folder`'s lock file into `folder`/node_modules.

    Parameters:
        folder: where package.json and package-lock.json are.

    Returns:
        The stamp file that make compares with the lock file.

    Raises:
        InstallError: npm failed twice; the text has what it printed.
        NodeMissingError: there is no Node.js to run it with.
    """
    # Behind a company's proxy the certificates are the machine's own.
    npm = [str(node_binary()), "--use-system-ca", str(npm_script())]
    command = [*npm, "ci", "--no-audit", "--no-fund", "--no-update-notifier"]
    # Install scripts of packages call `node` by name.
    env = {**os.environ, "PATH": f"{node_binary().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    output = ""
    for _ in range(_ATTEMPTS):
        succeeded, output = _run(command, folder, env)
        if succeeded:
            break
    else:
        raise InstallError(_failure(folder, output))
    stamp = folder / STAMP
    if not stamp.exists():
        raise InstallError(_failure(folder, f"{output}\n{STAMP} was not written."))
    stamp.touch()  # a stamp older than the lock file would make `make` install again each time
    return stamp


def _run(command: list[str], folder: Path, env: dict[str, str]) -> tuple[bool, str]:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"npm did not end within {_TIMEOUT_SECONDS} s."
    return done.returncode == 0, done.stdout


def _failure(folder: Path, output: str) -> str:
    lines = output.strip().splitlines()
    if len(lines) > _HEAD_LINES + _TAIL_LINES:  # npm says the reason first, then how it could be called
        lines = [*lines[:_HEAD_LINES], "...", *lines[-_TAIL_LINES:]]
    said = "\n".join(lines)
    return (
        f"Azurite could not be installed into {folder}.\n"
        "Likely cause: the npm registry cannot be reached, or the lock file and package.json disagree.\n"
        "Next step: check the network and npm's `registry` setting, then run `make setup` again.\n"
        f"What npm said:\n{said}"
    )


def main() -> int:
    """Install; print one line, or the reason of the failure. Returns the exit status."""
    try:
        stamp = install()
    except (InstallError, NodeMissingError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Azurite is installed in {stamp.parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
