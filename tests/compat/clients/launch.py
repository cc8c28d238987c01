"""Run scripts in a stock client's environment: MLflow is imported once, and each script runs in a fork of its own.

Writes MLflow's version first. Then reads a script's path from each line of standard input, and answers each with
a line of JSON: its exit code and what it wrote.
(Importing MLflow takes several seconds, more than most scripts.)
"""

import json
import os
import runpy
import sys
import tempfile
import traceback
from pathlib import Path

import mlflow


def run(script: Path) -> dict[str, object]:
    """Run one script in a child process and wait for it."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            _script(script)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "output": output.read().decode(errors="replace"),
        }


def _script(script: Path) -> None:
    """Run a script as `python script` would, then end this process."""
    code = 1
    try:
        runpy.run_path(str(script), run_name="__main__")
        code = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Serve until standard input ends."""
    print(mlflow.__version__, flush=True)
    for line in sys.stdin:
        print(json.dumps(run(Path(line.strip()))), flush=True)


if __name__ == "__main__":
    main()
