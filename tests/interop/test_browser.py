"""A browser as the peer: examples/dashboard in headless Chromium, driven by tests/interop/node/dashboard.js."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from . import ws_peers

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "examples" / "dashboard" / "server.py"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.gzmtp_only("the example imports gzmtp"),
    pytest.mark.limit(120),
]


def chromium() -> str:
    return shutil.which("chromium") or shutil.which("chromium-browser") or ""


def test_a_page_subscribes_draws_and_asks(tmp_path: Path) -> None:
    if shutil.which("node") is None or not (ws_peers.NODE / "node_modules" / "playwright-core").exists():
        pytest.skip("node, or npm ci in tests/interop/node, is missing")
    if not chromium():
        pytest.skip("chromium is not installed (apt-get install chromium)")
    picture = tmp_path / "dashboard.png"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, "-W", "error", str(SERVER), "--port", "0"],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[0]
        done = subprocess.run(
            ["node", "dashboard.js", url, str(picture), chromium()],
            cwd=ws_peers.NODE, capture_output=True, text=True, timeout=110,
        )  # fmt: skip
    finally:
        server.terminate()
        _, printed = server.communicate(timeout=10)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["errors"] == [] and seen["state"] == "connected"
    assert min(seen["drawn"].values()) > 50, "each subscribed topic's line is on the canvas"
    assert seen["before"] == seen["after"], "what was unsubscribed came no more"
    assert '"frequency": 1.2' in seen["reply"]
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 10_000
    assert printed == ""
