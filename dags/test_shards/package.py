"""The application package `pytest`: pytest as this Airflow worker has it installed, and the steps in shards.

pytest and what it needs are plain Python, so that one package is right for every Python of every node.
"""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

__all__ = ["APPLICATION_ID", "build_package"]

APPLICATION_ID = "pytest"
_STEPS = Path(__file__).with_name("steps.py")


def build_package(folder: Path) -> Path:
    """Collect the package's files.

    Raises:
        RuntimeError: pytest is not installed, or not as plain Python.
    """
    content = folder / "content"
    content.mkdir()
    shutil.copyfile(_STEPS, content / _STEPS.name)
    for name in _with_needs("pytest", {}):
        for file in distribution(name).files or ():
            if file.suffix == ".so":
                raise RuntimeError(
                    f"The package {name} has compiled code: {file}. A node may have other Python."
                )
            if file.suffix == ".py" and ".." not in file.parts:
                target = content / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    return content


def _with_needs(name: str, found: dict[str, None]) -> dict[str, None]:
    if name not in found:
        found[name] = None
        try:
            needs = distribution(name).requires or ()
        except PackageNotFoundError:
            raise RuntimeError(
                f"The package `{name}` is not installed where this Airflow worker runs."
            ) from None
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                _with_needs(need.name, found)
    return found
