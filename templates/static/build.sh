#!/bin/sh
# Makes what templates/static serves, from sources that are pinned here. Run by hand when a source changes, and commit what
# it makes: neither the product nor its tests need Node or the network.
#
#   templates/static/build.sh            needs node 18 or newer and npm; fetches three packages into a temporary folder
#   OFFLINE=1 templates/static/build.sh  only compresses again (after an edit of a script or a picture)
#
# Sources: source/govuk.scss, source/prelude.css, start.js, prelude.js, passkey.js, mark.svg, drawing-thread.svg.
# Made: site.css, govuk-frontend.js, fonts/*.woff2, beside each text file its .gz and .br, and prepared.json, which names
# the bytes that each of them was made of; market/web/static.py ignores a compressed file that is out of date.
set -eu
GOVUK=6.3.0
SASS=1.108.2
FONT=5.3.0
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if [ -z "${OFFLINE:-}" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && npm init -y >/dev/null && npm install --no-audit --no-fund --ignore-scripts --silent \
    "govuk-frontend@$GOVUK" "sass@$SASS" "@fontsource/atkinson-hyperlegible-next@$FONT")
  packages=$work/node_modules
  "$packages/.bin/sass" --no-source-map --style=compressed --quiet-deps \
    -I "$packages/govuk-frontend/dist" -I "$here/source" "$here/source/govuk.scss" "$here/site.css"
  sed 's|//# sourceMappingURL=.*$||' "$packages/govuk-frontend/dist/govuk/govuk-frontend.min.js" >"$here/govuk-frontend.js"
  fonts=$packages/@fontsource/atkinson-hyperlegible-next
  for weight in 400 700; do
    cp "$fonts/files/atkinson-hyperlegible-next-latin-$weight-normal.woff2" "$here/fonts/atkinson-hyperlegible-next-$weight.woff2"
    cp "$fonts/files/atkinson-hyperlegible-next-latin-ext-$weight-normal.woff2" "$here/fonts/atkinson-hyperlegible-next-ext-$weight.woff2"
  done
  cp "$fonts/LICENSE" "$here/fonts/OFL.txt"
  if grep -q 'GDS Transport\|crest' "$here/site.css"; then
    echo "site.css names the GDS font or the crest, which are reserved for gov.uk" >&2
    exit 1
  fi
fi

cd "$here"
node - <<'JS'
const { createHash } = require("node:crypto");
const { readdirSync, readFileSync, writeFileSync } = require("node:fs");
const zlib = require("node:zlib");
// Which sources site.css was compiled from: known only when it was compiled just now.
const sources = ["source/govuk.scss", "source/prelude.css"];
const before = process.env.OFFLINE ? JSON.parse(readFileSync("prepared.json")) : {};
const digest = (name) => createHash("sha256").update(readFileSync(name)).digest("hex");
const made = Object.fromEntries(sources.map((name) => [name, before[name] ?? digest(name)]));
for (const name of readdirSync(".").filter((name) => /\.(css|js|svg)$/.test(name)).sort()) {
  const plain = readFileSync(name);
  made[name] = digest(name);
  writeFileSync(`${name}.gz`, zlib.gzipSync(plain, { level: 9 }));
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
  const params = { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_SIZE_HINT]: plain.length };
  writeFileSync(`${name}.br`, zlib.brotliCompressSync(plain, { params }));
}
writeFileSync("prepared.json", JSON.stringify(made, null, 2) + "\n");
JS
ls -l site.css* govuk-frontend.js* prelude.js* passkey.js* start.js*
