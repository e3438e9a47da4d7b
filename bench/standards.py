"""How true the standards engine is to Spectral, how fast it is, and what it costs, on real API descriptions.

Run: `python bench/standards.py [--quick] [--ruleset FILE …]`. The documents are those of `../shared/data/openapi` (or
`$PRELUDE_SHARED_DATA/openapi`); without them only the documents made here are used. Spectral is compared when it is
found: `npx -y @stoplight/spectral-cli@6.16.3 --version` once puts it where this script looks (`$PRELUDE_SPECTRAL`, a
folder with `node_modules`, goes first). Both engines run warm in one process each, without network; references out of a
document are refused. Times are processor time, because a busy machine would otherwise be measured. Findings are
compared as sets of (rule, JSON path); a gate decision is whether anything is found at level error.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

import yaml  # noqa: E402

from market.openapi.document import Unreadable, load  # noqa: E402
from market.openapi.ruleset import Ruleset, read  # noqa: E402
from market.openapi.run import lint  # noqa: E402
from market.standards.checking.check import check  # noqa: E402
from market.standards.checking.profiles import SHIPPED, profile, shipped  # noqa: E402

DATA = Path(os.environ.get("PRELUDE_SHARED_DATA", HERE.parent / "shared" / "data")) / "openapi"
AT = datetime(2026, 11, 22, tzinfo=UTC)
SPECTRAL = r"""
const fs = require('fs'), path = require('path');
const {createRequire} = require('module');
const need = createRequire(path.join(process.argv[2], 'node_modules', 'x.js'));
const {Spectral, Document} = need('@stoplight/spectral-core');
const Parsers = need('@stoplight/spectral-parsers');
const {bundleAndLoadRuleset} = need('@stoplight/spectral-ruleset-bundler/with-loader');
const {fetch} = need('@stoplight/spectral-runtime');
const {Resolver} = need('@stoplight/spectral-ref-resolver');
const refuse = {resolve: async uri => { throw new Error('refused ' + uri) }};
(async () => {
  const ruleset = await bundleAndLoadRuleset(path.resolve(process.argv[3]), {fs, fetch});
  const repeat = +process.argv[5];
  for (const file of fs.readFileSync(process.argv[4], 'utf8').trim().split('\n')) {
    const text = fs.readFileSync(file, 'utf8');
    let best = Infinity, found = [], error = null;
    for (let turn = 0; turn < repeat; turn++) {
      const spectral = new Spectral({resolver: new Resolver({resolvers: {http: refuse, https: refuse, file: refuse}})});
      spectral.setRuleset(ruleset);
      const before = process.cpuUsage();
      try { found = await spectral.run(new Document(text, Parsers.Yaml, path.resolve(file))); error = null }
      catch (fault) { error = String(fault.message || fault); found = [] }
      const used = process.cpuUsage(before);
      best = Math.min(best, (used.user + used.system) / 1000);
    }
    const peak = process.resourceUsage().maxRSS / 1024;
    console.log(JSON.stringify({file, ms: best, error, peak,
      found: found.map(one => [String(one.code), one.path.map(String), one.severity])}));
  }
})();
"""


def documents() -> list[Path]:
    """Every real description, smallest first."""
    if not DATA.is_dir():
        return []
    files = [file for file in DATA.rglob("*") if file.is_file() and file.name != "manifest.csv"]
    return sorted(files, key=lambda file: file.stat().st_size)


def made(size: int) -> dict[str, Any]:
    """A description of about `size` bytes as pretty JSON: many resources, shared schemas, examples, some mistakes."""
    document: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": {"title": "Made", "version": "1.0.0", "description": "A description made to a size, for measuring."},
        "servers": [{"url": "https://api.example.gov.uk/v1"}],
        "security": [{"key": []}],
        "paths": {},
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "Authorization"}},
            "schemas": {"Problem": {"type": "object", "properties": {"title": {"type": "string"}}}},
        },
    }
    length, number = len(json.dumps(document, indent=2)), 0
    while length < size:
        name = f"Thing{number}"
        part = {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": {"type": "string", "example": f"T-{number}"},
                "startDate": {"type": "string", "format": "date", "example": "2026-01-31"},
                "amount": {"type": "number", "minimum": 0},
                "state": {"type": "string", "enum": ["open", "closed"]},
                "parts": {
                    "type": "array",
                    "items": {"$ref": f"#/components/schemas/Thing{number - 1 if number % 10 else 0}"},
                }
                if number
                else {"type": "array", "items": {"type": "string"}},
            },
        }
        body = {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": {"id": str(number)}}
        }
        error = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        path = {
            "get": {
                "operationId": f"read{name}",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {
                    "200": {"description": "One", "content": body},
                    "404": {"description": "None", "content": error},
                },
            },
            "put": {"requestBody": {"content": body}, "responses": {"204": {"description": "Changed"}}},
        }
        document["components"]["schemas"][name] = part
        document["paths"][f"/things-{number}/{{id}}"] = path
        length += len(json.dumps(part, indent=2)) * 6 // 5 + len(json.dumps(path, indent=2)) * 6 // 5
        number += 1
    return document


def spectral_home() -> Path | None:
    """A folder whose node_modules hold Spectral, or None."""
    places = [Path(os.environ["PRELUDE_SPECTRAL"])] if "PRELUDE_SPECTRAL" in os.environ else []
    places.extend(sorted((Path.home() / ".npm" / "_npx").glob("*")))
    for place in places:
        if (place / "node_modules" / "@stoplight" / "spectral-core").is_dir():
            return place
    return None


def ask_spectral(home: Path, ruleset: Path, files: list[Path], repeat: int) -> dict[str, dict[str, Any]]:
    """What Spectral finds in each file, and its processor milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        script, listed = Path(folder) / "ask.js", Path(folder) / "files"
        script.write_text(SPECTRAL)
        listed.write_text("\n".join(str(file) for file in files))
        command = ["node", "--max-old-space-size=6000", str(script), str(home), str(ruleset), str(listed), str(repeat)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        print(answer.stderr[-2000:], file=sys.stderr)
    return {one["file"]: one for one in map(json.loads, answer.stdout.splitlines())}


def ask_ours(ruleset: Ruleset, file: Path, repeat: int) -> tuple[float, Any]:
    """Processor milliseconds of reading and judging one file, best of `repeat`, and the result."""
    raw = file.read_bytes()
    best, result = float("inf"), None
    for _ in range(repeat):
        began = time.process_time()
        result = lint(load(raw), ruleset)
        best = min(best, (time.process_time() - began) * 1000)
    return best, result


def table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """A Markdown table."""
    heads = list(heads)
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def fidelity(home: Path | None, rulesets: dict[str, Path], files: list[Path], repeat: int) -> None:
    """Findings beside Spectral's, per ruleset, and the ratio of times."""
    rows, speeds, worst = [], [], Counter[str]()
    for name, place in rulesets.items():
        ruleset = read(place.read_text())
        theirs = ask_spectral(home, place, files, repeat) if home else {}
        same = both = only_ours = only_theirs = crashed = undone = findings = 0
        ratios = []
        for file in files:
            spent, result = ask_ours(ruleset, file, repeat)
            undone += bool(result.undone)
            findings += len(result.findings)
            other = theirs.get(str(file))
            if other is None:
                continue
            ratios.append((file.stat().st_size, spent, other["ms"]))
            if other["error"]:
                crashed += 1
                continue
            mine = {(one.rule, tuple(map(str, one.path))) for one in result.findings}
            yours = {(code, tuple(path)) for code, path, _ in other["found"]}
            gate = any(one.severity == "error" for one in result.findings)
            same += gate == any(severity == 0 for _, _, severity in other["found"])
            both += len(mine & yours)
            only_ours += len(mine - yours)
            only_theirs += len(yours - mine)
            worst.update(f"{name}: +{code}" for code, _ in mine - yours)
            worst.update(f"{name}: −{code}" for code, _ in yours - mine)
        compared = len(ratios) - crashed
        if home:
            precision = f"{both / max(1, both + only_ours):.4f}"
            recall = f"{both / max(1, both + only_theirs):.4f}"
            rows.append((name, compared, f"{same}/{compared}", both, precision, recall, crashed, undone))
            speeds.extend((name, *each) for each in ratios)
        else:
            rows.append((name, len(files), "—", findings, "—", "—", "—", undone))
    print("\n## Findings beside Spectral 6.16\n")
    heads = [
        "ruleset",
        "documents",
        "same gate decision",
        "findings in both",
        "precision",
        "recall",
        "Spectral crashed",
        "we did not finish",
    ]
    table(heads, rows)
    if worst:
        print("Most of the differences:", ", ".join(f"{what} {count}" for what, count in worst.most_common(10)), "\n")
    if speeds:
        ratio_table(speeds)


def ratio_table(speeds: list[tuple[str, int, float, float]]) -> None:
    """Times by size of document."""
    print("## Time beside Spectral, warm, processor milliseconds\n")
    rows = []
    for label, low, high in (
        ("under 20 KB", 0, 20_000),
        ("20 to 150 KB", 20_000, 150_000),
        ("over 150 KB", 150_000, 10**9),
    ):
        some = [each for each in speeds if low <= each[1] < high]
        if some:
            mine, theirs = [each[2] for each in some], [each[3] for each in some]
            rows.append(
                (
                    label,
                    len(some),
                    f"{statistics.median(mine):.1f} (most {max(mine):.0f})",
                    f"{statistics.median(theirs):.0f} (most {max(theirs):.0f})",
                    f"{statistics.median(theirs[n] / mine[n] for n in range(len(some))):.1f}×",
                )
            )
    table(["documents", "runs", "ours, median", "Spectral, median", "median ratio"], rows)
    print(f"Median over all runs: {statistics.median(each[3] / each[2] for each in speeds):.1f}× faster.\n")


def sizes(repeat: int) -> None:
    """Time and memory for made documents of the sizes that have targets."""
    print("## Documents made to a size, `spectral:oas`, warm\n")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size, target in ((25_000, "50 ms"), (100_000, "150 ms"), (1_700_000, "4 s, 200 MB")):
            for kind in ("JSON", "YAML"):
                document = made(size if kind == "JSON" else size * 8 // 5)
                unshared = json.loads(json.dumps(document))
                text = (
                    json.dumps(document, indent=2) if kind == "JSON" else yaml.dump(unshared, Dumper=yaml.CSafeDumper)
                )
                file = Path(folder) / f"made-{size}.{kind.lower()}"
                file.write_text(text)
                command = [sys.executable, __file__, "--one", str(file), "--repeat", str(repeat)]
                answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                rows.append(
                    (
                        f"{file.stat().st_size:,} {kind}",
                        f"{answer['ms']:.0f} ms",
                        f"{answer['peak']:.0f} MB",
                        answer["findings"],
                        target,
                    )
                )
    table(["bytes", "read and judged", "peak memory of the process", "findings", "target"], rows)


def one(file: Path, repeat: int) -> None:
    """Measure one file in this process; for :func:`sizes`."""
    ruleset = read("extends: spectral:oas")
    lint(load(b'{"openapi": "3.0.0", "paths": {}}'), ruleset)
    gc.collect()
    spent, result = ask_ours(ruleset, file, repeat)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"ms": spent, "peak": peak, "findings": len(result.findings), "undone": result.undone}))


