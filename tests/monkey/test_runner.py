"""python -m gzmtp.monkey: what a program sees is what it sees without the runner."""

from __future__ import annotations

import py_compile
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT, Run

pytestmark = pytest.mark.gzmtp_only("it is about gzmtp.monkey")

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
        import multiprocessing, os, signal, sys, threading, time
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
            def remind():
                while True:  # gevent alone misses one SIGCHLD in fifty, and waits for ever
                    time.sleep(0.2)
                    os.kill(os.getpid(), signal.SIGCHLD)
            threading.Thread(target=remind, daemon=True).start()
            child.join()
            print(child.exitcode)
    """)
    done = run("-m", "gzmtp.monkey", *(("-m", "program") if by_name else ("program.py",)), how)
    assert (done.returncode, done.stdout) == (0, f"gzmtp gevent.hub ['{how}']\n0\n"), done.stderr


CLEAN = '''
    import multiprocessing, os, sys
    def work(end):
        from gevent import monkey
        end.send((monkey.is_module_patched("threading"), "zmq" in sys.modules, os.environ.get("GZMTP_PATCH_ZMQ")))
    if __name__ == "__main__":
        import zmq
        how = multiprocessing.get_context(sys.argv[1])
        ours, theirs = how.Pipe(duplex=False)
        child = how.Process(target=work, args=(theirs,))
        child.start()
        print(zmq.__name__, *ours.recv())
        os.kill(os.getpid(), 9)  # gevent may miss the child's end
'''


@pytest.mark.parametrize("how", ["spawn", "forkserver"])
@pytest.mark.parametrize("by", ["option", "environment"])
def test_children_may_be_left_alone(how: str, by: str, run: Run, script: Callable[..., str]) -> None:
    options = ["--no-children"] if by == "option" else []
    environment = {"GZMTP_PATCH_CHILDREN": "0"} if by == "environment" else {}
    done = run("-u", "-m", "gzmtp.monkey", *options, script(CLEAN), how, **environment)
    assert done.stdout == "gzmtp False False None\n", done.stderr


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_a_manager_can_be_used(how: str, run: Run, script: Callable[..., str]) -> None:
    """Its connections are gevent's sockets, which never block; more than one may wait at once."""
    name = script('''
        import multiprocessing, os, sys, threading
        import zmq
        if __name__ == "__main__":
            manager = multiprocessing.get_context(sys.argv[1]).Manager()
            queue, answers = manager.Queue(), manager.dict()
            def work(name):
                answers[name] = queue.get() * 100_000
            workers = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
            for worker in workers:
                worker.start()
            for _ in workers:
                queue.put("text")
            for worker in workers:
                worker.join()
            print(sorted((name, len(text)) for name, text in answers.items()))
            os.kill(manager._process.pid, 9)
            os.kill(os.getpid(), 9)  # gevent may miss the child's end
    ''')
    done = run("-u", "-m", "gzmtp.monkey", name, how)
    assert done.stdout == "[('a', 400000), ('b', 400000)]\n", done.stderr
