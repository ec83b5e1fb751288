"""gzmtp.monkey: names, plug-in, runner. Every program runs in an interpreter of its own."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.gzmtp_only("it is about gzmtp.monkey")

ROOT = Path(__file__).parent.parent
SECONDS = 15

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """run(*arguments of python, path=(), **environment) in tmp_path, where gzmtp need not be installed."""

    def run(*arguments: str, path: tuple[Path, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("GZMTP_")}
        env["PYTHONPATH"] = os.pathsep.join(map(str, (*path, ROOT)))
        env.update(environment)
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """script(text, name): writes a program, and returns its name (relative to where run() runs)."""

    def write(text: str, name: str = "program.py") -> str:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text))
        return name

    return write


@pytest.fixture
def runs(run: Run, script: Callable[..., str]) -> Callable[..., str]:
    """runs(text, *arguments): what the program prints under `python -m gzmtp.monkey`; it must succeed."""

    def runs(text: str, *arguments: str, options: tuple[str, ...] = ()) -> str:
        done = run("-W", "error", "-m", "gzmtp.monkey", *options, script(text), *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return runs


# The names


@pytest.mark.parametrize(
    "name",
    """zmq zmq.constants zmq.error zmq.green zmq.backend zmq.sugar zmq.sugar.context zmq.sugar.socket zmq.sugar.poll
    zmq.sugar.frame zmq.sugar.tracker zmq.sugar.version zmq.sugar.stopwatch zmq.sugar.attrsettr zmq.decorators
    zmq.curve_keygen zmq.utils zmq.utils.jsonapi zmq.utils.strtypes zmq.utils.z85 zmq.utils.monitor
    zmq.utils.garbage zmq.utils.interop zmq.utils.win32 zmq.auth zmq.auth.base zmq.auth.certs zmq.auth.thread
    zmq.log zmq.log.handlers zmq.ssh zmq.ssh.tunnel zmq.ssh.forward zmq.devices zmq.devices.basedevice
    zmq.devices.monitoredqueue zmq.devices.monitoredqueuedevice zmq.devices.proxydevice
    zmq.devices.proxysteerabledevice zmq.green.core zmq.green.poll zmq.green.device""".split(),
)
def test_each_name_is_the_same_module(name: str) -> None:
    """Not in processes of their own, which would take a minute: the finder is asked directly."""
    import importlib

    from gzmtp import monkey

    target = "gzmtp" + name[len("zmq") :]
    spec = monkey._finder.find_spec(name, None)
    assert spec is not None and spec.loader is not None
    kept = {key: sys.modules.pop(key) for key in list(sys.modules) if key == name}
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        assert sys.modules.pop(name) is importlib.import_module(target)
        assert sys.modules[target].__spec__.name == target
    finally:
        sys.modules.update(kept)


def test_every_way_to_import(runs: Callable[..., str]) -> None:
    runs("""
        import sys, importlib, pickle
        import zmq, zmq.utils.jsonapi, zmq.green as green
        from zmq import constants, error
        from zmq.utils import strtypes
        from zmq.green import *
        assert Context is green.Context is not zmq.Context
        from zmq import *
        assert Context is zmq.Context
        from zmq.constants import *
        assert PUSH == zmq.PUSH == 8
        import gzmtp
        assert zmq is gzmtp and green is gzmtp.green and zmq.utils.jsonapi is gzmtp.utils.jsonapi
        assert sys.modules["zmq.green"] is green and sys.modules["zmq.utils.jsonapi"] is zmq.utils.jsonapi
        assert importlib.import_module("zmq.auth.thread") is importlib.import_module("gzmtp.auth.thread")
        assert importlib.util.find_spec("zmq.log.handlers")
        assert importlib.util.find_spec("zmq.no_such_thing" if 0 else "zmq")
        assert pickle.loads(b"czmq.error\\nZMQError\\n.") is zmq.ZMQError is error.ZMQError
        assert importlib.reload(zmq.utils.jsonapi) is zmq.utils.jsonapi is gzmtp.utils.jsonapi
        assert __import__("zmq.devices.proxydevice", fromlist=["x"]) is sys.modules["gzmtp.devices.proxydevice"]
    """)


def test_what_is_not_offered_is_refused_by_name(runs: Callable[..., str]) -> None:
    out = runs("""
        import importlib
        for name in ("zmq.asyncio", "zmq.eventloop.zmqstream", "zmq.green.eventloop", "zmq.auth.asyncio"):
            try:
                importlib.import_module(name)
            except ImportError as e:
                print(e)
        try:
            from zmq import asyncio
        except ImportError as e:
            print(e)
    """)
    lines = out.splitlines()
    named = ("zmq.asyncio", "zmq.eventloop", "zmq.green.eventloop", "zmq.auth.asyncio", "zmq.asyncio")
    for line, name in zip(lines, named, strict=True):
        assert line.startswith(f"{name} is not available: zmq is gzmtp in this process")
    assert "asyncio's loop" in lines[0] and "tornado's loop" in lines[1]


@pytest.mark.parametrize("name", ["zmq.no_such_thing", "zmq.wire", "zmq.utils.no_such_thing"])
def test_names_that_pyzmq_has_not(name: str, runs: Callable[..., str]) -> None:
    out = runs(f"""
        try:
            import {name}
        except ModuleNotFoundError as e:
            print(e.name, e)
    """)
    assert out == f"{name} No module named {name!r} (zmq is gzmtp in this process)\n"


def test_nothing_is_imported_before_it_is_asked_for(runs: Callable[..., str]) -> None:
    out = runs("""
        import sys, zmq
        print(*sorted(set(sys.modules) & {"zmq.ssh", "gzmtp.ssh", "gzmtp.auth.thread", "gzmtp.log", "gzmtp.devices", "ssl"}))
    """, options=("--no-ssl",))
    assert out == "\n"


def test_patching_twice_does_nothing(run: Run) -> None:
    done = run("-W", "error", "-c", """if 1:
        import sys
        from gzmtp.monkey import patch_zmq
        patch_zmq()
        import zmq.green
        before = dict(sys.modules), list(sys.meta_path)
        patch_zmq()
        assert before == (dict(sys.modules), sys.meta_path)
    """)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.interop
def test_after_the_real_zmq(run: Run, script: Callable[..., str]) -> None:
    pytest.importorskip("zmq")
    script("""
        import zmq
        import zmq.green as zg
        from zmq import Context, utils
        from zmq.utils import jsonapi
    """, "early.py")
    script("""
        import warnings
        import early, zmq as mine
        real = mine.Context
        import gzmtp.monkey
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            gzmtp.monkey.patch_zmq()
            gzmtp.monkey.patch_zmq()
        import gzmtp, zmq, zmq.utils.jsonapi
        assert zmq is gzmtp is mine is early.zmq and early.zg is gzmtp.green
        assert early.jsonapi is gzmtp.utils.jsonapi is zmq.utils.jsonapi
        assert early.Context is real is not zmq.Context
        for each in caught:
            print(each.category.__name__, each.filename, each.message)
    """)
    done = run("program.py")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith("RuntimeWarning ") and "program.py zmq was imported before" in line
    assert "(zmq, zmq._typing, zmq.backend," in line and "zmq.green" in line
    assert "mean gzmtp: __main__.mine, early.jsonapi, early.utils, early.zg, early.zmq." in line
    assert "real zmq: __main__.real, early.Context." in line


# The plug-in


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


def test_console_script_is_declared() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    module, _, name = setup["options.entry_points"]["console_scripts"].split("=")[1].strip().partition(":")
    assert callable(getattr(__import__(module, fromlist=[name]), name))


# The runner: what the program sees must be what it sees without the runner

SELF = """
    import sys, pickle, time, threading
    class Thing: pass
    assert sys.modules["__main__"].__dict__ is globals()
    assert type(pickle.loads(pickle.dumps(Thing()))) is Thing
    print(__name__, __file__, __package__, __spec__ and __spec__.name, sys.path[0], sys.argv)
    print(type(__builtins__), __loader__ is not None, globals().get("__cached__"), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("program.py", "one", "--no-such-option", "-m"),
        ("folder/program.py",),
        ("link.py",),
        ("folder", "one"),
        ("archive.zip", "one"),
        ("-m", "folder.program", "one"),
        ("-m", "folder", "one"),
    ],
    ids=" ".join,
)
def test_the_program_is_main(arguments: tuple[str, ...], run: Run, script: Callable[..., str], tmp_path: Path) -> None:
    for name in ("program.py", "folder/program.py", "folder/__main__.py"):
        script(SELF, name)
    (tmp_path / "link.py").symlink_to(tmp_path / "folder" / "program.py")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.write(tmp_path / "folder" / "__main__.py", "__main__.py")
    plain = run(*arguments)
    runner = run("-m", "gzmtp.monkey", *arguments)
    assert plain.returncode == 0, plain.stderr
    assert (runner.returncode, runner.stdout) == (0, plain.stdout), runner.stderr
    if "-m" not in arguments[:1]:
        assert runner.stderr == plain.stderr


