"""A stand-in for Azure Storage that holds a million names: List Blobs and Put Blob, and nothing else.

Azurite takes some hundred uploads a second, and a second for each page that it lists, so that a million blobs
are beyond it. This server makes the names up instead. It speaks enough of the protocol for the official
client. It shows what a look costs the watcher, not how fast Azure answers.

Sources: Azure Storage: *List Blobs*, *Put Blob*.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, insort
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from xml.sax.saxutils import escape

from aiohttp import web

A_DAY = 500
_XML = (
    '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://s/" ContainerName="c">'
)


def name(number: int, count: int, kind: str = "a") -> str:
    """Of a blob: so many a day, the last ones today's, and names grow with time."""
    day = datetime.now(timezone.utc) - timedelta(days=(count - 1 - number) // A_DAY)
    return f"scans/{day:%Y/%m/%d}/{kind}-{number:07}.csv"


class Names:
    """The names, in their order, and when those were written that are not old."""

    def __init__(self, count: int) -> None:
        self._names = [name(number, count) for number in range(count)]
        self._written: dict[str, datetime] = {}

    async def put(self, request: web.Request) -> web.Response:
        """Put Blob."""
        await request.read()
        new = request.match_info["name"]
        if new not in self._written:
            insort(self._names, new)
        self._written[new] = datetime.now(timezone.utc)
        return web.Response(status=201, headers={"ETag": '"0x1"', "Last-Modified": _http(self._written[new])})

    async def list(self, request: web.Request) -> web.Response:
        """List Blobs: one page."""
        prefix, most = request.query.get("prefix", ""), int(request.query.get("maxresults", 5000))
        start = max(prefix, request.query.get("marker", ""), request.query.get("startFrom", ""))
        first = bisect_left(self._names, start)
        page = self._names[first : first + most + 1]
        page = [each for each in page if each.startswith(prefix)]
        following = page.pop() if len(page) > most else ""
        blobs = "".join(map(self._blob, page))
        text = (
            f"{_XML}<Blobs>{blobs}</Blobs><NextMarker>{escape(following)}</NextMarker></EnumerationResults>"
        )
        now = _http(datetime.now(timezone.utc))
        return web.Response(text=text, content_type="application/xml", headers={"Date": now})

    def _blob(self, each: str) -> str:
        written = self._written.get(each) or datetime.strptime(each[6:16], "%Y/%m/%d").replace(
            tzinfo=timezone.utc
        )
        if each not in self._written:
            written -= timedelta(days=1)  # all but the new ones are older than any overlap
        return (
            f"<Blob><Name>{escape(each)}</Name><Properties><Creation-Time>{_http(written)}</Creation-Time>"
            f"<Last-Modified>{_http(written)}</Last-Modified><Etag>0x1</Etag>"
            "<Content-Length>1</Content-Length><Content-Type>text/csv</Content-Type><BlobType>BlockBlob"
            "</BlobType><AccessTier>Hot</AccessTier><LeaseStatus>unlocked</LeaseStatus><LeaseState>available"
            "</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties></Blob>"
        )


def _http(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def main() -> None:
    """Serve so many names at this port of the machine itself."""
    port, count = map(int, sys.argv[1:3])
    names = Names(count)
    app = web.Application()
    app.add_routes([web.get("/a/c", names.list), web.put("/a/c/{name:.*}", names.put)])
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main()
