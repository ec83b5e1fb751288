"""CURVE where PyNaCl is not installed: refused where it is asked for, with what to install."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.gzmtp_only("libzmq has no extras")

PUBLIC, SECRET = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
OPTIONS = {
    "curve_server": 1,
    "curve_secretkey": SECRET,
    "curve_publickey": PUBLIC,
    "curve_serverkey": PUBLIC,
}


@pytest.fixture(autouse=True, params=["absent", "broken"])
def no_nacl(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "absent":
        monkeypatch.setitem(sys.modules, "nacl", None)
    else:
        nacl = pytest.importorskip("nacl", reason="PyNaCl is not installed")
        monkeypatch.delattr(nacl, "bindings", raising=False)
        monkeypatch.setitem(sys.modules, "nacl.bindings", None)


@pytest.fixture
def refused(zmq):
    """refused(call, ...): each raises ZMQError(ENOTSUP), and says what to install."""

    def check(*calls):
        for call in calls:
            with pytest.raises(zmq.ZMQError, match=r"gzmtp\[curve\]") as failure:
                call()
            assert failure.value.errno == zmq.ENOTSUP

    return check


def test_it_is_told(zmq, refused):
    assert not zmq.has("curve")
    refused(zmq.curve_keypair, lambda: zmq.curve_public(SECRET))


@pytest.mark.parametrize("name", OPTIONS)
def test_its_options_are_refused(zmq, sockets, refused, name):
    socket, number, value = sockets("REP"), getattr(zmq, name.upper()), OPTIONS[name]
    refused(lambda: socket.set(number, value), lambda: setattr(socket, name, value))
    assert socket.mechanism == zmq.NULL
    if name == "curve_server":
        socket.curve_server = False  # that can be had without


def test_wrong_values_are_wrong_first(zmq, sockets):
    socket = sockets("REP")
    with pytest.raises(TypeError):
        socket.curve_server = b"x"
    with pytest.raises(TypeError):
        socket.curve_secretkey = 5


def test_a_socket_that_was_to_have_it_is_not_an_open_one(zmq, context, refused):
    context.curve_server = 1
    refused(lambda: context.socket(zmq.REP))
    assert repr(context).startswith(f"<zmq.Context() at {hex(id(context))}")
    del context.curve_server


def test_what_has_nothing_to_do_with_it_works(zmq, sockets, bind):
    a, b = sockets("REP"), sockets("REQ")
    b.connect(bind(a))
    b.send(b"x")
    assert a.recv() == b"x"
