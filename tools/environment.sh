#!/bin/sh
# Create or update a virtual environment from a lock file: environment.sh PYTHON DIRECTORY LOCK
# Needs only Python 3.11 and a package registry.
set -eu
python=$1 directory=$2 lock=$3

say() { printf '%s\n' "$*" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "Warren needs Python 3.11 or newer; '$python' is not. Name another one: make run PYTHON=/path/to/python3.11"
    exit 1
fi

# Debian has ensurepip, which puts pip into an environment, in a separate package.
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

work=$(mktemp -d) running=
trap 'rm -rf "$work"' EXIT
# Ctrl-C does not reach background processes, so they are killed here.
trap 'kill $running 2>/dev/null; exit 130' INT TERM
# In some containers the user has no entry in /etc/passwd, and so no home for pip's cache.
[ -n "${HOME:-}" ] || export HOME="$work"

if ! "$directory/bin/python" -m pip --version >/dev/null 2>&1; then
    say "Making the virtual environment $directory ..."
    "$python" -m venv --clear "$directory"
elif [ -n "$("$(dirname "$0")/interpreter.sh" "$python" "$directory")" ]; then
    say "Making the virtual environment $directory again, because another Python than $python made it ..."
    "$python" -m venv --clear "$directory"
fi

# Run a command whose output matters only if it fails, and show its progress: on a terminal in one line
# that is overwritten, elsewhere in a line every ten seconds.
quietly() {
    "$@" >"$work/log" 2>&1 &
    running=$! seconds=0
    while kill -0 "$running" 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        step=$(grep -aE '^ *(Collecting|Downloading|Installing)' "$work/log" | tail -n 1 | cut -c1-60 || true)
        if [ -t 2 ]; then
            printf '\r\033[K  %s s  %s' "$seconds" "$step" >&2
        elif [ $((seconds % 10)) = 0 ]; then
            say "  $seconds s  $step"
        fi
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
    wait "$running"
}

pip_install() { quietly "$directory/bin/python" -m pip install --disable-pip-version-check --require-hashes -r "$1"; }

# uv installs large lock files several times faster than pip, so it is installed first if the file has it.
# uv does not read pip's configuration. If the registry is configured there, uv fails and pip takes over.
if grep -q '^uv==' "$lock" && [ ! -x "$directory/bin/uv" ]; then
    awk '/^[a-z]/ { wanted = /^uv==/ } wanted' "$lock" >"$work/uv.txt"
    say "Installing uv, which installs the rest ..."
    pip_install "$work/uv.txt" || { cat "$work/log" >&2; exit 1; }
fi
say "Installing the $(grep -c '==' "$lock") packages of $lock into $directory ..."
for uv in "$directory/bin/uv" .venv/bin/uv; do
    if [ -x "$uv" ] && quietly "$uv" pip install --quiet --python "$directory/bin/python" --require-hashes -r "$lock"; then
        exit 0
    fi
done
pip_install "$lock" || {
    # Only pip's errors are shown: its warnings and progress do not explain the failure.
    grep -E '^ *(ERROR|error)' "$work/log" >&2 || tail -n 20 "$work/log" >&2
    say "pip could not install $lock (see above). Is the package registry reachable?"
    exit 1
}
