"""The image has all modules that its programs import. The repository's other folders are not in it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.services import SERVICES

ROOT = Path(__file__).parents[3]
PROGRAMS = (
    *(f"services.{name}.__main__" for name in SERVICES),
    "deploy.provision.__main__",
    "cli.__main__",
)
_COPY = re.compile(r"^COPY (?!--)((?:services|shared|cli|deploy)\b.*) (\S+)$", re.MULTILINE)


def test_programs_import_only_what_is_copied(tmp_path):
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"]
    for sources, target in _COPY.findall((ROOT / "deploy/Dockerfile").read_text()):
        for source in sources.split():
            assert any(f"{source}/".startswith(f"{each}/") for each in sent), source
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, tmp_path / target, ignore=ignored)
            else:
                (tmp_path / target).mkdir(exist_ok=True)
                shutil.copy(ROOT / source, tmp_path / target)
    imports = "; ".join(f"import {program}" for program in PROGRAMS)
    done = subprocess.run(
        [sys.executable, "-c", imports], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
