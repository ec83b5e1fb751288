"""One process of run.py: runs one file of pyzmq's suite under pytest.  `zmq` is gzmtp already (site/sitecustomize.py).

Its first argument is run.py's job as JSON, the rest are pytest's. How every test ended goes to a file, as lines of JSON.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from typing import Any

import pytest
from exclusions import reason_for, rows_for

JOB = json.loads(sys.argv[1])


class Plugin:
    """Takes out what is excluded, and notes how each test ended (at once: the next one may hang)."""

    def __init__(self) -> None:
        self.file = open(JOB["report"], "a", buffering=1)

    def note(self, **facts: Any) -> None:
        print(json.dumps(facts), file=self.file)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        names = {item: f"{item.path.name}::{item.nodeid.partition('::')[2]}" for item in items}
        out = {item for item in items if reason_for(names[item], JOB["mode"])}
        for row in rows_for(JOB["file"], JOB["mode"]):
            if not any(reason_for(name, JOB["mode"], row) for name in names.values()):
                self.note(stale=row)
        if not JOB["excluded"]:
            self.note(excluded=len(out))
        drop = [item for item in items if (item in out) != JOB["excluded"]]
        config.hook.pytest_deselected(items=drop)
        items[:] = [item for item in items if item not in drop]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed":
            self._ended(report)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.note(began=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self._ended(report)

    def _ended(self, report: Any) -> None:
        why = report.longreprtext
        if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
            why = report.longrepr[2]
        self.note(test=report.nodeid, outcome=report.outcome, why=why)


if __name__ == "__main__":
    # A copy of stderr, which pytest captures.  run.py ends a process that hangs by SIGABRT.
    faulthandler.enable(os.fdopen(os.dup(2), "w"))
    options = "-q --tb=short --no-summary -p no:cacheprovider -p no:faulthandler -p no:hypothesispytest".split()
    options += ["-c", f"{JOB['root']}/pytest.ini", "-W", "ignore::pytest.PytestConfigWarning"]
    sys.exit(pytest.main([*options, *sys.argv[2:]], plugins=[Plugin()]))
