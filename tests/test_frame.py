"""gzmtp.frame: Frame and MessageTracker behave as pyzmq's."""

from __future__ import annotations

import array
import copy
import gc
import pickle
import subprocess
import sys
import threading
import weakref
from typing import Any

import gevent
import pytest
from gevent.event import Event

from gzmtp.buffers import flat
from gzmtp.error import NotDone, ZMQError
from gzmtp.frame import _FINISHED_TRACKER, Frame, Message, MessageTracker
from gzmtp.pipe import Body

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")


def outcome(call: Any, *args: Any) -> Any:
    try:
        return call(*args)
    except Exception as error:
        return type(error).__name__, str(error).split(":")[0]


class Matrix:
    """Memory that is not flat bytes."""

    columns = memoryview(bytes(range(6))).cast("B", (2, 3))


CONTENTS = [
    b"",
    b"abc",
    b"x" * 20,
    bytearray(b"mutable"),
    memoryview(b"view")[1:3],
    array.array("i", [1, 2, 3]),
    Matrix.columns,
    memoryview(b""),
]


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: type(content).__name__)
@pytest.mark.parametrize("copied", [True, False, None])
def test_content(content: Any, copied: bool | None) -> None:
    frame = Frame(content, copy=copied)
    expected = bytes(memoryview(content))
    assert frame.bytes == bytes(frame) == frame.buffer.tobytes() == expected
    assert memoryview(frame).tobytes() == expected
    assert len(frame) == len(expected)
    assert frame.bytes is frame.bytes
    assert frame.buffer is frame.buffer
    assert frame.buffer.ndim == memoryview(frame).ndim == 1


def test_as_pyzmq() -> None:
    zmq = pytest.importorskip("zmq", reason="pyzmq is not installed")
    sizes = [0, 1, 16, 17, 999, 1000, 2000, 2**20, 2_000_000]
    for size in sizes:
        mine, theirs = Frame(b"x" * size), zmq.Frame(b"x" * size, copy=True)
        assert repr(mine) == str(mine) == repr(theirs)
    for bad in (5, object(), "text", memoryview(bytearray(10))[::2]):
        theirs = outcome(zmq.Frame, bad)
        assert outcome(Frame, bad)[0] == theirs[0]
    mine, theirs = Frame(b"abc"), zmq.Frame(b"abc")
    for name in (1, 2, 3, 99, "User-Id", b"User-Id", None):
        assert outcome(mine.get, name) == outcome(theirs.get, name), name
    for name in ("more", "tracker", "tracker_event", "MORE", "SHARED", "foo", "linger", "SRCFD"):
        assert outcome(getattr, mine, name) == outcome(getattr, theirs, name), name
    for option, value in ((1, 1), (99, 1), ("x", 1)):
        assert outcome(mine.set, option, value) == outcome(theirs.set, option, value)
    assert outcome(setattr, mine, "foo", 1)[0] == outcome(setattr, theirs, "foo", 1)[0]
    assert mine != Frame(b"abc") and mine != b"abc" and mine == mine
    assert not Frame()


def test_not_copied_unless_asked() -> None:
    memory = bytearray(b"abcd")
    shared, copied, small = Frame(memory, copy=False), Frame(memory, copy=True), Frame(memory)
    large = Frame(memory, copy_threshold=4)
    memory[0] = ord("X")
    assert [bytes(f.buffer) for f in (shared, copied, small, large)] == [
        b"Xbcd", b"abcd", b"abcd", b"Xbcd",
    ]  # fmt: skip
    data = b"as it is"
    assert Frame(data).bytes is data


def test_threshold_is_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    import gzmtp

    monkeypatch.setattr(gzmtp, "COPY_THRESHOLD", 2, raising=False)
    memory = bytearray(b"ab")
    frame = Frame(memory)
    memory[0] = 0
    assert frame.bytes == b"\0b"


def test_buffer_is_lent_with_its_life() -> None:
    frame = Frame(b"content")
    view = memoryview(frame)
    gone = weakref.ref(frame)
    del frame
    assert view.tobytes() == b"content"
    assert view.readonly
    del view
    gc.collect()
    assert gone() is None
    assert pickle.loads(Frame(pickle.dumps([1, 2]))) == [1, 2]
    writable = Frame(bytearray(b"abc"), copy=False)
    memoryview(writable)[0] = ord("X")
    assert bytes(writable) == b"Xbc"

    class Mine(Frame):
        pass

    assert memoryview(Mine(b"sub")).tobytes() == b"sub"
    assert repr(Mine(b"s")).endswith(".Mine(b's')>")
    with pytest.raises((TypeError, BufferError, SystemError)):
        __import__("io").BytesIO(b"zz").readinto(Frame(b"read only"))


def test_received() -> None:
    frame = Frame._received(b"body", True, {"User-Id": "anne", "Socket-Type": "PUSH"}, track=True)
    assert frame.more is True and frame.get(1) == 1
    assert frame["User-Id"] == frame.get(b"User-Id") == "anne"
    assert frame.tracker is _FINISHED_TRACKER
    assert frame._part() == b"body"
    with pytest.raises(ZMQError, match="no property 'Peer-Address'"):
        frame["Peer-Address"]
    assert Message is Frame


