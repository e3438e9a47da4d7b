#!/bin/sh
# Make the virtual environment, whole or not at all: `made` in it is the mark. Where the system's Python lacks the venv module,
# it is installed when that is permitted. What goes well is not told, and what is cut off leaves nothing outside of it.
set -eu
python=$1
venv=$2
umask 022
if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then touch "$venv/made"; exit 0; fi
make_it() {
  rm -rf "$venv"
  mkdir -p "$venv/tmp"
  said=$(TMPDIR="$PWD/$venv/tmp" "$python" -m venv "$venv" 2>&1)
}
if ! make_it; then
  rm -rf "$venv"
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then echo "$said" >&2; exit 1; fi
  echo "Installing python3-venv …"
  export DEBIAN_FRONTEND=noninteractive
  said=$({ apt-get update -qq && apt-get install -y -qq python3-venv; } 2>&1) && make_it || { echo "$said" >&2; exit 1; }
fi
touch "$venv/made"
