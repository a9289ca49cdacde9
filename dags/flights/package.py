"""The application package `duckdb`: the DuckDB command line program and the scripts that it runs on nodes.

The program is one file that needs no Python on the node. Other scripts or another DuckDB make another version
of the package by themselves: the operator names a version by a hash of its contents.
"""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from airflow_batch_provider.spec import shell
from flights.sql import merge_sql, transform_sql

__all__ = ["APPLICATION_ID", "build_package", "run_script"]

APPLICATION_ID = "duckdb"


def build_package(folder: Path) -> Path:
    """Collect the package's files, from the `duckdb-cli` that this Airflow worker has installed.

    Raises:
        RuntimeError: it is not installed.
    """
    spec = find_spec("duckdb_cli")
    program = Path(spec.origin).with_name("duckdb") if spec and spec.origin else None
    if program is None or not program.is_file():
        raise RuntimeError("The package `duckdb-cli` is not installed where this Airflow worker runs.")
    content = folder / "content"
    content.mkdir()
    shutil.copyfile(program, content / "duckdb")
    (content / "duckdb").chmod(0o755)
    (content / "transform.sql").write_text(transform_sql())
    (content / "merge.sql").write_text(merge_sql())
    return content


def run_script(name: str, version: str) -> list[str]:
    """The command of a task that runs a script of the package.

    Args:
        name: `transform` or `merge`.
        version: of the package.
    """
    # Azure Batch: *Deploy applications to compute nodes*: on Linux these characters become underscores.
    variable = re.sub(r"[.\-#]", "_", f"AZ_BATCH_APP_PACKAGE_{APPLICATION_ID}_{version}")
    folder = f"${{{variable}:?the node lacks this application package}}"
    return shell(f'exec "{folder}/duckdb" -f "{folder}/{name}.sql"')
