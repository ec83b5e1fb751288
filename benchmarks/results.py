"""The raw data file: which machine, which program versions, which plan, and one record a run.

Nothing in it is a summary: every table is computed from it, and it can be computed again.

What is measured is appended, run by run, to a second file beside it (NAME.tail), and goes into the
first when the program ends or is started the next time: a kill loses the run under way, no more.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from benchmarks.cells import Cell
from benchmarks.journal import Journal, NotResults

__all__ = ["NotResults", "Results", "machine"]

FORMAT = 1
DEFAULT_SECONDS = 0.5


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
    """Records in memory and in the tail; in the file itself after `save`."""

    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data
        self._places = {self._key(record): i for i, record in enumerate(data["records"])}
        self._tail: Journal | None = None

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read a file and its tail; NotResults if it is none of ours."""
        try:
            data = json.loads(path.read_text())
        except ValueError as error:
            raise NotResults(f"{path} is not JSON: {error}") from error
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise NotResults(f"{path} does not hold results of this benchmark (format {FORMAT})")
        results = cls(path, data)
        tail = tail_of(path)
        if tail.exists():
            journal = Journal.load(tail, cls._key)
            data["versions"].update(journal.versions)
            for record in journal.records:
                results._put(record)
        return results

    @classmethod
    def open(cls, path: Path, seconds: float | None) -> Results:
        """Go on with the file where it exists, begin it where it does not.

        Without `seconds`, a file's own are taken, or DEFAULT_SECONDS for a new one.
        """
        now = machine()
        if not path.exists():
            began = time.strftime("%Y-%m-%d")
            fresh = {
                "format": FORMAT,
                "began": began,
                "machine": now,
                "seconds": DEFAULT_SECONDS if seconds is None else seconds,
                "versions": {},
                "records": [],
            }
            results = cls(path, fresh)
            results.save()
            return results
        results = cls.load(path)
        if results.data["machine"] != now or seconds not in (None, results.seconds):
            raise NotResults(
                f"{path} was measured on another machine, Python, or with other --seconds;"
                " name another file with --out, or begin anew with --fresh"
            )
        if tail_of(path).exists():
            results.save()
        return results

    @staticmethod
    def delete(path: Path) -> None:
        """Remove the file and its tail, if they exist."""
        path.unlink(missing_ok=True)
        tail_of(path).unlink(missing_ok=True)

    @staticmethod
    def _key(record: dict[str, Any]) -> tuple[Cell, str, int]:
        return Cell.of(record), record["entrant"], record["round"]

    @property
    def records(self) -> list[dict[str, Any]]:
        """All records, in the order they were made."""
        records: list[dict[str, Any]] = self.data["records"]
        return records

    @property
    def seconds(self) -> float:
        """The length of one measurement, the same for all."""
        return float(self.data["seconds"])

    def has(self, cell: Cell, entrant: str, number: int) -> bool:
        """Whether this run was made already, and went well."""
        index = self._places.get((cell, entrant, number))
        return index is not None and "error" not in self.records[index]

    def _put(self, record: dict[str, Any]) -> None:
        place = self._places.setdefault(self._key(record), len(self.records))
        if place < len(self.records):
            self.records[place] = record
        else:
            self.records.append(record)

    def add(self, record: dict[str, Any], versions: dict[str, str] | None = None) -> None:
        """Keep a record, safe from a kill; one of a run that had failed before takes its place."""
        if self._tail is None:
            self._tail = Journal.open(tail_of(self.path), self._key, {"tail of": self.path.name})
        self.data["versions"].update(versions or {})
        self._tail.note_versions(versions or {})
        self._put(record)
        self._tail.add(record)

    def drop(self, cells: Collection[Cell], entrants: Collection[str]) -> int:
        """Forget what there is of these cells and entrants, in the file too; how many records."""
        kept = [
            record
            for record in self.records
            if Cell.of(record) not in cells or record["entrant"] not in entrants
        ]
        dropped = len(self.records) - len(kept)
        self.data["records"] = kept
        self._places = {self._key(record): i for i, record in enumerate(kept)}
        self.save()
        return dropped

    def save(self) -> None:
        """Write the file, one record a line, so that it is never seen half written."""
        head = {key: value for key, value in self.data.items() if key != "records"}
        lines = ",\n".join("  " + json.dumps(record) for record in self.records)
        text = json.dumps(head, indent=1).removesuffix("\n}")
        beside = self.path.with_name(self.path.name + ".part")
        beside.write_text(f'{text},\n "records": [\n{lines}\n ]\n}}\n')
        beside.replace(self.path)
        # only now: what is in both files counts once
        if self._tail is not None:
            self._tail.close()
            self._tail = None
        tail_of(self.path).unlink(missing_ok=True)


def tail_of(path: Path) -> Path:
    """Where what was measured last is, until it is in the file."""
    return path.with_name(path.name + ".tail")
