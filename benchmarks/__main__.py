"""`make bench`: the figures that the README quotes, as ratios against a peer measured in the same run.

`python -m benchmarks NAME...` measures only what is named.
"""

from __future__ import annotations

import sys
from importlib import import_module

from benchmarks.table import Row, print_table

NAMES = (
    *("imports", "submission", "watching", "job_end", "serving", "scaling", "throughput", "simulation"),
    *("latency", "listing", "old_container", "fan_out"),
)


def main() -> None:
    """Measure and print one table, of what was measured until then when one cannot be."""
    rows: list[Row] = []
    try:
        for name in sys.argv[1:] or NAMES:
            print(f"measuring {name}", file=sys.stderr, flush=True)
            rows += import_module(f"benchmarks.{name}").rows()
    finally:
        print_table(rows)


if __name__ == "__main__":
    main()
