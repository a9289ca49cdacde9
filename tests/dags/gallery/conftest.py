"""The gallery's DAG files are imported, and with them Airflow."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

# Airflow writes its configuration into its home when it is first imported: never into the user's own.
if "AIRFLOW_HOME" not in os.environ:
    _home = tempfile.mkdtemp(prefix="airflow-home-")
    os.environ["AIRFLOW_HOME"] = _home
    atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
