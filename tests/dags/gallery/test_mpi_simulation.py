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


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 5])
def test_bands_and_halos_change_nothing(tmp_path: Path, ranks: int) -> None:
    program = str(PROJECT_DIR / "dags" / "simulation" / "heat.py")
    words = ["-n", str(ranks), "--oversubscribe", sys.executable, program, "--size", "48", "--steps", "60"]
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    subprocess.run([MPIRUN, *words], cwd=tmp_path, env={**os.environ, **root}, check=True, timeout=60)
    right = simulate_serially(48, 60)
    assert 40 < right.max() < 60
    assert (np.load(tmp_path / "plate.npy") == right).all()
    assert len(json.loads((tmp_path / "report.json").read_text())["nodes"]) == ranks


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

    @pytest.mark.parametrize("nodes", [["a"] * 6, ["a", "a", "b", "b", "c"], []])
    def test_ranks_that_are_missing_or_on_one_node_are_noticed(self, nodes: list[str]) -> None:
        right = simulate_serially(24, 3)
        with pytest.raises(WrongResultError, match="6 ranks on 3 nodes"):
            judge_plate(right, {**report_of(right), "nodes": nodes}, right)

    @pytest.mark.parametrize("name", ["hottest", "mean"])
    @pytest.mark.parametrize("wrong", [1e9, 0.0, float("nan")])
    def test_degrees_that_are_reported_wrong_are_noticed(self, name: str, wrong: float) -> None:
        right = simulate_serially(24, 3)
        with pytest.raises(WrongResultError, match=f"are reported as {name}; one process finds"):
            judge_plate(right, {**report_of(right), name: wrong}, right)
