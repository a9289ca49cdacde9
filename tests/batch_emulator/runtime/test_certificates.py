from __future__ import annotations

import asyncio
import ssl
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509

from batch_emulator.runtime.certificates import (
    LIFETIME,
    RENEW_BEFORE_END,
    authority_path,
    ensure_certificates,
    server_context,
)

NOW = datetime.now(timezone.utc)


async def greeted(folder: Path, name: str, *, trusted: Path | None = None) -> None:
    """A handshake with a server of the folder's certificate, by a strict client that calls it by a name."""

    async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    own = server_context(ensure_certificates(folder, (), NOW))
    client = ssl.create_default_context(cafile=trusted or authority_path(folder))
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # what Python 3.13 does by itself
    async with await asyncio.start_server(close, "127.0.0.1", 0, ssl=own) as server:
        port = server.sockets[0].getsockname()[1]
        _reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        writer.close()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
async def test_a_client_that_trusts_the_authority_takes_the_server(tmp_path: Path, name: str) -> None:
    await greeted(tmp_path, name)


async def test_another_authority_is_not_enough(tmp_path: Path) -> None:
    ensure_certificates(tmp_path / "other", (), NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        await greeted(tmp_path / "own", "localhost", trusted=authority_path(tmp_path / "other"))


async def test_the_certificate_is_for_the_names_that_were_given(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, ("batch.example", "0.0.0.0", "10.1.2.3"), NOW)
    await greeted(tmp_path, "batch.example")
    await greeted(tmp_path, "10.1.2.3")
    for name in ("0.0.0.0", "other.example"):
        with pytest.raises(ssl.SSLCertVerificationError):
            await greeted(tmp_path, name)


def made(folder: Path, *names: str, at: datetime = NOW) -> bytes:
    return ensure_certificates(folder, names, at).server.read_bytes()


def test_the_certificate_is_kept(tmp_path: Path) -> None:
    first = made(tmp_path, "batch.example")
    assert made(tmp_path) == first
    assert made(tmp_path, at=NOW + LIFETIME - RENEW_BEFORE_END - timedelta(days=1)) == first


def test_a_new_one_is_made_for_a_new_name_and_before_the_old_one_ends(tmp_path: Path) -> None:
    first = made(tmp_path)
    second = made(tmp_path, "batch.example")
    third = made(tmp_path, "batch.example", at=NOW + LIFETIME - RENEW_BEFORE_END)
    assert len({first, second, third}) == 3


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server.key"])
@pytest.mark.parametrize("damage", ["gone", "cut", "of another"])
async def test_what_an_interrupted_start_left_is_made_anew(tmp_path: Path, name: str, damage: str) -> None:
    made(tmp_path / "own")
    file = tmp_path / "own" / "tls" / name
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:40])
    else:
        made(tmp_path / "other")
        file.write_bytes((tmp_path / "other" / "tls" / name).read_bytes())
    await greeted(tmp_path / "own", "localhost")


def test_the_key_is_the_owners_and_the_authority_s_is_gone(tmp_path: Path) -> None:
    found = ensure_certificates(tmp_path, (), NOW)
    assert stat.S_IMODE(found.key.stat().st_mode) == 0o600
    assert {path.name for path in found.key.parent.iterdir()} == {"ca.pem", "server.pem", "server.key"}
    authority = x509.load_pem_x509_certificate(found.authority.read_bytes())
    assert b"PRIVATE" not in found.authority.read_bytes()
    assert authority.not_valid_after_utc - NOW <= LIFETIME
