#!/bin/sh
# Fill an environment file for docker-compose.yml with random passwords: env.sh EXAMPLE FILE
# Existing values are kept, because the servers keep their first passwords.
set -eu
example=$1 file=$2
umask 077
touch "$file"
chmod 600 "$file"

random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

with_password() {
    case $1 in
    *_TOKEN=) printf '%sglpat-%s\n' "$1" "$(random)" ;;
    *PASSWORD= | *SECRET_KEY=) printf '%s%s\n' "$1" "$(random)" ;;
    *) printf '%s\n' "$1" ;;
    esac
}

is_new=$([ -s "$file" ] || echo yes)
while IFS= read -r line; do
    case $line in
    [A-Z]*=*) grep -q "^${line%%=*}=" "$file" || with_password "$line" >>"$file" ;;
    *) [ -z "$is_new" ] || printf '%s\n' "$line" >>"$file" ;;
    esac
done <"$example"
echo "$file is complete" >&2