def test_the_script_leaves_no_cache_behind(run: Run, script: Callable[..., str], tmp_path: Path) -> None:
    run("-m", "gzmtp.monkey", script("pass"))
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"]


def test_compiled_program(run: Run, script: Callable[..., str], tmp_path: Path) -> None:
    import py_compile

    py_compile.compile(str(tmp_path / script("print(__name__, __file__)")), str(tmp_path / "program.pyc"))
    done = run("-m", "gzmtp.monkey", "program.pyc")
    assert (done.stdout, done.stderr) == (f"__main__ {tmp_path / 'program.pyc'}\n", "")


def test_modules_of_zmq_can_be_run(run: Run) -> None:
    done = run("-W", "error", "-m", "gzmtp.monkey", "-m", "zmq.log", "--help")
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()


@pytest.mark.parametrize("options", [("-P",), ("-I",)], ids=" ".join)
def test_safe_path_is_kept(options: tuple[str, ...], run: Run, script: Callable[..., str], tmp_path: Path) -> None:
    if sys.version_info < (3, 11) and options == ("-P",):
        pytest.skip("Python 3.11's option")
    name = script("import sys; print(sys.path[0])")
    start = f"import sys; sys.path.append({str(ROOT)!r}); import gzmtp.monkey.runner as r; r.main([{name!r}])"
    assert run(*options, "-c", start).stdout.strip() != str(tmp_path)


