"""Pains without a test: those that are not ours to solve, and those that are and have none yet."""

from __future__ import annotations

_OTHER = "Not ours: it is about another service or product."
_OPEN = "Open: no test shows it yet."
_PRICES = "Open: prices are not known to the provider. Quotas are: see 114 and 122."
_METRICS = "Open: the service does not measure it; Azure Monitor's agent on the nodes does."
_SERVICE = "Not ours: the service decides it."

#: By the number of the pain.
NOT_OURS: dict[int, str] = {
    22: "Not ours to hide: formulas know tasks, not nodes; `$PendingTasks` times the instances is the author's.",
    24: "Not ours: five minutes between two evaluations are the service's least; the emulator keeps them too.",
    25: "Not ours: the service fixes mounts when a pool is made. A changed mount is drift, told with what differs.",
    26: _SERVICE,
    27: _SERVICE,
    30: _OPEN,
    31: _OPEN,
    33: _OPEN,
    50: _OPEN,
    53: _OPEN,
    54: _OPEN,
    55: _OPEN,
    56: _OPEN,
    58: _OPEN,
    59: _OPEN,
    61: _OPEN,
    65: _OPEN,
    83: "Answered otherwise: live output is read from the node, and copied to a blob at the end.",
    86: _OPEN,
    88: _METRICS,
    89: _METRICS,
    90: _METRICS,
    92: _OTHER,
    116: _OPEN,
    120: _OPEN,
    123: _PRICES,
    124: _PRICES,
    127: _PRICES,
    128: _PRICES,
    130: _PRICES,
    131: _PRICES,
    150: _OTHER + " The same for Azure Batch: 149.",
    151: _OTHER + " The same for Azure Batch: 149.",
    153: _OTHER + " The same for Azure Batch: 149.",
    154: _OTHER + " The same for Azure Batch: 149.",
    158: _OTHER + " The same for Azure Batch: 148.",
    159: "Not ours yet: there is no executor here.",
    160: "Not ours yet: there is no executor here.",
    161: "Not ours yet: there is no executor here.",
    163: _OTHER + " The same for Azure Batch: 76.",
    181: "Answered otherwise: no figure comes from the service's statistics; tasks are counted when they end.",
}
