"""A raw data file that a kill -9 cannot spoil: one JSON object a line, each appended when it is known.

The first line says under which conditions the file was begun; going on under others is refused.
What was half written when the program ended is cut off. A later record of the same run takes the
place of an earlier one. A file whose name ends in ``.gz`` can be read, not gone on with.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class NotResults(Exception):
    """The file is not one of this program's, or belongs to other conditions."""


class Journal:
    """An open file, and what is in it."""

    def __init__(self, path: Path, key: Callable[[Record], Hashable]) -> None:
        self.path = path
        self.head: Record = {}
        self.versions: dict[str, str] = {}
        self._key = key
        self._records: dict[Hashable, Record] = {}
        self._file: int | None = None

    @classmethod
    def load(cls, path: Path, key: Callable[[Record], Hashable]) -> Journal:
        """Read a file; NotResults if it is none of this program's."""
        journal = cls(path, key)
        journal._read()
        return journal

    @classmethod
    def open(cls, path: Path, key: Callable[[Record], Hashable], head: Record) -> Journal:
        """Go on with the file where it exists under the same `head`, begin it where it does not."""
        journal = cls(path, key)
        whole = journal._read() if path.exists() and path.stat().st_size else 0
        # as it will be read again: tuples become lists
        head = json.loads(json.dumps(head))
        if whole:
            for name, value in head.items():
                if name != "began" and journal.head.get(name) != value:
                    raise NotResults(
                        f"{path} was begun under another {name!r}: name another file with --out,"
                        " or begin anew with --fresh"
                    )
        journal._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.ftruncate(journal._file, whole)
        if not whole:
            journal.head = head
            journal._append({"head": head})
        return journal

    def _read(self) -> int:
        """Take in the whole lines; how many bytes they are."""
        opened = gzip.open(self.path) if self.path.suffix == ".gz" else self.path.open("rb")
        with opened as file:
            data = file.read()
        whole = data.rfind(b"\n") + 1
        for number, line in enumerate(data[:whole].splitlines()):
            try:
                entry = json.loads(line)
                if number == 0:
                    self.head = entry["head"]
                elif "versions" in entry:
                    self.versions.update(entry["versions"])
                else:
                    self._records[self._key(entry)] = entry
            except (ValueError, KeyError, TypeError) as error:
                raise NotResults(
                    f"{self.path}, line {number + 1}, is not this program's: {error!r}"
                ) from error
        return whole

    @property
    def records(self) -> list[Record]:
        """The latest record of each run."""
        return list(self._records.values())

    def has(self, key: Hashable) -> bool:
        """Whether this run was made already, and went well."""
        return "error" not in self._records.get(key, {"error": ""})

    def add(self, record: Record) -> None:
        """Keep a record, in the file too."""
        self._records[self._key(record)] = record
        self._append(record)

    def note_versions(self, versions: dict[str, str]) -> None:
        """Keep what was measured, where that is news."""
        news = {name: text for name, text in versions.items() if self.versions.get(name) != text}
        if news:
            self.versions.update(news)
            self._append({"versions": news})

    def _append(self, entry: Record) -> None:
        assert self._file is not None, "the file was opened for reading"
        # one write, so that another process's kill leaves at most one line unfinished
        os.write(self._file, json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Give the descriptor back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
