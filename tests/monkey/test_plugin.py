"""gzmtp.monkey: gevent.monkey.patch_all() patches zmq too, if GZMTP_PATCH_ZMQ=1 asks for it."""

from __future__ import annotations

import configparser
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT, Run

pytestmark = pytest.mark.gzmtp_only("it is about gzmtp.monkey")

@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A directory that declares the entry points of setup.cfg, as an installation does."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    dist = tmp_path / "site" / "gzmtp-0.dist-info"
    dist.mkdir(parents=True)
    points = setup["options.entry_points"]
    (dist / "entry_points.txt").write_text("\n".join(f"[{group}]{points[group]}" for group in points))
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: gzmtp\nVersion: 0\n")
    return dist.parent


@pytest.mark.parametrize("value, patched", [(None, False), ("", False), ("0", False), ("1", True)])
def test_patch_all_patches_zmq_if_asked(
    value: str | None, patched: bool, run: Run, script: Callable[..., str], installed: Path
) -> None:
    name = script("""
        import gevent.monkey
        gevent.monkey.patch_all()
        import sys
        print("zmq" in sys.modules)
        if "zmq" in sys.modules:
            import zmq, gzmtp
            assert zmq is gzmtp
    """)
    environment = {} if value is None else {"GZMTP_PATCH_ZMQ": value}
    done = run("-W", "error", name, path=(installed,), **environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{patched}\n", "")


def test_console_scripts_are_declared() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = setup["options.entry_points"]["console_scripts"].split("\n")
    scripts = dict(map(str.strip, line.split("=")) for line in declared if line)
    assert set(scripts) == {"gzmtp", "gzmtp-monkey"}
    for target in scripts.values():
        module, _, name = target.partition(":")
        assert callable(getattr(__import__(module, fromlist=[name]), name))
