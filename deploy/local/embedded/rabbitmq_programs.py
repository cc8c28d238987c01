"""Finds RabbitMQ's programs: in a given home, installed ones, or Debian's packages.

The packages are unpacked and not installed, because an installation needs root and starts a system-wide node.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.embedded.process import ChildProcess, ProcessFailedError, Program
from deploy.local.embedded.progress import announce

DEFAULT_CACHE = Path(__file__).parents[3] / ".warren" / "cache" / "rabbitmq"
_INSTALLED = Path("/usr/lib/rabbitmq")
_ERLANG_APPLICATIONS = (
    *("base", "asn1", "crypto", "eldap", "inets", "mnesia", "os-mon", "parsetools", "public-key"),
    *("runtime-tools", "ssl", "syntax-tools", "tools", "xmerl"),
)
_PACKAGES = ("rabbitmq-server", *(f"erlang-{name}" for name in _ERLANG_APPLICATIONS))


@dataclass(frozen=True)
class RabbitPrograms:
    """Paths: the start script, the directory of `erl` (None: it is on the PATH), and Erlang's name server."""

    server: Path
    erlang: Path | None
    epmd: Path


async def find_rabbitmq(cache: Path = DEFAULT_CACHE) -> RabbitPrograms:
    """Return programs that can be run. If there are none, download them to `cache`."""
    given = os.environ.get("WARREN_RABBITMQ_HOME")
    if given:
        return _programs_under(Path(given), Path("/"))
    if _INSTALLED.exists() and _find_epmd(Path("/")) is not None:
        return _programs_under(_INSTALLED, Path("/"))
    unpacked = cache.absolute() / "root"
    if not unpacked.exists():
        await _download(cache.absolute())
    return _programs_under(unpacked / "usr/lib/rabbitmq", unpacked)


def _programs_under(home: Path, root: Path) -> RabbitPrograms:
    """Return the programs of a Debian tree (scripts in `bin`) or an upstream one (`sbin`).

    Debian's /usr/sbin/rabbitmq-server is not used: it changes the user to `rabbitmq`.
    """
    scripts = [home / folder / "rabbitmq-server" for folder in ("bin", "sbin")]
    server = next((script for script in scripts if script.exists()), None)
    epmd = _find_epmd(root)
    if server is None or epmd is None:
        message = f"no rabbitmq-server with its Erlang under {home}"
        raise ProcessFailedError(message)
    erlang = root / "usr/lib/erlang/bin"
    return RabbitPrograms(server, erlang if erlang.exists() else None, epmd)


def _find_epmd(root: Path) -> Path | None:
    found = next(root.glob("usr/lib/erlang/erts-*/bin/epmd"), None)
    on_path = shutil.which("epmd")
    return found or (Path(on_path) if on_path and root == Path("/") else None)


async def _download(cache: Path) -> None:
    """Download and unpack the packages. The directory is renamed at the end, so it is complete or absent."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise ProcessFailedError(
            "RabbitMQ was not found: install it (`brew install rabbitmq`), set WARREN_RABBITMQ_HOME"
        )
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="download-", dir=cache))
    try:
        announce("Downloading Debian's packages of RabbitMQ (32 MB, once, not installed) ...")
        await _fetch_packages(work)
        announce("Unpacking RabbitMQ ...")
        unpacked = work / "root"
        unpacked.mkdir()
        for package in sorted(work.glob("*.deb")):
            await _run(work, "dpkg-deb", "-x", str(package), str(unpacked))
        _move_erlang(unpacked, cache / "root")
        # Of two first starts at the same time, the first one's directory is as good as this one.
        if not (cache / "root").exists():
            unpacked.rename(cache / "root")
    finally:
        shutil.rmtree(work, ignore_errors=True)


async def _fetch_packages(work: Path) -> None:
    """Download packages with the machine's package lists or, if that fails, with private ones, without root."""
    try:
        await _run(work, "apt-get", "download", "-qq", *_PACKAGES)
    except ProcessFailedError:
        announce("The machine's package lists are missing or outdated; downloading new ones ...")
        options = _private_lists(work)
        await _run(work, "apt-get", *options, "update", "-qq")
        await _run(work, "apt-get", *options, "download", "-qq", *_PACKAGES)


def _private_lists(work: Path) -> Sequence[str]:
    lists, archives = work / "lists", work / "archives"
    for directory in (lists / "partial", archives / "partial"):
        directory.mkdir(parents=True, exist_ok=True)
    settings = {
        "Dir::State::lists": lists,
        "Dir::Cache": work,
        "Dir::Cache::archives": archives,
        "APT::Sandbox::User": "root",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


async def _run(work: Path, *arguments: str) -> None:
    program = Program(name=arguments[0], arguments=arguments, directory=work, log=work / "log")
    await ChildProcess(program).run_to_end()


def _move_erlang(unpacked: Path, final: Path) -> None:
    """Write the final location into Erlang's launcher. Debian's launcher ignores ERL_ROOTDIR."""
    launcher = unpacked / "usr/lib/erlang/bin/erl"
    lines = launcher.read_text().splitlines(keepends=True)
    assigned, moved = "=/usr/lib/erlang", f"={final}/usr/lib/erlang"
    launcher.write_text(
        "".join(
            line.replace(assigned, moved) if line.rstrip().endswith(assigned) else line
            for line in lines
        )
    )
