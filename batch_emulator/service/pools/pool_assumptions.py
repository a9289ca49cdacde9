"""What no public text settles about pools and nodes, and what is decided here.

Each name is used wherever the rule applies: to decide otherwise, change it here.
"""

from __future__ import annotations

from datetime import timedelta

# Documented: a node goes down from `idle` or `running`. Seen in practice: one whose start task failed may be
# rebooted or reimaged too, which is how a corrected start task reaches it.
MAY_ALSO_RESTART = ("starttaskfailed",)

# Documented: the service tries to recover an unusable node unless a package or a container image was the
# cause. How, and after how long, it does not tell.
NOT_RECOVERED = ("ApplicationPackage", "Container")
RECOVERED_AFTER = timedelta(minutes=10)

# Until 2024-02-01 the service refused to reimage nodes of pools with a virtualMachineConfiguration (recorded,
# and asserted by the clients of that time). Since then there are no other pools, and the operation stayed.
LAST_VERSION_WITHOUT_REIMAGE = "2024-02-01.19.0"

# A user made on a node without an expiry time can log in for a day. Source: *Compute Node - Add User*.
NODE_USER_LIFETIME = timedelta(days=1)

# Nodes share this machine and have no address that can be reached from outside: what the service shows as
# their public address is the machine's own. Nothing is forwarded from the frontend ports.
PUBLIC_ADDRESS, PUBLIC_NAME, PUBLIC_IPV6_ADDRESS = "127.0.0.1", "localhost", "::1"

# Usage is told in intervals of half an hour, and kept for so long.
USAGE_INTERVAL, USAGE_KEPT_FOR = timedelta(minutes=30), timedelta(days=90)

# Recorded: the rule for remote login is named so, and its first frontend port is this one.
REMOTE_LOGIN_RULE, REMOTE_LOGIN_FRONTEND = "SSHRule", 50_000
REMOTE_LOGIN_BACKEND = {"linux": 22, "windows": 3389}
# Reserved for remote login, as documented: the frontend ports from 50000 to 55000.
REMOTE_LOGIN_PORTS = 5_001
