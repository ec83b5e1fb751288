"""The transcripts of docs/command-line.md are what a shell prints; only figures may differ."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.gzmtp_only("the command line is gzmtp's"), pytest.mark.limit(90)]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "command-line.md"
BLOCKS = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
FIGURE = re.compile(r"\b\d+(\.\d+)?( ?(us|ms|s|[kMG]?B|k|M))?(?=[\s,;:/)]|$)")


def script(block: str) -> tuple[str, list[str]]:
    """What is typed, and what is printed."""
    typed, printed = [], []
    for line in block.splitlines():
        if line.startswith(("$ ", "> ")):
            typed.append(line[2:])
        else:
            printed.append(line)
    return "\n".join(typed) + "\n", printed


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def normal(line: str) -> str:
    return FIGURE.sub("#", line.rstrip())


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_transcript(number: int, tmp_path: Path) -> None:
    typed, printed = script(BLOCKS[number])
    here = tmp_path / "here"
    here.mkdir()
    for port in set(re.findall(r"\b5[59]\d\d\b", typed)):
        typed = typed.replace(port, str(free_port()))
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / "python").chmod(0o755)
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GZMTP_")}
    environ |= {"PATH": f"{folder}:{environ['PATH']}", "PYTHONPATH": str(ROOT)}
    with (tmp_path / "output").open("w+") as output:
        subprocess.run(
            ["bash", "-c", f"set -m\n{typed}"], cwd=here, env=environ, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, timeout=40, check=False,
        )  # fmt: skip
        output.seek(0)
        lines = [line for line in output.read().splitlines() if not re.match(r"\[\d+\]", line)]
    # What runs in the background prints when it does.
    ports = re.compile(r"127\.0\.0\.1:\d+")
    expected = sorted(normal(ports.sub("127.0.0.1:N", line)) for line in printed)
    assert sorted(normal(ports.sub("127.0.0.1:N", line)) for line in lines) == expected


def test_every_command_is_shown() -> None:
    shown = set(re.findall(r"python -m gzmtp (\w+)", "\n".join(BLOCKS)))
    assert shown == {"send", "recv", "proxy", "bench", "ping"}


def test_the_statuses_are_those_of_the_help() -> None:
    from gzmtp.cli.endings import STATUSES

    assert re.findall(r"^  (\d+) ", STATUSES, re.MULTILINE) == re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE)
