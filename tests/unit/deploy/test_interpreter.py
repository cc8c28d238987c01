"""`make PYTHON=…` makes an environment anew that another interpreter made, and no other."""

import subprocess
import sys
import venv
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "tools" / "interpreter.sh"


def others(python, *directories):
    said = subprocess.run(
        (SCRIPT, python, *directories), check=True, capture_output=True, text=True
    )
    return said.stdout.split()


def test_environments_of_another_interpreter_are_told_apart(tmp_path):
    ours, older, none = (tmp_path / name for name in ("ours", "older", "none"))
    venv.create(ours, with_pip=False)
    venv.create(older, with_pip=False)
    configuration = older / "pyvenv.cfg"
    version = "version = {}.{}.{}\n".format(*sys.version_info)
    assert version in configuration.read_text()
    configuration.write_text(configuration.read_text().replace(version, "version = 3.11.0\n"))
    for name in (sys.executable, ours / "bin" / "python"):
        assert others(name, ours, older, none) == [str(older)]
    assert others(tmp_path / "missing", ours, older) == []
