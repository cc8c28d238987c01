#!/bin/sh
# Make or update a virtual environment from a lock file: environment.sh PYTHON DIRECTORY LOCK
# Needs Python 3.11 and a package registry, nothing else.
set -eu
python=$1 directory=$2 lock=$3

say() { printf '%s\n' "$*" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "Warren needs Python 3.11 or newer; '$python' is not. Name another one: make run PYTHON=/path/to/python3.11"
    exit 1
fi

# Debian keeps the part that puts pip into an environment in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing Debian's python3-venv ..."
        export DEBIAN_FRONTEND=noninteractive
        apt-get install -qq -y python3-venv >/dev/null 2>&1 ||
            { apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null; }
    else
        say "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv"
        exit 1
    fi
fi

if ! "$directory/bin/python" -m pip --version >/dev/null 2>&1; then
    say "Making the virtual environment $directory ..."
    "$python" -m venv --clear "$directory"
fi

pip_install() { "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1"; }

# uv installs large locks several times faster; where a lock names it, it goes first. It does not
# read pip's configuration, so that pip has to step in where the registry is configured there.
if grep -q '^uv==' "$lock" && [ ! -x "$directory/bin/uv" ]; then
    only_uv=$(mktemp)
    awk '/^[a-z]/ { wanted = /^uv==/ } wanted' "$lock" >"$only_uv"
    pip_install "$only_uv"
    rm -f "$only_uv"
fi
say "Installing $lock into $directory ..."
for uv in "$directory/bin/uv" .venv/bin/uv; do
    if [ -x "$uv" ] && "$uv" pip install --quiet --python "$directory/bin/python" --require-hashes -r "$lock"; then
        exit 0
    fi
done
pip_install "$lock"
