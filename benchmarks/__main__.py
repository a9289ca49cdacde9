"""`make bench`: the figures that the README quotes, as ratios against a peer measured in the same run."""

from __future__ import annotations

from benchmarks import imports


def main() -> None:
    imports.main()


if __name__ == "__main__":
    main()