def test_drafts() -> None:
    frame = Frame(b"")
    assert (frame.routing_id, frame.group) == (0, "")
    frame.routing_id = 7
    frame.group = "sports"
    assert (frame["routing_id"], frame["group"]) == (7, "sports")
    frame.group = b"news"
    assert frame.group == "news"
    for name, value, error in (
        ("routing_id", 0, ZMQError),
        ("routing_id", 2**32, OverflowError),
        ("routing_id", "x", TypeError),
        ("group", "x" * 256, ZMQError),
    ):
        with pytest.raises(error):
            setattr(frame, name, value)


def test_copies_share() -> None:
    frame = Frame(bytearray(b"abc"), copy=False, track=True)
    for twin in (copy.copy(frame), frame.fast_copy()):
        assert twin.tracker is frame.tracker
        assert twin.bytes == b"abc"
        assert twin._data is frame._data


def test_tracker_of_a_frame() -> None:
    frame = Frame(b"data", copy=False, track=True)
    tracker = MessageTracker(frame)
    part = frame._part()
    twin = copy.copy(frame)
    assert isinstance(part, Body)
    assert not tracker.done
    del frame, twin
    gc.collect()
    assert not tracker.done, "a queue still has it"
    with pytest.raises(NotDone):
        tracker.wait(0.01)
    del part
    gc.collect()
    assert tracker.done
    assert tracker.wait() is None
    tracker.wait(0)


def test_when_frames_are_tracked() -> None:
    assert Frame(b"x").tracker is None
    assert Frame(b"x", track=True).tracker is _FINISHED_TRACKER
    assert Frame(b"x" * 70000, track=True, copy=True).tracker is _FINISHED_TRACKER
    large = Frame(b"x" * 70000, track=True)
    assert large.tracker is not None and not large.tracker.done
    with pytest.raises(ValueError, match="Not a tracked message"):
        MessageTracker(Frame(b"x"))
    with pytest.raises(TypeError, match="Require Events or Message Frames"):
        MessageTracker(5)
    assert _FINISHED_TRACKER.done


def test_waiting_blocks_one_greenlet() -> None:
    event = Event()
    tracker = MessageTracker(MessageTracker(event), _FINISHED_TRACKER)
    waiters = [gevent.spawn(tracker.wait, 5) for _ in range(3)]
    gevent.spawn(event.set)
    gevent.joinall(waiters, timeout=5, raise_error=True)
    assert all(waiter.successful() for waiter in waiters)


def test_event_may_come_from_another_thread() -> None:
    """While nothing at all happens in this one."""
    event = Event()
    timer = threading.Timer(0.02, event.set)
    timer.start()
    with gevent.Timeout(5):
        MessageTracker(event).wait()
    timer.join()


def test_threading_events() -> None:
    event = threading.Event()
    tracker = MessageTracker(event)
    assert not tracker.done
    waiting = gevent.spawn(tracker.wait, 5)
    gevent.sleep(0)
    event.set()
    waiting.get(timeout=5)
    assert tracker.done


def test_several_events_share_one_timeout() -> None:
    tracker = MessageTracker(Event(), Event())
    with gevent.Timeout(1), pytest.raises(NotDone):
        tracker.wait(0.02)
    with pytest.raises(NotDone):
        tracker.wait(0)


IN_A_CYCLE = """
import gc, sys
from gzmtp.frame import Frame
sys.unraisablehook = lambda what: print(f"{what.exc_value!r} in {what.object!r}")
class Node: pass
for lend in (lambda frame: frame.buffer, lambda frame: frame.buffer[1:],
             lambda frame: (frame, frame.buffer), memoryview if sys.argv[1:] else Frame.buffer.fget):
    for order in (0, 1):
        early = Node()
        lent = lend(Frame._received(bytes(100_000), False, {}))
        node = early if order else Node()
        node.itself, node.lent = node, lent
        del early, lent, node
        gc.collect()
print("done")
"""


def test_what_a_frame_lends_may_be_kept_in_a_reference_cycle() -> None:
    """Python's collector may complain of, or even crash by, a BytesIO in a cycle: not a program of ours."""
    frame = Frame._received(bytes(10), False, {})
    try:
        lends = [str(len(memoryview(frame)))]
    except TypeError:  # PyPy's classes cannot
        lends = []
    done = subprocess.run(
        [sys.executable, "-c", IN_A_CYCLE, *lends], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    frame = Frame._received(bytes(10), False, {})
    view = frame.buffer
    del frame
    gc.collect()
    view[0] = 7  # which outlives its frame
    assert view[0] == 7


def test_flat() -> None:
    data = b"itself"
    assert flat(data) is data
    assert bytes(flat(bytearray(b"abc"))) == b"abc"
    assert flat(array.array("i")) == b""
    with pytest.raises(TypeError):
        flat("text")
    with pytest.raises(BufferError):
        flat(memoryview(b"abcd")[::2])
    numpy = pytest.importorskip("numpy", reason="numpy is not installed")
    rows = numpy.arange(6).reshape(2, 3)
    assert bytes(flat(rows)) == rows.tobytes()
    assert bytes(flat(rows.T)) == rows.tobytes()
    assert numpy.frombuffer(Frame(rows), rows.dtype).tolist() == [0, 1, 2, 3, 4, 5]
