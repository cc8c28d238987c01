#!/bin/sh
# Print the virtual environments that another interpreter than this made: interpreter.sh PYTHON DIRECTORY...
set -eu
python=$1
shift

# As venv writes them into pyvenv.cfg, whatever name led to the interpreter.
wanted=$("$python" -c '
import os, sys
print(f"executable = {os.path.realpath(sys._base_executable)}")
print("version = {}.{}.{}".format(*sys.version_info))
' 2>/dev/null) || exit 0  # What is wrong with it environment.sh says.
for directory in "$@"; do
    [ -f "$directory/pyvenv.cfg" ] || continue
    [ "$(grep -E '^(executable|version) = ' "$directory/pyvenv.cfg" | sort)" = "$wanted" ] || printf '%s\n' "$directory"
done