def test_everything_is_patched(runs: Callable[..., str]) -> None:
    out = runs("""
        import time, threading, socket, os
        from gevent import monkey
        print(monkey.is_module_patched("threading"), monkey.is_module_patched("socket"), time.sleep.__module__)
        print(os.environ["GZMTP_PATCH_ZMQ"])
    """)
    assert out == "True True gevent.hub\n1\n"


@pytest.mark.parametrize(
    "options, patched",
    [
        (("--no-thread",), {"socket", "time"}),
        (("--no-thread", "--no-socket"), {"time"}),
        (("--time",), {"time"}),
        (("--time", "--thread", "--"), {"time", "threading"}),
    ],
)
def test_options_choose_what_is_patched(options: tuple[str, ...], patched: set[str], runs: Callable[..., str]) -> None:
    out = runs("""
        from gevent import monkey
        print(*(name for name in ("threading", "socket", "time") if monkey.is_module_patched(name)))
    """, options=options)
    assert set(out.split()) == patched


def test_verbose(run: Run, script: Callable[..., str]) -> None:
    done = run("-m", "gzmtp.monkey", "--verbose", "--no-ssl", script("print(1)"))
    assert done.stdout == "1\n"
    assert done.stderr == "gevent.monkey.patch_all(ssl=False); gzmtp.monkey.patch_zmq()\n"


