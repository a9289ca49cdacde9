"""Makes Airflow's connection `mpi_nodes` for the compose file, once, with a password and a key of its own.

They are for the nodes of the pool in `dags/mpi_simulation.py`.
"""

from __future__ import annotations

import json
import secrets

from airflow.models import Connection
from airflow.utils.session import create_session
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_CONN_ID = "mpi_nodes"


def main() -> None:
    """Make the connection unless it is there."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    with create_session() as session:
        if session.query(Connection).filter_by(conn_id=_CONN_ID).first() is None:
            session.add(
                Connection(
                    conn_id=_CONN_ID,
                    conn_type="generic",
                    password=secrets.token_urlsafe(24),
                    extra=json.dumps({"private_key": key.decode()}),
                )
            )


if __name__ == "__main__":
    main()
