"""The programs of docs/how-to run as their pages say, with the packages that they are about.

Those are an extra (pip install '.[how-to]'); without them a test is skipped.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.waiting import eventually

pytestmark = [pytest.mark.gzmtp_only("they are gzmtp's how-tos"), pytest.mark.limit(90), pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "examples" / "how_to"
PAGES = ROOT / "docs" / "how-to"


def needs(*packages: str):
    missing = [each for each in packages if find_spec(each) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)} (the extra how-to)")


@pytest.fixture
def python(tmp_path):
    """python(*arguments, **environment): a running Python, where gzmtp is installed."""
    dist = tmp_path / "installed" / "gzmtp-0.dist-info"
    dist.mkdir(parents=True)
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: gzmtp\nVersion: 0\n")
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    points = setup["options.entry_points"]
    (dist / "entry_points.txt").write_text("\n".join(f"[{group}]{points[group]}" for group in points))
    made = []

    class Run:
        def __init__(self, arguments, environ):
            self._out = tempfile.TemporaryFile()
            kept = {key: value for key, value in os.environ.items() if not key.startswith("GZMTP_")}
            path = os.pathsep.join([str(dist.parent), str(ROOT)])
            self.process = subprocess.Popen(
                [sys.executable, *arguments], cwd=PROGRAMS, stdin=subprocess.DEVNULL, stdout=self._out, stderr=subprocess.STDOUT,
                env={**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", **environ},
            )  # fmt: skip

        @property
        def output(self):
            return os.pread(self._out.fileno(), 1 << 20, 0).decode(errors="replace")

        def until(self, text):
            eventually(lambda: text in self.output or self.process.poll() is not None, 30)
            assert text in self.output, self.output

        def end(self):
            eventually(lambda: self.process.poll() is not None, 60, f"the end of {self.process.args}: {self.output}")
            return self.process.returncode

    def run(*arguments, **environ):
        made.append(Run(arguments, environ))
        return made[-1]

    yield run
    for each in made:
        if each.process.poll() is None:
            each.process.send_signal(signal.SIGTERM)
            try:
                each.process.wait(10)
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()
        each._out.close()


@pytest.fixture
def echo(python):
    """A ZeroMQ service, from the command line; its endpoint."""
    run = python("-m", "gzmtp", "recv", "rep", "@tcp://127.0.0.1:*", "--echo", "--discard")
    run.until("bound to ")
    eventually(lambda: run.output.endswith("\n"))
    return run.output.split("bound to ")[1].split("\n")[0]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@needs("gunicorn", "packaging")
def test_gunicorn(python, echo, tmp_path):
    port = free_port()
    server = python("-m", "gunicorn", "-k", "gevent", "-w", "2", "-b", f"127.0.0.1:{port}", "--no-control-socket",
                    "gunicorn_application:application", GZMTP_PATCH_ZMQ="1", SERVICE=echo)  # fmt: skip
    eventually(lambda: listens(port) or server.process.poll() is not None, 30)
    assert get(f"http://127.0.0.1:{port}/path") == "/path (zmq is gzmtp)\n", server.output


@needs("locust")
@pytest.mark.parametrize("processes", [1, 2])
def test_locust(python, echo, processes):
    port = str(free_port())
    several = ["--processes", "2", "--master-bind-port", port, "--master-port", port]
    several = several if processes > 1 else []
    run = python("-m", "locust", "-f", "locustfile.py", "--headless", "-u", "4", "-r", "4", "-t", "4s", "--json", *several,
                 GZMTP_PATCH_ZMQ="1", SERVICE=echo)  # fmt: skip
    assert run.end() == 0, run.output
    (told,) = json.loads(re.search(r"^\[\s*\{.*?^\]", run.output, re.DOTALL | re.MULTILINE)[0])
    assert told["num_requests"] > 0 and told["num_failures"] == 0, run.output


@needs("zerorpc")
@pytest.mark.parametrize("client", ["gzmtp", pytest.param("pyzmq", marks=pytest.mark.interop)])
def test_zerorpc(python, client):
    where = f"tcp://127.0.0.1:{free_port()}"
    server = python("-m", "gzmtp.monkey", "zerorpc_server.py", where)
    server.until("serving")
    runner = ["-m", "gzmtp.monkey"] if client == "gzmtp" else []
    asks = python(*runner, "zerorpc_client.py", where)
    assert asks.end() == 0, asks.output + server.output
    assert "HELLO\n1 2 3 4 5\n" in asks.output


@needs("flask_socketio", "socketio", "requests")
def test_socketio(python):
    where, port = f"tcp://127.0.0.1:{free_port()}", free_port()
    python("-m", "gzmtp", "send", "pub", f"@{where}", "weather", "sunny", "--count", "0", "--rate", "20")
    server = python("-m", "gzmtp.monkey", "socketio_server.py", where, str(port))
    eventually(lambda: listens(port) or server.process.poll() is not None, 30)
    client = python("-c", f"""
