"""Arrays and other objects with a buffer: what is sent of them, and what is refused with which error."""

from __future__ import annotations

import array
from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")
pytestmark = pytest.mark.parametrize("transport", ["inproc", "tcp"], indirect=True)

LARGE = 200_000

SENT = {
    "numbers": lambda: np.arange(3),
    "large": lambda: np.arange(LARGE),
    "no dimension": lambda: np.array(3.0),
    "empty": lambda: np.zeros((0, 3)),
    "Fortran": lambda: np.asfortranarray(np.arange(6).reshape(2, 3)),
    "large Fortran": lambda: np.asfortranarray(np.arange(LARGE).reshape(2, -1)),
    "read-only": lambda: np.frombuffer(b"abc", "u1"),
    "big-endian": lambda: np.arange(2, dtype=">i2"),
    "text": lambda: np.array(["ab", "c"]),
    "records": lambda: np.array([(1, 2.0)], "i4,f4"),
    "half": lambda: np.array([1], "f2"),
    "array": lambda: array.array("d", [1, 2]),
    "a shaped view": lambda: memoryview(bytes(range(6))).cast("B", (2, 3)),
    "bytearray": lambda: bytearray(b"abc"),
}
TIMES = {
    "datetime64": lambda: np.array(["2020", "2021"], "M8[s]"),
    "datetime64, no dimension": lambda: np.array("2020", "M8[s]"),
    "timedelta64": lambda: np.array([[1], [2]], "m8[ms]"),
    "Fortran's datetime64": lambda: np.asfortranarray(np.arange(6).reshape(2, 3).astype("M8[s]")),
    "large datetime64": lambda: np.arange(LARGE).astype("M8[s]"),
}
GAPS = {
    "a step": lambda: np.arange(5)[::2],
    "backwards": lambda: np.arange(5)[::-1],
    "columns": lambda: np.arange(6).reshape(2, 3)[:, :2],
    "one row thrice": lambda: np.broadcast_to(np.arange(3), (3, 3)),
    "large": lambda: np.arange(2 * LARGE)[::2],
}


def content(data: Any) -> bytes:
    """In the order of the memory."""
    return data.tobytes("A") if isinstance(data, np.ndarray) else bytes(memoryview(data).cast("B"))


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("make", SENT.values(), ids=SENT)
def test_what_is_sent(zmq, pair_of, make, copy):
    a, b = pair_of("PAIR", "PAIR")
    data = make()
    a.send(data, copy=copy)
    a.send_multipart([b"x", data], copy=copy)
    a.send(zmq.Frame(data))
    whole = content(data)
    assert (b.recv(), b.recv_multipart(), b.recv()) == (whole, [b"x", whole], whole)


@pytest.mark.parametrize("make", TIMES.values(), ids=TIMES)
def test_times(zmq, pair_of, make):
    """Their owner lends their memory, and cannot say what is in it."""
    a, b = pair_of("PAIR", "PAIR")
    data = make()
    a.send(data)
    a.send(zmq.Frame(data))
    a.send(zmq.Frame(data, copy=True))
    assert [b.recv(), b.recv(), b.recv()] == [content(data)] * 3
    with pytest.raises(ValueError):
        a.send(data, copy=False)
    with pytest.raises(TypeError, match="Frame 0"):
        a.send_multipart([data])


@pytest.mark.parametrize("make", GAPS.values(), ids=GAPS)
def test_gaps_are_refused(zmq, pair_of, make):
    a, b = pair_of("PAIR", "PAIR")
    data = make()
    for call in (
        lambda: a.send(data),
        lambda: zmq.Frame(data),
        lambda: zmq.Frame(data, copy=True),
        lambda: a.send_multipart([data]),
    ):
        with pytest.raises(ValueError, match="contiguous"):
            call()
    with pytest.raises(ValueError if data.nbytes > zmq.COPY_THRESHOLD else BufferError):
        a.send(data, copy=False)
    with pytest.raises(BufferError):
        a.send(memoryview(b"abcdef")[::2])
    a.send(b"next")
    assert b.recv() == b"next"


def test_times_with_gaps_are_refused(zmq, pair_of):
    a, b = pair_of("PAIR", "PAIR")
    data = np.arange(6).astype("M8[s]").reshape(2, 3)[:, :2]
    for call in (lambda: a.send(data), lambda: zmq.Frame(data), lambda: a.send(data, copy=False)):
        with pytest.raises(ValueError):
            call()
    a.send(b"next")
    assert b.recv() == b"next"


@pytest.mark.parametrize("data", [None, 5, 1.5, [b"x"], {}], ids=repr)
def test_what_has_no_buffer(zmq, pair_of, data):
    a, b = pair_of("PAIR", "PAIR")
    with pytest.raises(TypeError, match="^a bytes-like object is required"):
        a.send(data)
    with pytest.raises(TypeError, match="a bytes-like object is required"):
        a.send(data, copy=False)
    with pytest.raises(TypeError):
        a.send_multipart([data])
    a.send(b"next")
    assert b.recv() == b"next"
