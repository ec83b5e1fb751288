"""Who speaks ZWS besides gzmtp: Debian's libzmq, zeromq.js (another libzmq) and jszmq, if they are there.

`apt-get install python3-zmq nodejs npm` and `npm ci` in tests/interop/node bring them.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from support.peer import PROGRAM, LibzmqProcess

NODE = Path(__file__).with_name("node")
PYTHON = "/usr/bin/python3"
KINDS = ("debian", "zeromq.js", "jszmq")


def _succeeds(*command: str) -> bool:
    try:
        return not subprocess.run(command, cwd=NODE, capture_output=True, timeout=60).returncode
    except OSError:
        return False


@lru_cache
def missing(kind: str) -> str:
    """Why there is no such peer; empty if there is."""
    if kind == "debian":
        program = "import zmq; assert zmq.has('WS')"
        there = _succeeds(PYTHON, "-c", program)
        return "" if there else f"{PYTHON} has no zmq with ws (apt-get install python3-zmq)"
    if shutil.which("node") is None:
        return "node is not installed"
    name = kind.removesuffix(".js")
    if not (NODE / "node_modules" / name).exists():
        return "npm ci was not run in tests/interop/node"
    return "" if _succeeds("node", "-e", f"require('{name}')") else f"node cannot load {name}"


def start(kind: str) -> LibzmqProcess:
    if kind == "debian":
        return LibzmqProcess((PYTHON, str(PROGRAM)))
    return LibzmqProcess(("node", str(NODE / "peer.js"), kind.removesuffix(".js")))
