"""The raw data file: which machine, which program versions, which plan, and one record a run.

Nothing in it is a summary: every table is computed from it, and it can be computed again.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

from benchmarks.cells import Cell

FORMAT = 1
SAVE_EVERY = 10.0


class NotResults(Exception):
    """The file is not one of this program's, or belongs to other conditions."""


def machine() -> dict[str, Any]:
    """What a reader must know of the machine, and a resumed run must find again."""
    model = platform.processor()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "processor": model or platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


class Results:
    """Records in memory, saved now and then and at the end."""

    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data
        self._done = {self._key(record): i for i, record in enumerate(data["records"])}
        self._saved = time.monotonic()

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read a file; NotResults if it is none of ours."""
        try:
            data = json.loads(path.read_text())
        except ValueError as error:
            raise NotResults(f"{path} is not JSON: {error}") from error
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise NotResults(f"{path} does not hold results of this benchmark (format {FORMAT})")
        return cls(path, data)

    @classmethod
    def open(cls, path: Path, seconds: float) -> Results:
        """Go on with the file where it exists, begin it where it does not."""
        now = machine()
        if not path.exists():
            began = time.strftime("%Y-%m-%d")
            fresh = {
                "format": FORMAT,
                "began": began,
                "machine": now,
                "seconds": seconds,
                "versions": {},
                "records": [],
            }
            return cls(path, fresh)
        results = cls.load(path)
        if results.data["machine"] != now or results.data["seconds"] != seconds:
            raise NotResults(
                f"{path} was measured on another machine, Python, or with other --seconds;"
                " name another file with --out, or begin anew with --fresh"
            )
        return results

    @staticmethod
    def _key(record: dict[str, Any]) -> tuple[Cell, str, int]:
        return Cell.of(record), record["entrant"], record["round"]

    @property
    def records(self) -> list[dict[str, Any]]:
        """All records, in the order they were made."""
        records: list[dict[str, Any]] = self.data["records"]
        return records

    def has(self, cell: Cell, entrant: str, number: int) -> bool:
        """Whether this run was made already, and went well."""
        index = self._done.get((cell, entrant, number))
        return index is not None and "error" not in self.records[index]

    def add(self, record: dict[str, Any]) -> None:
        """Keep a record; one of a run that had failed before takes its place."""
        key = self._key(record)
        if key in self._done:
            self.records[self._done[key]] = record
        else:
            self._done[key] = len(self.records)
            self.records.append(record)
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, one record a line, so that it is never seen half written."""
        head = {key: value for key, value in self.data.items() if key != "records"}
        lines = ",\n".join("  " + json.dumps(record) for record in self.records)
        text = json.dumps(head, indent=1).removesuffix("\n}")
        beside = self.path.with_suffix(self.path.suffix + ".part")
        beside.write_text(f'{text},\n "records": [\n{lines}\n ]\n}}\n')
        beside.replace(self.path)
        self._saved = time.monotonic()
