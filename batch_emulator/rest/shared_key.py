"""Shared-key signatures: what is signed and how. Pure.

Source: Azure Batch REST reference, *Authenticate requests to the Azure Batch service*. Clients differ in
three points, so several texts are acceptable for one request: names of query parameters as sent (Python) or
in lower case (JavaScript, .NET); a missing ``Content-Length`` as ``0`` (Python) or as nothing (JavaScript);
the path as sent, or with all but letters, digits and ``_.-~`` percent-encoded, as the Python aio client signs
what its HTTP library then sends with a plain ``:`` (the id of a schedule's job has one).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote_to_bytes

SCHEME = "SharedKey"
SIGNED_HEADERS = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)
BODILESS_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class SignedParts:
    """The parts of a request that a signature covers.

    :param headers: names in lower case.
    :param path: percent-encoded, exactly as on the wire.
    :param query: the raw query, without the question mark.
    """

    method: str
    headers: Mapping[str, str] = field(repr=False)
    path: str
    query: str = field(repr=False)


@dataclass(frozen=True)
class SharedKeyHeader:
    """An ``Authorization`` header of the scheme, taken apart."""

    account: str
    signature: str = field(repr=False)


def parse_header(text: str) -> SharedKeyHeader:
    """Take ``SharedKey {account}:{signature}`` apart.

    :raises ValueError: when it has another form.
    """
    scheme, _, rest = text.partition(" ")
    account, colon, signature = rest.strip().partition(":")
    if scheme != SCHEME or not account or not colon or not signature:
        raise ValueError("not of the form 'SharedKey account:signature'")
    try:
        base64.b64decode(signature, validate=True)
    except binascii.Error as error:
        raise ValueError("the signature is not base64") from error
    return SharedKeyHeader(account, signature)


def strings_to_sign(parts: SignedParts, account: str) -> Iterator[str]:
    """Every text that a client may have signed for this request, the usual one first."""
    lengths = [""]
    if not parts.headers.get("content-length") and parts.method not in BODILESS_READS:
        lengths = ["0", ""]
    queries = dict.fromkeys((_canonical_query(parts.query), _canonical_query(parts.query, lower_names=True)))
    for query in queries:
        for length in lengths:
            for path in dict.fromkeys((parts.path, _encoded(parts.path))):
                yield _string_to_sign(parts, account, length, f"{path}{query}")


def sign(key: str, text: str) -> str:
    """The signature of a text.

    :param key: the account key, base64.
    """
    # Headers that are no UTF-8 were signed as the bytes that they are.
    data = text.encode("utf-8", "surrogateescape")
    digest = hmac.new(base64.b64decode(key), data, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def is_signed_with(parts: SignedParts, header: SharedKeyHeader, keys: Iterable[str]) -> bool:
    """Whether one of the account's keys made the signature."""
    texts = list(strings_to_sign(parts, header.account))
    found = False
    for key in keys:
        for text in texts:
            # No early return: the time taken must not tell how close a guess was.
            found |= hmac.compare_digest(sign(key, text), header.signature)
    return found


def _encoded(path: str) -> str:
    return "/".join(
        quote(unquote_to_bytes(segment.encode("utf-8", "surrogateescape")), safe="")
        for segment in path.split("/")
    )


def _string_to_sign(parts: SignedParts, account: str, missing_length: str, resource: str) -> str:
    headers = {"content-length": missing_length} | {
        name: text for name, text in parts.headers.items() if text
    }
    lines = [parts.method, *(headers.get(name, "") for name in SIGNED_HEADERS)]
    lines += [f"{name}:{text}" for name, text in sorted(headers.items()) if "ocp-" in name]
    return "\n".join(lines) + f"\n/{account}{resource}"


def _canonical_query(query: str, *, lower_names: bool = False) -> str:
    first: dict[str, str] = {}
    for name, value in parse_qsl(query):
        first.setdefault(name.lower() if lower_names else name, value)
    return "".join(f"\n{name}:{value}" for name, value in sorted(first.items()))
