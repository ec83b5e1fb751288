"""The engines' settings (gzmtp.tuning)."""

from __future__ import annotations

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gzmtp as zmq
from gzmtp import Context
from gzmtp.tuning import Tuning

MOST = 256  # writes of one turn, all peers together


@pytest.mark.parametrize(
    ("short_run", "peers", "left"),
    [
        (16, 0, 16),
        (16, 1, 16),
        (16, 16, 16),
        (16, 17, 15),
        (16, 64, 4),
        (16, 128, 2),
        (16, 10_000, 2),
        (1, 10_000, 1),
        (0, 10_000, 0),
    ],
)
def test_fewer_messages_of_a_turn_leave_at_once_to_many(short_run, peers, left):
    assert Tuning(short_run=short_run).for_many(peers).short_run == left


@given(st.integers(0, 10_000), st.integers(0, 100_000))
def test_to_many_nothing_else_is_different(short_run, peers):
    tuning = Tuning(short_run=short_run, large_threshold=12345)
    many = tuning.for_many(peers)
    assert many.but(short_run=short_run) == tuning
    assert many.short_run <= short_run
    assert many.short_run * peers <= MOST or many.short_run <= 2


@pytest.mark.parametrize("field", [name for name in Tuning._fields if name != "strategy"])
def test_what_makes_no_sense_is_refused_by_name(field):
    with pytest.raises(ValueError, match=field):
        Tuning(**{field: -1})
    with pytest.raises(ValueError, match=field):
        Tuning(**{field: 1 << 80})
    with pytest.raises(ValueError, match=f"GZMTP_{field.upper()}"):
        Tuning.from_environ({f"GZMTP_{field.upper()}": "a lot"})


@pytest.mark.parametrize("field, least", [("receive_burst", 1), ("receive_extra", 0), ("read_spin", 0)])
def test_the_error_says_what_is_allowed(field, least):
    with pytest.raises(ValueError, match=f"{field} is -1, must be {least} or more"):
        Tuning(**{field: -1})
    assert getattr(Tuning(**{field: least}), field) == least


@pytest.mark.skipif(not hasattr(socket, "TCP_CONGESTION"), reason="the platform has no such option")
@pytest.mark.parametrize("paced", [True, False])
def test_connections_within_this_host_are_paced_only_if_so_wished(paced):
    def congestion_control(sock):
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")

    with socket.socket() as plain:
        systems = congestion_control(plain)
    with Context() as context:
        context.tuning = Tuning(pace_locally=paced)
        with context.socket(zmq.PAIR) as bound, context.socket(zmq.PAIR) as connected:
            port = bound.bind_to_random_port("tcp://127.0.0.1")
            connected.connect(f"tcp://127.0.0.1:{port}")
            for one, other in ((bound, connected), (connected, bound)):
                one.send(b"there")
                descriptor = other.recv(copy=False).get("__fd")
                with socket.socket(fileno=os.dup(int(descriptor))) as sock:
                    assert congestion_control(sock) == (systems if paced else b"reno")


def test_the_environment_says():
    said = {
        "GZMTP_STRATEGY": "sync_loop", "GZMTP_LARGE_THRESHOLD": "4096",
        "GZMTP_PAUSE_READING": "no", "GZMTP_WRITE_SPIN": "0", "GZMTP_UNKNOWN": "x",
    }  # fmt: skip
    assert Tuning.from_environ(said) == Tuning(
        strategy="sync_loop", large_threshold=4096, pause_reading=False, write_spin=0.0
    )
    assert Tuning.from_environ({}) == Tuning()
    for name, text in (("GZMTP_STRATEGY", "soon"), ("GZMTP_LARGE_THRESHOLD", "0")):
        with pytest.raises(ValueError, match=text):
            Tuning.from_environ({name: text})
