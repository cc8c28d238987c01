#!/bin/sh
# Print the virtual environments that were not made by this interpreter: interpreter.sh PYTHON DIRECTORY...
set -eu
python=$1
shift

# These lines are the same as venv's in pyvenv.cfg. The real path is used, whatever name the interpreter was called by.
wanted=$("$python" -c '
import os, sys
print(f"executable = {os.path.realpath(sys._base_executable)}")
print("version = {}.{}.{}".format(*sys.version_info))
' 2>/dev/null) || exit 0  # environment.sh reports a broken interpreter.
for directory in "$@"; do
    [ -f "$directory/pyvenv.cfg" ] || continue
    [ "$(grep -E '^(executable|version) = ' "$directory/pyvenv.cfg" | sort)" = "$wanted" ] || printf '%s\n' "$directory"
done