def outcomes(files: list[Path]) -> None:
    """What every shipped profile says of every document."""
    print("## Outcomes under the shipped profiles\n")
    rows = []
    for name, version in shipped():
        of = profile(name, version)
        counts: Counter[str] = Counter()
        rules: Counter[str] = Counter()
        for file in files:
            run = check(file.read_bytes(), of, at=AT, name=file.name)
            counts[run.outcome.value] += 1
            rules.update({finding.rule for finding in run.gates})
        common = ", ".join(f"{rule} {count}" for rule, count in rules.most_common(4))
        rows.append(
            (of.label, *(counts[key] for key in ("pass", "pass-with-waivers", "fail", "could-not-check")), common)
        )
    table(["profile", "pass", "with waivers", "fail", "could not check", "what fails most often (documents)"], rows)


def main() -> None:
    """Print every table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="each document once, and only the smaller half")
    asked.add_argument("--ruleset", action="append", default=[], type=Path, help="another ruleset to compare with")
    asked.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    asked.add_argument("--repeat", type=int, default=3)
    given = asked.parse_args()
    if given.one:
        one(given.one, given.repeat)
        return
    files = documents()
    home = spectral_home()
    print(
        f"{len(files)} real documents" + ("" if files else " (no shared data found: only made documents are measured)")
    )
    print(
        f"Spectral: {home}"
        if home
        else "Spectral is not here: nothing to compare with. `npx -y @stoplight/spectral-cli@6.16.3 --version` gets it."
    )
    repeat = 1 if given.quick else given.repeat
    if given.quick:
        files = files[: len(files) // 2]
    with tempfile.TemporaryDirectory() as folder:
        rulesets = {}
        for name, text in (
            ("spectral:oas", "extends: spectral:oas"),
            ("spectral:oas, all rules", 'extends: [["spectral:oas", all]]'),
        ):
            place = Path(folder) / f"{len(rulesets)}.yaml"
            place.write_text(text)
            rulesets[name] = place
        for name, version in shipped():
            rulesets[f"{name} {version}"] = SHIPPED / name / version / "ruleset.yaml"
        rulesets.update({place.stem: place for place in given.ruleset})
        read("extends: spectral:oas")
        if files:
            fidelity(home, rulesets, files, repeat)
    sizes(repeat)
    if files:
        outcomes(files)


if __name__ == "__main__":
    try:
        main()
    except Unreadable as refused:
        sys.exit(f"a document could not be read: {refused.reason}")
