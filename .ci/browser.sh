#!/bin/sh
# Chromium for the browser tests: from the system's packages when it is missing and that is permitted.
set -eu
for name in chromium chromium-browser google-chrome; do
  if command -v $name >/dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Chromium …"
  export DEBIAN_FRONTEND=noninteractive
  if said=$({ apt-get update -qq && apt-get install -y -qq chromium; } 2>&1); then exit 0; fi
  echo "$said" >&2
fi
if [ "${CI:-}" = true ]; then
  echo "Chromium is missing and could not be installed; with CI=true the browser tests must run." >&2
  exit 1
fi
echo "Chromium is missing: the browser tests will be skipped. (Debian, Ubuntu: sudo apt-get install chromium)"
