#!/bin/sh
# Make the virtual environment; where the system's Python lacks the venv module, install it when that is permitted.
set -eu
python=$1
venv=$2
"$python" - <<'P' || { echo "Python 3.11, 3.12 or 3.13 is needed; name it with: make PYTHON=python3.12 …" >&2; exit 1; }
import sys
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
P
if "$python" -m venv "$venv" 2>/dev/null; then exit 0; fi
rm -rf "$venv"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing python3-venv …"
  apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
  exec "$python" -m venv "$venv"
fi
echo "The venv module is missing. Install it (Debian, Ubuntu: sudo apt-get install python3-venv) and try again." >&2
exit 1
