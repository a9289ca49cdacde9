"""The MPI simulation, judged by the same one in one process, without bands and halos."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from demo.gallery.entry import Entry, Outcome, Shown, WrongResultError

__all__ = ["ENTRY", "judge_plate", "simulate_serially"]

_SIZE, _STEPS, _NODES, _RANKS_A_NODE = 240, 200, 3, 2
_TOLERANCE = 1e-9  # of 100 degrees; the two differ by nothing where both add in the same order


def simulate_serially(size: int, steps: int) -> npt.NDArray[np.float64]:
    """Temperatures of the plate.

    Parameters:
        size: rows and columns.
        steps: of the simulation.
    """
    plate = np.zeros((size + 2, size + 2))  # with its cold frame
    plate[size // 8 + 1 : size // 3 + 1, size // 8 + 1 : size // 3 + 1] = 100.0
    plate[size // 2 + 1 : size - size // 6 + 1, size // 2 + 1 : size - size // 4 + 1] = 60.0
    for _ in range(steps):
        before = plate.copy()
        neighbours = before[:-2, 1:-1] + before[2:, 1:-1] + before[1:-1, :-2] + before[1:-1, 2:]
        plate[1:-1, 1:-1] = before[1:-1, 1:-1] + 0.2 * (neighbours - 4.0 * before[1:-1, 1:-1])
    return plate[1:-1, 1:-1]


def judge_plate(
    plate: npt.NDArray[np.float64], report: Mapping[str, Any], right: npt.NDArray[np.float64]
) -> float:
    """How far the plate is from the right one, in degrees, at the point where it is farthest.

    Parameters:
        plate: as the nodes have it.
        report: of the run: `nodes` has a rank's node for each rank, `hottest` and `mean` are degrees.
        right: by one process.

    Raises:
        WrongResultError: too far, or other degrees are reported, or there were not as many nodes, or
            ranks on each, as there were to be.
    """
    if plate.shape != right.shape:
        raise WrongResultError(f"The plate is one of {plate.shape} instead of {right.shape}.")
    off = np.abs(plate - right)
    if not off.max() <= _TOLERANCE:  # which also holds of what is no number
        row, column = np.unravel_index(int(np.argmax(off)), off.shape)
        raise WrongResultError(
            f"In row {row}, column {column} the plate has {plate[row, column]:.6f} degrees; one process "
            f"finds {right[row, column]:.6f}."
        )
    for name, degrees in (("hottest", right.max()), ("mean", right.mean())):
        if not abs(report[name] - degrees) <= _TOLERANCE:
            raise WrongResultError(
                f"{report[name]:.6f} degrees are reported as {name}; one process finds {degrees:.6f}."
            )
    ranks = Counter(report["nodes"])
    if sorted(ranks.values()) != [_RANKS_A_NODE] * _NODES:
        raise WrongResultError(f"Not {_RANKS_A_NODE} ranks on each of {_NODES} nodes, but {dict(ranks)}.")
    return float(off.max())


def _judge(outcome: Outcome) -> Shown:
    result = outcome.returned("simulate")
    (folder,) = {output.rpartition("/")[0] for output in result["outputs"]}
    plate = np.load(io.BytesIO(outcome.blob(f"{folder}/plate.npy")), allow_pickle=False)
    report = result["results"]["heat"]
    off = judge_plate(plate, report, simulate_serially(_SIZE, _STEPS))
    return Shown(
        f"Heat after {_STEPS} steps",
        ("node", "ranks"),
        [(node, str(ranks)) for node, ranks in Counter(report["nodes"]).items()],
        (
            f"Hottest {report['hottest']:.3f}, mean {report['mean']:.3f} degrees, in {report['seconds']} s",
            f"Farthest from the serial result: {off:g} degrees",
        ),
    )


ENTRY = Entry("mpi_simulation", _judge, conf={"size": _SIZE, "steps": _STEPS})
