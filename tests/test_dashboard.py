"""examples/dashboard without a browser: the page is served, its data comes over ws, its requests are answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "examples" / "dashboard"

pytestmark = pytest.mark.gzmtp_only("the example imports gzmtp")


@pytest.fixture
def url():
    pytest.importorskip("wsproto")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", str(FOLDER / "server.py"), "--port", "0"]
    server = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield server.stdout.readline().split()[0]
    server.terminate()
    assert server.communicate(timeout=10)[1] == ""


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def test_what_the_page_needs(url: str, sockets) -> None:
    assert fetch(url) == (FOLDER / "page.html").read_text()
    assert fetch(url + "zws.js") == (FOLDER / "zws.js").read_text()
    ports = json.loads(fetch(url + "ports"))
    sub = sockets("SUB")
    sub.connect(f"ws://127.0.0.1:{ports['publisher']}")
    sub.subscribe("wave")
    topic, text = sub.recv_multipart()
    assert topic == b"wave" and -3 < json.loads(text)["value"] < 3
    req = sockets("REQ")
    req.connect(f"ws://127.0.0.1:{ports['replier']}")
    for request, reply in (
        ({"frequency": 2}, {"frequency": 2.0, "noise": 0.1}),
        ({"noise": 99}, {"frequency": 2.0, "noise": 5.0}),
        ({"port": 1}, {"error": "port can not be set"}),
    ):
        req.send_json(request)
        assert req.recv_json() == reply
    for nonsense in (b"", b"\xff", b"3", b"[]", b"null"):
        req.send(nonsense)
        assert "error" in req.recv_json()


def test_its_head_says_how_to_run_it() -> None:
    assert "    python examples/dashboard/server.py" in (FOLDER / "server.py").read_text().split('"""')[1]
