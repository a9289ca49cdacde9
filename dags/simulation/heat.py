"""Heat in a plate with a cold frame, by explicit finite differences: an MPI program for any number of ranks.

Each rank has a band of rows, and above and below it a row of its neighbours', the halo, which is exchanged
before every step. Rank 0 gathers the plate and writes `plate.npy` and `report.json`.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
from mpi4py import MPI

CONDUCTED = 0.2  # of a difference between neighbours, in one step; from 0.25 on it would not be stable


def band(size: int, ranks: int, rank: int) -> tuple[int, int]:
    """First row of a rank's band, and the first after it; sizes differ by one row at most."""
    return size * rank // ranks, size * (rank + 1) // ranks


def plate_at_start(size: int) -> np.ndarray:
    """Cold, but for two hot squares of different sizes."""
    plate = np.zeros((size, size))
    plate[size // 8 : size // 3, size // 8 : size // 3] = 100.0
    plate[size // 2 : -size // 6, size // 2 : -size // 4] = 60.0
    return plate


def exchange(world: MPI.Comm, rows: np.ndarray) -> None:
    """Fill the halo. Beyond the first and the last rank there is nobody, and the halo stays cold."""
    above = world.rank - 1 if world.rank > 0 else MPI.PROC_NULL
    below = world.rank + 1 if world.rank < world.size - 1 else MPI.PROC_NULL
    world.Sendrecv(rows[1], dest=above, recvbuf=rows[-1], source=below)
    world.Sendrecv(rows[-2], dest=below, recvbuf=rows[0], source=above)


def step(rows: np.ndarray) -> None:
    """All but the halo and the cold frame."""
    inner = rows[1:-1, 1:-1]
    around = rows[:-2, 1:-1] + rows[2:, 1:-1] + rows[1:-1, :-2] + rows[1:-1, 2:]
    inner += CONDUCTED * (around - 4.0 * inner)


def simulate(world: MPI.Comm, size: int, steps: int) -> np.ndarray | None:
    """The plate after some steps; on rank 0 alone."""
    first, end = band(size, world.size, world.rank)
    rows = np.pad(plate_at_start(size)[first:end], 1)
    for _ in range(steps):
        exchange(world, rows)
        step(rows)
    bands = world.gather(rows[1:-1, 1:-1])
    return np.concatenate(bands) if bands else None


def main() -> None:
    """Read the command line, and simulate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, required=True, help="rows and columns of the plate")
    parser.add_argument("--steps", type=int, required=True)
    options = parser.parse_args()
    world = MPI.COMM_WORLD
    if options.size < world.size:
        raise SystemExit(f"A plate of {options.size} rows is too small for {world.size} ranks.")
    nodes = world.gather(MPI.Get_processor_name())
    begun = time.monotonic()
    plate = simulate(world, options.size, options.steps)
    if plate is None or nodes is None:
        return
    np.save("plate.npy", plate)
    report = {
        "nodes": nodes,
        "seconds": round(time.monotonic() - begun, 3),
        "hottest": float(plate.max()),
        "mean": float(plate.mean()),
    }
    with open("report.json", "w", encoding="utf-8") as file:
        json.dump(report, file)
    print(report)


if __name__ == "__main__":
    main()
