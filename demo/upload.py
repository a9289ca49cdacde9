"""`python -m demo.upload FILE`: drop a video into the container that the demo watches."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from demo.outputs import upload
from demo.stack.accounts import StorageAccount


def main(argv: Sequence[str] | None = None) -> int:
    """Upload files. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo.upload", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--blob-port", type=int, default=10000, help="of Azurite, as the demo told it")
    parser.add_argument("--container", default="incoming")
    args = parser.parse_args(argv)
    storage = StorageAccount(args.blob_port, 0, 0)
    for file in args.files:
        if not file.is_file():
            print(f"{file} is no file. Give the path of a video.", file=sys.stderr)
            return 1
        upload(storage, args.container, file.name, file)
        print(f"{storage.blob_endpoint}/{args.container}/{file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