import socketio, threading
client, heard = socketio.Client(), threading.Event()
client.on("weather", lambda text: (print("weather", text), heard.set()))
client.connect("http://127.0.0.1:{port}")
heard.wait(20)
client.disconnect()
""")
    assert client.end() == 0 and "weather sunny\n" in client.output, client.output + server.output


@needs("prometheus_client")
def test_prometheus(python):
    where, port = f"tcp://127.0.0.1:{free_port()}", free_port()
    python("-m", "gzmtp.monkey", "prometheus_server.py", where, str(port)).until("serving")
    asks = python("-m", "gzmtp", "send", "req", where, "x", "--count", "3")
    assert asks.end() == 0, asks.output
    told = get(f"http://127.0.0.1:{port}/metrics")
    assert 'gzmtp_messages_in_total{context="1",type="REP"} 3.0' in told


@needs("nacl")
def test_curve(python, tmp_path):
    for _ in range(2):  # the second time the keys are there
        run = python("curve_server.py", str(tmp_path / "keys"))
        assert (run.end(), run.output) == (0, "ann: HELLO\nstranger: no answer\n")


def test_broker(python):
    run = python("proxied_broker.py")
    assert run.end() == 0, run.output
    assert re.fullmatch(r"(job \d done by (ann|bob)\n){4}", run.output)


def test_every_program_has_its_page_and_its_test() -> None:
    pages = "".join(page.read_text() for page in PAGES.glob("*.md"))
    for path in PROGRAMS.glob("*.py"):
        assert f'--8<-- "examples/how_to/{path.name}"' in pages, path.name
        assert path.name.removesuffix(".py") in Path(__file__).read_text(), path.name


def test_pages_say_what_the_programs_say() -> None:
    """The commands stand in both."""
    for page in PAGES.glob("*.md"):
        text = page.read_text()
        for name in re.findall(r'--8<-- "(examples/how_to/\w+\.py)"', text):
            head = (ROOT / name).read_text().split('"""')[1]
            for command in re.findall(r"^    ((?:\w+=\w+ )?(?:python|gunicorn|locust) .*)$", head, re.MULTILINE):
                assert command in text, f"{page.name} does not have {command!r} of {name}"


def test_pages_install_what_is_tested() -> None:
    """The extra how-to has the packages that the pages install, word for word; gzmtp's extras are its own."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = {name: each.split() for name, each in setup["options.extras_require"].items()}
    named = set()
    for page in PAGES.glob("*.md"):
        for line in re.findall(r"^pip install (.*)$", page.read_text(), re.MULTILINE):
            for package in shlex.split(line, comments=True):
                ours = re.fullmatch(r"(?:gzmtp|\.)(?:\[(.+)\])?", package)
                if ours is None:
                    named.add(package)
                else:
                    named.update(extras[ours[1]] if ours[1] else ())
    assert named <= set(extras["how-to"])
