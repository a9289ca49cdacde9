"""``ocp-range``: a slice of a file. Source: the published client; the answer to a slice is 200, not 206."""

from __future__ import annotations

import re

from batch_emulator.rest.errors import refusal

_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")


def parse_range(text: str | None, size: int) -> tuple[int, int]:
    """First byte and the byte after the last one.

    :param text: ``bytes=start-end``, both included, or ``bytes=start-``; ``None`` is the whole file.
    :param size: of the file, in bytes.
    :raises BatchError: ``InvalidHeaderValue``; ``InvalidRange`` when it begins beyond the end.
    """
    if text is None:
        return 0, size
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise refusal("InvalidHeaderValue", HeaderName="ocp-range", HeaderValue=text)
    start, end = int(match[1]), int(match[2]) + 1 if match[2] else size
    if start >= size or end <= start:
        raise refusal("InvalidRange", HeaderName="ocp-range", HeaderValue=text, FileSize=str(size))
    return start, min(end, size)
