"""Run scripts in a stock client's environment: MLflow is imported once, and each script runs in a fork of its own.

Writes MLflow's version first. Then reads JSON from each line of standard input: a script's path, the function of it that
is to be called, if any, and what is to be added to its environment; and answers with a line of JSON: its exit code and
what it wrote.
(Importing MLflow takes several seconds, more than most scripts; what loads and trains models, as long again.)
"""

import json
import os
import runpy
import sys
import tempfile
import traceback

import mlflow
import mlflow.pyfunc
import mlflow.sklearn
import sklearn.linear_model  # noqa: F401  # For the scripts.


def run(script: str, function: str, environment: dict[str, str]) -> dict[str, object]:
    """Run one script, or one function of it, in a child process and wait for it."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryDirectory() as temporary:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os.environ.update(environment)
            # Nothing that a script leaves stays: neither its own files nor those that MLflow makes.
            tempfile.tempdir = os.environ["TMPDIR"] = temporary
            _script(script, function)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "output": output.read().decode(errors="replace"),
        }


def _script(script: str, function: str) -> None:
    """Run a script as `python script` would, call the function, then end this process."""
    code = 1
    try:
        names = runpy.run_path(script, run_name="__main__")
        if function:
            names[function]()
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
        print(json.dumps(run(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
