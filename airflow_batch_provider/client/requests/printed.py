"""What programs have printed, as text to show: without secrets, and no more of it than people read.

A text is masked before it is cut, so that no half of a secret is left at the cut.
"""

from __future__ import annotations

from airflow_batch_provider.masking import masked
from airflow_batch_provider.spec.signatures import strike_signatures

LINE_CHARS = 4_000
"""Of a line that is shown while its task runs."""

TAIL_LINES = 20
TAIL_CHARS = 8_000
"""Of the end of a stream, in an error."""

TAIL_BYTES = 4 * TAIL_CHARS
"""Read of a stream for that: more than is shown, as what is read may begin within a secret."""


def text_of(data: bytes) -> str:
    """What was printed, masked. Programs print the URLs that they were given, too."""
    return masked(strike_signatures(data.decode("utf-8", "replace")))


def shortened(line: str, name: str) -> str:
    """A line, or the beginning of a long one.

    Parameters:
        line: one line.
        name: of the file that it is in.
    """
    if len(line) <= LINE_CHARS:
        return line
    return f"{masked(line)[:LINE_CHARS]} [the line is cut here: {name} has the whole]"


def last_lines(data: bytes, name: str, *, whole: bool) -> str:
    """The last 20 lines of a stream, or less of long ones.

    Parameters:
        data: the end of the stream; :data:`TAIL_BYTES` are enough.
        name: of its file.
        whole: whether it is all of the stream.
    """
    text = text_of(data)
    # What is read may begin within a line and within a secret: nothing is shown of either's beginning.
    start = 0 if whole else min(text.find("\n") + 1 or len(text), len(text) // 2)
    begins_a_line = start == 0 or text[start - 1] == "\n"
    lines = text[start:].rstrip().splitlines()
    shown = "\n".join(lines[-TAIL_LINES:])
    if len(shown) > TAIL_CHARS or (len(lines) <= TAIL_LINES and not begins_a_line):
        return f"[cut: {name} has the whole] {shown[-TAIL_CHARS:]}"
    return shown
