"""Values that nobody sends in good faith, and ways to spoil good ones."""

from __future__ import annotations

import json
import random
from typing import Any

TEXTS = [
    "",
    " ",
    "x" * 70,
    "x" * 5000,
    "..",
    "../../../../etc/passwd",
    "..\\..\\secret",
    "/etc/passwd",
    "C:\\Windows\\win.ini",
    "a\0b",
    "\0",
    "ünïcode",
    "\u202egpj.exe",
    "\u212a\u0130\u0131",
    "\ufeff",
    "\U0001f4a9" * 20,
    "e\u0301" * 30,
    "%00",
    "%2e%2e%2f",
    "'; DROP TABLE records; --",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "\r\nX-Injected: 1",
    "NaN",
    "true",
    "-1",
    "--5",
    "9" * 30,
    "9" * 5000,
    "١٢٣",
    "1e400",
    "P" + "9" * 60 + "D",
    "P99999999999999999DT1S",
    "-PT5M",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30T00:00:00Z",
    "2026-01-01T00:00:00+99:99",
    "a/b",
    "a:b",
    "a?b#c",
]
SCALARS: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    -0.0,
    1e308,
    2**31,
    2**63,
    -(2**63),
    10**40,
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"a": {"b": {"c": []}}},
]
FILTERS = [
    "id eq",
    "id eq 'a",
    "eq eq eq",
    "(" * 60 + "id eq 'a'" + ")" * 60,
    "(" * 3000,
    " and ".join(["id eq 'a'"] * 400),
    " or ".join(["state ne 'x'"] * 400),
    "startswith(id,'" + "a" * 3000 + "')",
    "startswith(id, id)",
    "id gt " + "9" * 5000,
    "creationTime gt DateTime'0001-01-01T00:00:00+14:00'",
    "creationTime gt DateTime'9999-12-31T23:59:59-14:00'",
    "creationTime gt DateTime'" + "9" * 500 + "'",
    "executionInfo/exitCode eq " + "1" * 400,
    "__class__ eq 'a'",
    "id/__class__/__mro__ eq 'a'",
    "id eq 'a'\0",
    "not id eq 'a'",
    "id eq \u2018a\u2019",
    "'a' eq id",
    "-",
    ",",
]
SELECTS = ["id,,state", "id," * 500, "__class__", "stats", "*", "id/state", "\0", "ünï", "'"]
PATHS = [
    "..",
    "../..",
    "../../../../../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "..%5c..%5csecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2f%2e%2e%2fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%c0%af..%c0%afsecret.txt",
    "....//....//secret.txt",
    "wd/../../../../secret.txt",
    "wd/%2e%2e/%2e%2e/%2e%2e/%2e%2e/secret.txt",
    "%2Fetc%2Fpasswd",
    "/etc/passwd",
    "//etc/passwd",
    "a%00b",
    "%00",
    "wd%00/../../secret.txt",
    "link-out/secret.txt",
    "link-out",
    "link-file",
    "link-loop",
    "wd",
    "wd/",
    "wd//file.txt",
    "./wd/./file.txt",
    ".",
    "%2e",
    "%",
    "%zz",
    "%ff%fe",
    "x" * 300,
    "x/" * 500,
    "~",
    "CON",
    "file.txt::$DATA",
    "%F0%9F%92%A9",
]
RANGES = [
    "bytes=0-",
    "bytes=-5",
    "bytes=5-1",
    "bytes=0-0,2-3",
    "bytes=99999999999999999999-",
    "bytes=0-99999999999999999999",
    "bytes=a-b",
    "bytes=١-٢",
    "bytes=",
    "0-5",
    "bytes=--1",
    "lines=0-1",
]
DATES = [
    "yesterday",
    "Mon, 99 Xxx 2026 99:99:99 GMT",
    "Mon, 01 Jan 0001 00:00:00 +1400",
    "Fri, 31 Dec 9999 23:59:59 -1400",
    "Mon, 04 May 2026 03:02:01 +9999",
    "Mon, 04 May 2026 03:02:01 -0000",
    "Mon, 04 May 99999999 03:02:01 GMT",
    "1",
    "()",
    '"',
    "Mon, 04 May 2026",
    ",,,,",
]
TAGS = ["", "*", "W/", '""', '"', 'W/"0x1"', "*, *", '"a", "b"', "x" * 4000, "ünï", "\t"]
JUNK_BODIES = [
    b"",
    b" ",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'"text"',
    b"0",
    b"{",
    b'{"id":',
    b'{"id": "a", "id": "b"}',
    b"{'id': 'a'}",
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b'{"id": "\xff"}',
    b'{"id": "\\ud800"}',
    b'{"id": NaN}',
    b'{"id": 1e999}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"startTask":' * 500 + b"1" + b"}" * 500,
    b'{"value": [' + b'{"id": "x", "commandLine": "0"},' * 500 + b'{"id": "y", "commandLine": "0"}]}',
    b"x" * 300_000,
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    b"\0" * 1000,
]


def text(rng: random.Random) -> str:
    """A text; sometimes one of random characters."""
    if rng.random() < 0.8:
        return rng.choice(TEXTS)
    points = (rng.randrange(0x110000) for _ in range(rng.randint(1, 12)))
    return "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)


def spoiled(body: Any, rng: random.Random) -> Any:
    """A body with one or more of its parts replaced, removed, renamed or added to."""
    body = json.loads(json.dumps(body))
    for _ in range(rng.randint(1, 3)):
        _spoil(body, rng)
    return body


def _spoil(body: Any, rng: random.Random) -> None:
    place, key = _any_place(body, rng)
    if place is None:
        return
    kind = rng.randrange(6)
    if kind == 0:
        place[key] = text(rng)
    elif kind == 1:
        place[key] = rng.choice(SCALARS)
    elif kind == 2:
        place[key] = _nested(place[key], rng)
    elif kind == 3 and isinstance(place, dict):
        place[text(rng)] = place.pop(key)
    elif kind == 4:
        place[key] = [place[key]] * rng.choice([2, 150])
    else:
        del place[key]


def _any_place(body: Any, rng: random.Random) -> tuple[Any, Any]:
    places: list[tuple[Any, Any]] = []
    todo = [body]
    while todo:
        here = todo.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here))
        for key in keys:
            places.append((here, key))
            if isinstance(here[key], dict | list):
                todo.append(here[key])
    return rng.choice(places) if places else (None, None)


def _nested(value: Any, rng: random.Random) -> Any:
    for _ in range(rng.choice([1, 5, 200])):
        value = {"a": value} if rng.random() < 0.5 else [value]
    return value
