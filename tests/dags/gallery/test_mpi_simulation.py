"""The MPI program with any number of ranks on this machine, and the judge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from demo.gallery.entry import WrongResultError
from demo.gallery.mpi_simulation import judge_plate, simulate_serially
from demo.processes.supervisor import PROJECT_DIR

MPIRUN = Path(sys.executable).with_name("mpirun")


def report_of(plate: npt.NDArray[np.float64]) -> dict[str, Any]:
    nodes = ["a", "a", "b", "b", "c", "c"]
    return {"nodes": nodes, "hottest": float(plate.max()), "mean": float(plate.mean())}


def run(program: Path, folder: Path, ranks: int) -> npt.NDArray[np.float64]:
    """The plate that a program leaves in a folder after 60 steps on this machine."""
    words = [
        "-n",
        str(ranks),
        "--oversubscribe",
        sys.executable,
        str(program),
        "--size",
        "48",
        "--steps",
        "60",
    ]
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    subprocess.run([MPIRUN, *words], cwd=folder, env={**os.environ, **root}, check=True, timeout=60)
    plate: npt.NDArray[np.float64] = np.load(folder / "plate.npy")
    return plate


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 5])
def test_bands_and_halos_change_nothing(tmp_path: Path, ranks: int) -> None:
    plate = run(PROJECT_DIR / "dags" / "simulation" / "heat.py", tmp_path, ranks)
    right = simulate_serially(48, 60)
    assert 40 < right.max() < 60
    assert (plate == right).all()
    assert len(json.loads((tmp_path / "report.json").read_text())["nodes"]) == ranks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [("        exchange(world, rows)\n", ""), ("recvbuf=rows[0]", "recvbuf=rows[0].copy()")],
    ids=["each band alone", "no heat from above"],
)
def test_a_program_that_does_otherwise_is_refused(tmp_path: Path, right: str, wrong: str) -> None:
    text = (PROJECT_DIR / "dags" / "simulation" / "heat.py").read_text()
    assert text.count(right) == 1
    program = tmp_path / "heat.py"
    program.write_text(text.replace(right, wrong))
    plate = run(program, tmp_path, 6)
    with pytest.raises(WrongResultError, match="one process finds"):
        judge_plate(plate, report_of(plate), simulate_serially(48, 60))


def test_heat_flows_into_the_frame_and_nowhere_else() -> None:
    """By symmetry a plate and its mirror image cool alike, and what is lost is lost at the frame."""
    before, after = (simulate_serially(48, steps) for steps in (0, 1))
    assert before.sum() == pytest.approx(after.sum())  # nothing has reached the frame yet
    assert simulate_serially(48, 2000).sum() < 0.5 * before.sum()
    assert np.allclose(after[:24, :24], after[:24, :24].T)


class TestJudge:
    def test_what_is_right_passes(self) -> None:
        right = simulate_serially(24, 3)
        assert judge_plate(right.copy(), report_of(right), right) == 0

    @pytest.mark.parametrize("wrong", [1e-6, float("nan")])
    def test_a_wrong_temperature_is_named(self, wrong: float) -> None:
        right = simulate_serially(24, 3)
        plate = right.copy()
        plate[5, 7] += wrong
        with pytest.raises(WrongResultError, match="row 5, column 7"):
            judge_plate(plate, report_of(right), right)

    def test_a_halo_that_is_a_step_late_is_noticed(self) -> None:
        """Each band alone, as if no edge were ever exchanged."""
        right = simulate_serially(24, 3)
        alone = simulate_serially(24, 2)
        plate = np.concatenate([right[:8], alone[8:9], right[9:]])
        with pytest.raises(WrongResultError, match="one process finds"):
            judge_plate(plate, report_of(right), right)

    def test_bands_in_each_others_place_are_noticed(self) -> None:
        right = simulate_serially(24, 3)
        bands = np.split(right, 6)
        for order in ([1, 0, 2, 3, 4, 5], [0, 1, 2, 3, 5, 4], [5, 4, 3, 2, 1, 0], [0, 1, 2, 2, 4, 5]):
            plate = np.concatenate([bands[rank] for rank in order])
            with pytest.raises(WrongResultError, match="one process finds"):
                judge_plate(plate, report_of(plate), right)

    @pytest.mark.parametrize(
        "nodes", [["a"] * 6, ["a", "a", "b", "b", "c"], ["a", "a", "a", "a", "b", "c"], [*"aabbcc"] * 2, []]
    )
    def test_ranks_that_are_missing_or_on_too_few_nodes_are_noticed(self, nodes: list[str]) -> None:
        right = simulate_serially(24, 3)
        with pytest.raises(WrongResultError, match="2 ranks on each of 3 nodes"):
            judge_plate(right, {**report_of(right), "nodes": nodes}, right)

    @pytest.mark.parametrize("name", ["hottest", "mean"])
    @pytest.mark.parametrize("wrong", [1e9, 0.0, float("nan")])
    def test_degrees_that_are_reported_wrong_are_noticed(self, name: str, wrong: float) -> None:
        right = simulate_serially(24, 3)
        with pytest.raises(WrongResultError, match=f"are reported as {name}; one process finds"):
            judge_plate(right, {**report_of(right), name: wrong}, right)
