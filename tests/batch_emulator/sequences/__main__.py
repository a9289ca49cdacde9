"""Play sequences by their seeds and tell what happened."""

from __future__ import annotations

import argparse
import hashlib
import sys

from tests.batch_emulator.sequences.play import STEPS, play, shrink


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.batch_emulator.sequences", description=__doc__)
    parser.add_argument("seeds", nargs="+", type=int)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--whole", action="store_true", help="do not look for the fewest steps that fail")
    parser.add_argument("--digest", action="store_true", help="print a hash of what happened only")
    options = parser.parse_args()
    failed = False
    for seed in options.seeds:
        played = play(seed, range(options.steps))
        if options.digest:
            sys.stdout.write(f"{seed} {hashlib.sha256(played.text.encode()).hexdigest()}\n")
            continue
        if played.error is not None:
            failed = True
            played = played if options.whole else shrink(played)
        sys.stdout.write(f"{played.text}\n")
        if played.error is not None:
            sys.excepthook(type(played.error), played.error, played.error.__traceback__)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
