#!/bin/sh
# Make the virtual environment, whole or not at all: `made` in it is the mark. Where the system's Python lacks the venv module,
# it is installed when that is permitted. What goes well is not told.
set -eu
python=$1
venv=$2
umask 022
if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then touch "$venv/made"; exit 0; fi
rm -rf "$venv"
said=$(mktemp)
trap 'rm -f "$said"' EXIT
if ! "$python" -m venv "$venv" >"$said" 2>&1; then
  rm -rf "$venv"
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing python3-venv …"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq python3-venv; } >"$said" 2>&1 || { cat "$said" >&2; exit 1; }
    "$python" -m venv "$venv" >"$said" 2>&1 || { cat "$said" >&2; exit 1; }
  else
    cat "$said" >&2
    exit 1
  fi
fi
touch "$venv/made"
