"""Containers and uploads for the compose file. The variable STORAGE holds the connection string.

python docker/storage.py make NAME...
python docker/storage.py upload FILE
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

# Azurite may need longer to start than whoever depends on it.
_RETRIES = {"retry_total": 10, "retry_connect": 10}
_INCOMING = "incoming"


def make(names: list[str]) -> None:
    """Make containers unless they are there."""
    with BlobServiceClient.from_connection_string(os.environ["STORAGE"], **_RETRIES) as service:
        for name in names:
            try:
                service.create_container(name)
            except ResourceExistsError:
                continue


def upload(file: Path) -> None:
    """Put a file into the container that is watched, under its own name."""
    with (
        BlobServiceClient.from_connection_string(os.environ["STORAGE"], **_RETRIES) as service,
        file.open("rb") as data,
    ):
        service.get_blob_client(_INCOMING, file.name).upload_blob(data, overwrite=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("make").add_argument("names", nargs="+")
    commands.add_parser("upload").add_argument("file", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "make":
        make(arguments.names)
    else:
        upload(arguments.file)


if __name__ == "__main__":
    main()
