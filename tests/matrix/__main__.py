"""The provider's unit tests with the oldest and the newest that it allows, on every Python of this machine.

``python -m tests.matrix [3.10 ...]``. *Lowest* takes the lowest version of each direct dependency, and of
all else what there was when that Airflow was released: it does not work with what came long after. *Newest*
takes the newest of everything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".venv.matrix"
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
PROJECT = "airflow-provider-azure-batch"
KINDS = ("lowest", "newest")
_UV = Path(sys.executable).with_name("uv")

# Airflow 3.1.0 was released some days before; these are needed in versions that came later.
_AS_OF = "2025-10-05"
_LATER = ("azure-batch", "azure-core", "azure-mgmt-batch")


def pythons(versions: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """The interpreters of these versions on this machine: on the path, or in pyenv's folder."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in versions:
        found = [Path(path) for path in [shutil.which(f"python{version}")] if path]
        for python in [*found, *sorted(pyenv.glob(f"{version}.*/bin/python"))]:
            if subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0:
                yield version, python
                break
        else:
            sys.stdout.write(f"Python {version} is not on this machine: left out\n")


def install(version: str, python: Path, kind: str) -> Path:
    """An environment of this kind; gives its interpreter."""
    folder = ENVIRONMENTS / f"{version}-{kind}"
    _uv("venv", "--quiet", "--clear", "--python", python, folder)
    needed, tools = folder / "needed.txt", folder / "tools.txt"
    oldest = ["--resolution", "lowest-direct", "--exclude-newer", _AS_OF]
    oldest += [word for name in _LATER for word in ("--exclude-newer-package", f"{name}=2100-01-01")]
    _compile("pyproject.toml", needed, version, *(oldest if kind == "lowest" else ()))
    (folder / "tools.in").write_text("\n".join(_tools()))
    _compile(folder / "tools.in", tools, version, "--constraint", needed)
    inside = folder / "bin" / "python"
    _uv("pip", "sync", "--quiet", "--python", inside, needed, tools)
    _uv("pip", "install", "--quiet", "--no-deps", "--python", inside, "--editable", ROOT)
    return inside


def _tools() -> list[str]:
    """What the tests need beside the provider: the project's extras."""
    needed = [Requirement(text) for text in requires(PROJECT) or ()]
    return [
        f"{each.name}{each.specifier}"
        for each in needed
        if each.marker is not None
        and each.name != PROJECT
        and any(each.marker.evaluate({"extra": extra}) for extra in ("emulator", "demo", "messaging", "dev"))
    ]


def _compile(source: Path | str, target: Path, version: str, *options: object) -> None:
    quiet = ("--quiet", "--no-header", "--no-emit-index-url")
    _uv("pip", "compile", *quiet, "--python-version", version, *options, source, "--output-file", target)


def _uv(*arguments: object) -> None:
    subprocess.run([str(_UV), *map(str, arguments)], cwd=ROOT, check=True)


def run(python: Path, home: Path) -> bool:
    """Whether the unit tests pass."""
    done = subprocess.run(
        [python, "-m", "pytest", "-n", "auto", "-q", "-p", "no:cacheprovider", "-m", "not slow and not e2e",
         "tests/airflow_batch_provider"],
        cwd=ROOT,
        env={**os.environ, "AIRFLOW_HOME": str(home)},
        check=False,
    )  # fmt: skip
    return done.returncode == 0


def main() -> int:
    """Run all; 1 if one of them fails."""
    results: dict[str, bool] = {}
    for version, python in pythons(tuple(sys.argv[1:]) or VERSIONS):
        for kind in KINDS:
            name = f"Python {version}, {kind}"
            sys.stdout.write(f"--- {name}\n")
            sys.stdout.flush()
            inside = install(version, python, kind)
            results[name] = run(inside, inside.parents[1] / "home")
    for name, good in results.items():
        sys.stdout.write(f"{name}: {'passed' if good else 'FAILED'}\n")
    return 0 if results and all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