def test_help(run: Run) -> None:
    done = run("-m", "gzmtp.monkey", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: python -m gzmtp.monkey" in done.stdout and "GZMTP_PATCH_ZMQ=1" in done.stdout
    assert "socket, dns, time" in done.stdout


@pytest.mark.parametrize(
    "arguments, status, said",
    [
        ((), 2, "no program is named"),
        (("-m",), 2, "no module is named"),
        (("--no-such",), 2, "unknown option --no-such"),
        (("-x", "program.py"), 2, "unknown option -x"),
        (("nowhere.py",), 2, "can't open file"),
        (("-m", "nowhere"), 1, "No module named nowhere"),
        (("-m", "nowhere.at.all"), 1, "No module named nowhere.at.all"),
        (("empty",), 1, "can't find '__main__' module in 'empty'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_mistakes_are_named(arguments: tuple[str, ...], status: int, said: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("-m", "gzmtp.monkey", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert f"python -m gzmtp.monkey: {said}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_package_that_lacks_something_says_what(run: Run, script: Callable[..., str]) -> None:
    script("import missing_thing", "package/__init__.py")
    script("pass", "package/program.py")
    done = run("-m", "gzmtp.monkey", "-m", "package.program")
    assert done.returncode == 1
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'missing_thing'\n")


def test_exit_status_and_traceback(run: Run, script: Callable[..., str]) -> None:
    assert run("-m", "gzmtp.monkey", script("raise SystemExit(7)")).returncode == 7
    done = run("-m", "gzmtp.monkey", script("def f():\n    1 / 0\nf()"))
    assert done.returncode == 1
    assert 'program.py", line 2, in f\n    1 / 0' in done.stderr


def test_globals_outlive_the_last_line(runs: Callable[..., str]) -> None:
    out = runs("""
        import atexit
        class Thing:
            def __del__(self):
                print("gone")
        thing = Thing()
        atexit.register(lambda: print("atexit", type(thing).__name__))
        print("last line")
    """)
    assert out == "last line\natexit Thing\ngone\n"


def test_greenlets_outlive_the_last_line(runs: Callable[..., str]) -> None:
    """A thread that is not a daemon runs on with the globals it needs, as in plain Python."""
    out = runs("""
        import threading, time
        word = "done"
        def work():
            time.sleep(0.05)
            print(word)
        threading.Thread(target=work).start()
    """)
    assert out == "done\n"


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("by_name", [False, True], ids=["script", "module"])
def test_children_of_multiprocessing(how: str, by_name: bool, run: Run, script: Callable[..., str]) -> None:
    script("""
        import multiprocessing, sys, time
        import zmq
        def work(end):
            end.send((zmq.__name__, time.sleep.__module__, sys.argv[1:]))
            end.close()
        if __name__ == "__main__":
            how = multiprocessing.get_context(sys.argv[1])
            ours, theirs = how.Pipe(duplex=False)
            child = how.Process(target=work, args=(theirs,))
            child.start()
            theirs.close()
            print(*ours.recv())
            child.join()
            print(child.exitcode)
    """)
    done = run("-m", "gzmtp.monkey", *(("-m", "program") if by_name else ("program.py",)), how)
    assert (done.returncode, done.stdout) == (0, f"gzmtp gevent.hub ['{how}']\n0\n"), done.stderr


# Messages: programs as people have them


def test_threads_that_block(runs: Callable[..., str]) -> None:
    """Blocking REP in a thread, blocking REQ in the main one, over inproc; a term() that ends the worker."""
    out = runs("""
        import threading
        import zmq
        context = zmq.Context.instance()
        def serve():
            socket = context.socket(zmq.REP)
            socket.bind("inproc://service")
            try:
                while True:
                    socket.send(socket.recv().upper())
            except zmq.ContextTerminated:
                socket.close(0)
                print("worker ended")
        worker = threading.Thread(target=serve)
        worker.start()
        client = context.socket(zmq.REQ)
        client.connect("inproc://service")
        for word in (b"one", b"two"):
            client.send(word)
            print(client.recv().decode())
        client.close()
        context.term()
        worker.join()
    """)
    assert out == "ONE\nTWO\nworker ended\n"


def test_real_threads_that_block(runs: Callable[..., str]) -> None:
    """The same with threads that are not patched: each has a hub of its own."""
    out = runs("""
        import threading
        import zmq
        context = zmq.Context()
        def serve(address):
            socket = context.socket(zmq.REP)
            socket.connect(address)
            socket.send(socket.recv().upper())
            socket.close()
        client = context.socket(zmq.REQ)
        port = client.bind_to_random_port("tcp://127.0.0.1")
        worker = threading.Thread(target=serve, args=("tcp://127.0.0.1:%d" % port,))
        worker.start()
        client.send(b"one")
        print(client.recv().decode())
        worker.join()
        context.destroy()
    """, options=("--no-thread",))
    assert out == "ONE\n"


def test_a_program_that_ends_right_after_send(run: Run, script: Callable[..., str]) -> None:
    script("""
        import sys
        import zmq
        socket = zmq.Context().socket(zmq.PUSH)
        socket.connect(sys.argv[1])
        socket.send(b"last words")
    """, "child.py")
    script("""
        import subprocess, sys
        import zmq
        socket = zmq.Context().socket(zmq.PULL)
        socket.rcvtimeo = 8000
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        child = subprocess.Popen([sys.executable, "-m", "gzmtp.monkey", "child.py", "tcp://127.0.0.1:%d" % port])
        print(socket.recv().decode())
        print(child.wait())
    """)
    done = run("-m", "gzmtp.monkey", "program.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "last words\n0\n", "")


def test_green_program(runs: Callable[..., str]) -> None:
    out = runs("""
        import gevent
        import zmq.green as zmq
        context = zmq.Context()
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        push.connect("tcp://127.0.0.1:%d" % pull.bind_to_random_port("tcp://127.0.0.1"))
        print(pull, push)
        def read():
            return [pull.recv_json() for _ in range(3)]
        reader = gevent.spawn(read)
        for number in range(3):
            push.send_json({"number": number})
            gevent.sleep(0)
        print(reader.get(timeout=5))
        pull.rcvtimeo = 10
        try:
            pull.recv()
        except zmq.Again as e:
            print(type(e).__module__ in ("zmq.error", "gzmtp.error"), e.errno == zmq.EAGAIN)
    """)
    assert out.splitlines()[1:] == ["[{'number': 0}, {'number': 1}, {'number': 2}]", "True True"]
    assert out.startswith("<zmq.green.Socket(zmq.PULL) ")


def test_ctrl_c_reaches_a_blocked_recv(script: Callable[..., str], tmp_path: Path) -> None:
    import signal

    name = script("""
        import zmq
        socket = zmq.Context().socket(zmq.PULL)
        socket.bind("inproc://nobody")
        print("waiting", flush=True)
        try:
            socket.recv()
        except KeyboardInterrupt:
            print("interrupted")
    """)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "gzmtp.monkey", name]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "waiting\n"
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=SECONDS)[0] == "interrupted\n"
        finally:
            process.kill()
    assert process.returncode == 0
