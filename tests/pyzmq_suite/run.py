"""Runs pyzmq's own test suite on gzmtp: ``python tests/pyzmq_suite/run.py [options] [test_file.py ...] [-- pytest arguments]``.

Nothing of pyzmq's is kept here: the suite comes from the source distribution that pip downloads, or from a checkout that
GZMTP_PYZMQ_SOURCE names. Every file of it runs in a process of its own (inside.py), in which `zmq` means gzmtp: once with
native threads, once monkey-patched. What cannot pass stands in exclusions.py, each with its reason; everything else must.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from exclusions import EXCLUDED, MODES, whole_file

HERE = Path(__file__).parent
VERSION = "27.3.0"  # the pyzmq whose API gzmtp offers
LIMIT = 150.0  # seconds for a file


def source(folder: Path) -> Path:
    """The root of pyzmq's sources: of a checkout, or downloaded into `folder`."""
    checkout = os.environ.get("GZMTP_PYZMQ_SOURCE")
    if checkout:
        return Path(checkout).resolve()
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "pyzmq"]
    subprocess.run([*command, "-d", str(folder), f"pyzmq=={VERSION}"], check=True)
    with tarfile.open(next(folder.glob("pyzmq-*.tar.gz"))) as archive:
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return folder / f"pyzmq-{VERSION}"


def run(root: Path, file: str, mode: str, options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Run one file of the suite; what inside.py reports, or what became of the process."""
    report = scratch / "report.json"
    report.unlink(missing_ok=True)
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    path = os.pathsep.join([str(HERE / "site"), *map(os.path.abspath, given)])
    job = {"mode": mode, "file": file, "report": str(report), "excluded": options.excluded, "root": str(root)}
    process = subprocess.Popen(
        [sys.executable, str(HERE / "inside.py"), json.dumps(job), str(root / "tests" / file), *options.pytest],
        cwd=scratch, env={**os.environ, "PYTHONPATH": path, "GZMTP_PYZMQ_SUITE": mode}, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        text, _ = process.communicate(timeout=options.limit)
        trouble = "" if process.returncode in (0, 1, 5) else f"ended with {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)  # faulthandler prints what every thread does
        try:
            text, _ = process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            text, _ = process.communicate()
        trouble = f"not done after {options.limit:g} s"
    lines = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    tests: dict[str, tuple[str, str]] = {}
    for line in lines:
        name = line.get("test")
        if name and tests.get(name, ("", ""))[0] != "failed":  # else it is the teardown of a failed one
            tests[name] = (line["outcome"], line["why"])
    began = [line["began"] for line in lines if "began" in line]
    if trouble and began and began[-1] not in tests:
        trouble += f", in {began[-1].rpartition('/')[2]}"
    return {
        "text": text,
        "trouble": trouble,
        "tests": tests,
        "excluded": sum(line.get("excluded", 0) for line in lines),
        "stale": [line["stale"] for line in lines if "stale" in line],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("files", nargs="*", metavar="test_file.py", help="these files of the suite only")
    parser.add_argument("--mode", choices=MODES, help="one mode only")
    parser.add_argument("--excluded", action="store_true", help="run only what is excluded: does it still fail?")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for a file (%(default)g)")
    parser.add_argument("--verbose", action="store_true", help="print pytest's output of every file")
    given = sys.argv[1:]
    own, rest = (given[: given.index("--")], given[given.index("--") + 1 :]) if "--" in given else (given, [])
    options = parser.parse_args(own)
    options.pytest = rest

    total: Counter[str] = Counter()
    skips: Counter[str] = Counter()
    bad: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        root = source(Path(folder))
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        files = options.files or sorted(path.name for path in (root / "tests").glob("test_*.py"))
        for file in files:
            for mode in [options.mode] if options.mode else MODES:
                reason = whole_file(file, mode)
                if bool(reason) and not options.excluded:
                    print(f"{file:28} {mode:8} excluded: {reason}")
                    total["files excluded"] += 1
                    continue
                began = time.monotonic()
                result = run(root, file, mode, options, scratch)
                tests = {name.rpartition("/")[2]: ended for name, ended in result["tests"].items()}
                outcomes = Counter(outcome for outcome, _ in tests.values())
                outcomes["excluded"] = result["excluded"]
                total += outcomes
                skips.update(why for outcome, why in tests.values() if outcome == "skipped")
                failed = {name: why for name, (outcome, why) in tests.items() if outcome == "failed"}
                wrong = [f"{mode} {name}" for name in failed]
                wrong += [f"{mode} {file}: {result['trouble']}"] * bool(result["trouble"])
                wrong += [f"{mode} {row}: there is no such test (exclusions.py)" for row in result["stale"]]
                bad += wrong
                figures = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()) if count)
                print(f"{file:28} {mode:8} {time.monotonic() - began:5.1f} s  {figures or 'nothing'}", flush=True)
                for name, why in failed.items():
                    print(f"--- {name}\n{why}\n", flush=True)
                if result["trouble"] or options.verbose:
                    print(result["text"], flush=True)
    gone = {name.partition("::")[0] for name, _, _ in EXCLUDED} - {path for path in files}
    if not options.files and gone:
        bad += [f"no such file in the suite: {name} (exclusions.py)" for name in sorted(gone)]
    for why, count in sorted(skips.items()):
        print(f"the suite itself skipped {count}: {why}")
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(total.items()) if count))
    print("\n".join(bad) if bad else "all passed")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
