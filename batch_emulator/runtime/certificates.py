"""The certificate for https: made at the first start, kept in the data folder.

A certificate authority of its own signs one server certificate, and its key is then thrown away: whoever
trusts the authority trusts this emulator and nothing that could be made later. Clients are told the
authority's file (``REQUESTS_CA_BUNDLE``, ``NODE_EXTRA_CA_CERTS``, ``SSL_CERT_FILE``).
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Certificates", "authority_path", "ensure_certificates", "server_context"]

FOLDER = "tls"
USUAL_NAMES = ("localhost", "127.0.0.1", "::1")
# Clients of some makers take no server certificate that is valid for longer.
LIFETIME = timedelta(days=397)
RENEW_BEFORE_END = timedelta(days=30)
_CLOCKS_DIFFER = timedelta(hours=1)
_ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - listened on, never a name


@dataclass(frozen=True)
class Certificates:
    """Where they are.

    :param authority: what clients are to trust, PEM.
    :param server: the server's certificate, PEM.
    :param key: its private key, PEM; for its owner only.
    """

    authority: Path
    server: Path
    key: Path


def ensure_certificates(data_dir: Path, names: Iterable[str], now: datetime) -> Certificates:
    """The certificates of a data folder; made when there are none, they end soon, or lack a name.

    :param names: host names and addresses that clients use, besides the usual ones of this machine.
    """
    folder = data_dir / FOLDER
    wanted = tuple(dict.fromkeys((*USUAL_NAMES, *(name for name in names if name not in _ANY_ADDRESS))))
    found = Certificates(authority_path(data_dir), folder / "server.pem", folder / "server.key")
    if not _serve_still(found, wanted, now):
        folder.mkdir(parents=True, exist_ok=True)
        _make(found, wanted, now)
    return found


def authority_path(data_dir: Path) -> Path:
    """The file that clients are to trust."""
    return data_dir / FOLDER / "ca.pem"


def server_context(certificates: Certificates) -> ssl.SSLContext:
    """What a server presents itself with."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.server, certificates.key)
    return context


def _serve_still(found: Certificates, names: Sequence[str], now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(found.server.read_bytes())
        authority = x509.load_pem_x509_certificate(found.authority.read_bytes())
        certificate.verify_directly_issued_by(authority)
        server_context(found)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False  # none yet, or a start was interrupted while it wrote them
    covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    lacks = [name for name in map(_general_name, names) if name not in list(covered)]
    return not lacks and now < certificate.not_valid_after_utc - RENEW_BEFORE_END


def _make(to: Certificates, names: Sequence[str], now: datetime) -> None:
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _name(f"Azure Batch emulator {x509.random_serial_number():x}"[:64])
    authority = _authority(issuer, authority_key, now)
    server = _server(issuer, authority_key, server_key.public_key(), names, now)
    key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Of an interrupted start's files two do not belong together, and the next start makes all anew.
    _write(to.key, key, 0o600)
    _write(to.server, server.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(to.authority, authority.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, signer: ec.EllipticCurvePublicKey,
    now: datetime,
) -> x509.CertificateBuilder:  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _authority(name: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    public = key.public_key()
    return (
        _builder(name, name, public, public, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    names: Sequence[str],
    now: datetime,
) -> x509.Certificate:
    return (
        _builder(_name(names[0]), issuer, key, signer.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(map(_general_name, names)), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others in between."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    part.replace(path)
