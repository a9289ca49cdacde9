"""Hostile requests, each with one or a few things wrong, out of the table of operations."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from urllib.parse import quote

from batch_emulator.rest.contract import API_VERSIONS, CURRENT_VERSION, load_contract, whole_contract
from batch_emulator.rest.operations import Operation
from tests.batch_emulator.fuzz import hostile
from tests.batch_emulator.fuzz.wire import Request
from tests.batch_emulator.sequences.bodies import Bodies

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_BY_NAME = {
    "$filter": hostile.FILTERS,
    "$select": hostile.SELECTS,
    "$expand": hostile.SELECTS,
    "api-version": ["", "2019-13-99", "latest", "2025-06-01 ", "' or 1=1"],
    "ocp-date": hostile.DATES,
}
_HEADERS: Mapping[str, list[str]] = {
    "if-match": hostile.TAGS,
    "if-none-match": hostile.TAGS,
    "if-modified-since": hostile.DATES,
    "if-unmodified-since": hostile.DATES,
    "ocp-range": hostile.RANGES,
    "range": hostile.RANGES,
    "ocp-date": hostile.DATES,
    "date": hostile.DATES,
    "content-type": ["", "text/plain", "application/json; odata=" + "x" * 500, "multipart/form-data", ";"],
    "content-encoding": ["gzip", "deflate", "br", "x"],
    "accept": ["", "*/*;q=abc", "x" * 1000],
    "accept-encoding": ["gzip;q=nan", "identity;q=0"],
    "expect": ["100-continue", "200-maybe"],
    "transfer-encoding": ["identity", "x"],
    "content-length": ["-1", "1e3", "0x10", "٣"],
    "host": ["", "a b", "[::1", "ünï", "x" * 2000, "localhost:99999", "a\\b"],
    "client-request-id": ["", "x" * 3000, "ünï", "a\tb"],
    "authorization": [
        "",
        "SharedKey",
        "SharedKey acct",
        "SharedKey acct:",
        "SharedKey acct:ünï",
        "SharedKey other:AAAA",
        "SharedKey acct:" + "A" * 4000,
        "Bearer",
        "Bearer a.b.c",
        "Bearer " + "A" * 4000,
        "Basic YTpi",
        "sharedkey acct:AAAA",
    ],
    "connection": ["close", "upgrade, keep-alive"],
    "upgrade": ["websocket", "h2c"],
    "x-http-method-override": ["DELETE"],
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"]


class Hostile:
    """Makes requests for an account.

    :param good: values for each path parameter that lead to something.
    """

    def __init__(self, rng: random.Random, good: Mapping[str, list[str]]) -> None:
        self._rng = rng
        self._good = good

    def request(self, operation: Operation) -> Request:
        """A request for an operation with something wrong."""
        wrong = self._rng.choice(["path", "query", "headers", "body", "body", "method", "bytes", "nothing"])
        if operation.body is None and wrong == "body" and self._rng.random() < 0.7:
            wrong = "query"
        method = self._rng.choice(METHODS) if wrong == "method" else operation.method
        target = (
            f"{self._path(operation, wrong == 'path')}?{self._query(operation, wrong == 'query')}".encode()
        )
        if wrong == "bytes" and self._rng.random() < 0.3:
            target = self._with_odd_bytes(target)
        return Request(method, target, self._headers(wrong), self._body(operation, wrong == "body"))

    def _path(self, operation: Operation, wrong: bool) -> str:
        names = _PLACEHOLDER.findall(operation.path)
        spoiled = self._rng.choice(names) if wrong and names else None
        chosen = {name: quote(self._rng.choice(self._good.get(name, ["x"])), safe="") for name in names}
        if spoiled is not None:
            is_path = spoiled == "filePath" or self._rng.random() < 0.3
            chosen[spoiled] = self._rng.choice(hostile.PATHS) if is_path else self._quoted()
        elif "filePath" in chosen and self._rng.random() < 0.5:
            chosen["filePath"] = self._rng.choice(hostile.PATHS)
        path = _PLACEHOLDER.sub(lambda found: chosen[found[1]], operation.path)
        if wrong and self._rng.random() < 0.2:
            path = self._rng.choice(
                [path + "/", "/" + path, path.upper(), path + "/x", path.replace("/", "//")]
            )
        return path

    def _quoted(self) -> str:
        text = hostile.text(self._rng)[:2000]
        return quote(text, safe="" if self._rng.random() < 0.7 else "/")

    def _query(self, operation: Operation, wrong: bool) -> str:
        version = self._rng.choice([*API_VERSIONS, *[CURRENT_VERSION] * 5])
        pairs = [("api-version", version)]
        if not wrong:
            return f"api-version={version}"
        for _ in range(self._rng.randint(1, 3)):
            name = self._rng.choice(
                [*sorted(operation.query), "timeOut", "ocp-date", "api-version", "unknown"]
            )
            choices = _BY_NAME.get(name)
            value = self._rng.choice(choices) if choices and self._rng.random() < 0.7 else None
            pairs.append((name, value if value is not None else hostile.text(self._rng)))
        if self._rng.random() < 0.5:
            pairs = pairs[1:] + pairs[:1]
        return "&".join(f"{quote(name, safe='$-')}={quote(value, safe='')}" for name, value in pairs)[:7000]

    def _headers(self, wrong: str) -> dict[str, bytes]:
        headers = {"content-type": b"application/json"}
        if wrong == "headers" or wrong == "bytes":
            for name in self._rng.sample(list(_HEADERS), self._rng.randint(1, 3)):
                headers[name] = self._rng.choice(_HEADERS[name]).encode()
                if wrong == "bytes":
                    headers[name] = self._with_odd_bytes(headers[name])
            if "client-request-id" in headers:
                headers["return-client-request-id"] = b"true"
        return headers

    def _with_odd_bytes(self, data: bytes) -> bytes:
        odd = self._rng.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x80", b"\xc3\xbc"])
        place = self._rng.randint(1, max(1, len(data)))
        return data[:place] + odd + data[place:]

    def _body(self, operation: Operation, wrong: bool) -> bytes:
        if operation.body is None:
            return self._rng.choice(hostile.JUNK_BODIES) if wrong else b""
        contract = load_contract(self._rng.choice([*API_VERSIONS, *[CURRENT_VERSION] * 5]))
        if operation.body not in contract.models:
            contract = whole_contract()
        body = Bodies(contract, self._rng, self._good["nodeId"]).make(operation.body)
        _run_with_numbers(body)
        if not wrong:
            return json.dumps(body).encode()
        if self._rng.random() < 0.3:
            return self._rng.choice(hostile.JUNK_BODIES)
        return json.dumps(hostile.spoiled(body, self._rng)).encode("utf-8", "replace")


def _run_with_numbers(body: object) -> None:
    """Command lines as the nodes of these tests understand them."""
    if isinstance(body, dict):
        for name, value in body.items():
            if name == "commandLine":
                body[name] = "0"
            else:
                _run_with_numbers(value)
    elif isinstance(body, list):
        for item in body:
            _run_with_numbers(item)
