"""What the processes of a site have held at most since they began."""

import os
from pathlib import Path
from typing import Any

GATEWAY_MEGABYTES = 400
"""What a gateway may hold of waiting calls is 64 MB a queue; a frame's encoding is a copy of some of it."""

WORKER_MEGABYTES = 300
BROKER_MEGABYTES = 600


def peak(pid: int | str) -> float:
    """Return the most memory that a process ever had, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def peak_of_group(leader: int) -> float:
    """Return the same for all processes of a group, as RabbitMQ's start script leads one."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if os.getpgid(int(entry.name)) == leader:
                    members.append(peak(entry.name))
            except (ProcessLookupError, FileNotFoundError):
                continue
    return sum(members)


def check_memory(site: Any, *services: str, gateway: float = GATEWAY_MEGABYTES) -> None:
    """Fail if a gateway, a worker of these services or the broker has held too much."""
    most = {"gateway": gateway, **dict.fromkeys(services or ("tracking",), WORKER_MEGABYTES)}
    found = {service: max(map(peak, site.warren.pids(service))) for service in most}
    found["broker"] = peak_of_group(site.rabbitmq.pid)
    most["broker"] = BROKER_MEGABYTES
    assert all(found[each] < most[each] for each in most), found
