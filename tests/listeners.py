"""Where processes listen, as the kernel tells it: TCP ports, and Unix sockets."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"
_ACCEPTS = 0x10000


@dataclass(frozen=True)
class Listener:
    """A TCP port and its address; `program` is the first word of the process's command line."""

    pid: int
    program: str
    address: str
    port: int


def family(roots: Iterable[int]) -> set[int]:
    """Return processes with all that they have started."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            found = re.search(r"^PPid:\t(\d+)$", status.read_text(), re.MULTILINE)
            parents[int(status.parent.name)] = int(found[1]) if found else 0
    members = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in members} - members:
        members |= more
    return members


def tcp_listeners(pids: Iterable[int]) -> list[Listener]:
    """Return each TCP port that one of the processes listens on."""
    owners = _owners(pids)
    found = []
    for table in ("tcp", "tcp6"):
        for fields in _rows(table):
            address, port = fields[1].split(":")
            if fields[3] == _LISTEN and fields[9] in owners:
                pid = owners[fields[9]]
                found.append(Listener(pid, _program(pid), _readable(address), int(port, 16)))
    return found


def unix_listeners(pids: Iterable[int]) -> list[Path]:
    """Return the file of each Unix socket that one of the processes listens on; of some it has no name."""
    owners = _owners(pids)
    found = []
    for fields in _rows("unix"):
        if int(fields[3], 16) & _ACCEPTS and fields[6] in owners:
            name = fields[7] if len(fields) > 7 else ""
            assert name, f"process {owners[fields[6]]} listens on a nameless socket"
            found.append(Path(f"/proc/{owners[fields[6]]}/cwd") / name)
    return found


def _rows(table: str) -> Iterator[list[str]]:
    for line in Path("/proc/net", table).read_text().splitlines()[1:]:
        yield line.split()


def _owners(pids: Iterable[int]) -> dict[str, int]:
    """Return the process that holds a socket, by the socket's inode."""
    owners = {}
    for pid in pids:
        with suppress(OSError):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    if found := re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink())):
                        owners[found[1]] = pid
    return owners


def _program(pid: int) -> str:
    return Path(Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]).name


def _readable(address: str) -> str:
    """Return an address as usual; the kernel writes it as words of four bytes, each backwards."""
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    return str(ipaddress.ip_address(b"".join(words)))
