"""Every example runs, ends by itself, and prints what it promises."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.gzmtp_only("the examples import gzmtp")

ROOT = Path(__file__).parent.parent
SECONDS = 15

CLIENTS = "".join(rf"client {n}: 5 replies\n" for n in range(4))

# name: (arguments before it, arguments behind it, what it prints: its lines, sorted, as a regular expression)
EXAMPLES = {
    "request_reply": (
        [],
        [],
        "".join(rf"client {n}: {i} squared is {i * i}\n" for n in (1, 2, 3) for i in (1, 2, 3, 4))
        + r"impatient: no reply within 250 ms\n"
        + r"server: ended\n",
    ),
    "publish_subscribe": (
        [],
        [],
        r"cairo: 5 reports, warmest 32\n"
        r"oslo: 5 reports, warmest 15\n"
        r"rome: 5 reports, warmest 27\n"
        r"station: somebody wants cairo\n"
        r"station: somebody wants oslo\n"
        r"station: somebody wants rome\n",
    ),
    "pipeline": (
        [],
        [],
        r"20 tasks in 0\.\d\d s; one worker would need 1\.00 s\n" + "".join(rf"worker {n}: 5 tasks\n" for n in (1, 2, 3, 4)),
    ),
    "asyncio_pipeline": (
        [],
        [],
        r"20 tasks, 4 workers: the squares' sum is 2470\n" + r"a greenlet beside them: 10 turns\n",
    ),
    "broker": (
        [],
        [],
        "".join(rf"client{n}\.{i} done by worker[12]\n" for n in (1, 2, 3, 4) for i in (1, 2, 3))
        + r"worker1: \d+ requests; worker2: \d+ requests\n",
    ),
    "drafts": (
        [],
        [],
        "".join(rf"client {n}: HELLO FROM {n}\n" for n in (1, 2, 3)) + r"dish: news: nothing new\ndish: weather: rain\n",
    ),
    "large_stream": (
        [],
        ["--count", "50"],
        r"50 messages of 1048576 bytes: \d+ MB/s\n"
        r"sender:\n  messages_out +51\n  large_out +\d+\n  large_complete +\d+\n  large_partial +\d+\n"
        r"  large_blocked +\d+\n  writes_per_large +[\d.]+\n  waits +\d+\n  high_water_waits +\d+\n"
        r"receiver:\n  messages_in +51\n  reads +\d+\n  body_bytes_in +[\de.+]+\n  pauses +\d+\n",
    ),
    "legacy": (
        ["-m", "gzmtp.monkey"],
        [],
        rf"0\.\d s; one after the other: 1\.0 s\n20 requests answered by 3 workers\n{CLIENTS}"
        r"zmq is the package gzmtp, it says it is ZeroMQ 4\.\d+\.\d+\n",
    ),
    "tls": (
        [],
        [],
        r"CN=server 1 says: hello, CN=alice,O=example\n"
        r"CN=server 2 says: hello, CN=alice,O=example\n",
    ),
    "events_server": (
        [],
        ["--self-test"],
        r"all:  .*number \d+(, .* number \d+){3}\n"
        r"even: even number \d+(, even number \d+){2}\n"
        r"self-test passed\n",
    ),
}
# These lines come in one order only, and are not sorted.
ORDERED = {"large_stream", "events_server"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str) -> None:
    before, behind, promised = EXAMPLES[name]
    if name == "tls" and shutil.which("openssl") is None:
        pytest.skip("the program openssl is missing")
    env = {key: value for key, value in os.environ.items() if not key.startswith("GZMTP_")}
    env["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-W", "error", *before, str(ROOT / "examples" / f"{name}.py"), *behind]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    lines = done.stdout.splitlines(keepends=True)
    printed = "".join(lines if name in ORDERED else sorted(lines))
    assert re.fullmatch(promised, printed), printed


def test_no_example_is_forgotten() -> None:
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_head_says_how_to_run_it(name: str) -> None:
    text = (ROOT / "examples" / f"{name}.py").read_text()
    command = "python -m gzmtp.monkey" if name == "legacy" else "python"
    assert f"    {command} examples/{name}.py" in text.split('"""')[1]


@pytest.mark.interop
def test_the_legacy_program_needs_no_gzmtp() -> None:
    """On real pyzmq and libzmq it prints the same, so it is a program of that kind."""
    pytest.importorskip("zmq")
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "legacy.py")], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    printed = "".join(sorted(done.stdout.splitlines(keepends=True)))
    assert re.fullmatch(EXAMPLES["legacy"][2].replace("package gzmtp", "package zmq"), printed), printed


def test_the_readme_s_program() -> None:
    text = (ROOT / "README.md").read_text()
    program = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "gevent.spawn" in block)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=env, capture_output=True, text=True, timeout=SECONDS
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "b'HELLO'\n", "")
