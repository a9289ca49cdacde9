"""Entry point on a compute node: `python3 <package folder>/transcode.py <step> ...`."""

import sys

from node.cli import main

if __name__ == "__main__":
    sys.exit(main())
