"""gzmtp.error: classes, texts and pickling, held against pyzmq's."""

from __future__ import annotations

import pickle
from errno import EINTR, EINVAL
from typing import Any

import pytest

from gzmtp import error
from gzmtp.constants import EAGAIN, EFSM, EHOSTUNREACH, ETERM, Errno, Event

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")

MAKERS = [
    lambda m: m.ZMQError(EINVAL),
    lambda m: m.ZMQError(EINVAL, "a sentence"),
    lambda m: m.ZMQError(EFSM),
    lambda m: m.ZMQError(EHOSTUNREACH),
    lambda m: m.ZMQError("only text"),
    lambda m: m.Again(),
    lambda m: m.Again(EINVAL, "ignored"),
    lambda m: m.ContextTerminated(),
    lambda m: m.NotDone("late"),
    lambda m: m.ZMQBindError("no port"),
    lambda m: m.ZMQVersionError("5.0", "it"),
]


def facts(exception: BaseException) -> tuple[Any, ...]:
    bases = [base.__name__ for base in type(exception).__mro__]
    return (
        bases,
        str(exception),
        repr(exception),
        getattr(exception, "errno", None),
        getattr(exception, "strerror", None),
    )


@pytest.mark.parametrize("make", MAKERS)
def test_as_pyzmq(make: Any) -> None:
    theirs = pytest.importorskip("zmq.error", reason="pyzmq is not installed")
    assert facts(make(error)) == facts(make(theirs))


@pytest.mark.parametrize("make", [*MAKERS, lambda m: m.error_for(EAGAIN, "why"),
                                  lambda m: m.ProtocolError("odd", 1, 2)])  # fmt: skip
def test_pickle(make: Any) -> None:
    exception = make(error)
    copy = pickle.loads(pickle.dumps(exception))
    assert facts(copy) == facts(exception)
    assert vars(copy) == vars(exception)


def test_names_and_texts_as_pyzmq() -> None:
    zmq = pytest.importorskip("zmq", reason="pyzmq is not installed")
    assert error.__all__ == zmq.error.__all__
    for number in [0, 99999, *Errno]:
        assert error.strerror(number) == zmq.strerror(number)


@pytest.mark.parametrize(
    "number, kind",
    [
        (EAGAIN, error.Again),
        (ETERM, error.ContextTerminated),
        (EINTR, error.InterruptedSystemCall),
        (EINVAL, error.ZMQError),
    ],
)
def test_error_for(number: int, kind: type[error.ZMQError]) -> None:
    made = error.error_for(number)
    assert type(made) is kind
    assert made.errno == number
    assert made.strerror == error.strerror(number)
    assert "sentence" in str(error.error_for(number, "a sentence"))
    with pytest.raises(kind) as caught:
        error.raise_for(number)
    assert type(caught.value) is kind


def test_raise_for_zero_and_last_number() -> None:
    error.raise_for(0)
    error.ZMQError(EFSM)
    assert error.zmq_errno() == EFSM
    assert error.ZMQError().errno == EFSM


def test_interrupted_is_an_interrupted_error() -> None:
    with pytest.raises(InterruptedError):
        raise error.InterruptedSystemCall()


def test_version_check() -> None:
    error._check_version((4, 1))
    with pytest.raises(error.ZMQVersionError, match="it requires libzmq >= 9.0, have 4.3.5"):
        error._check_version((9, 0), "it")


def test_protocol_error() -> None:
    made = error.ProtocolError(
        "nonsense",
        event=Event.HANDSHAKE_FAILED_PROTOCOL,
        code=Event.PROTOCOL_ERROR_ZMTP_UNSPECIFIED,
    )
    assert str(made) == "nonsense"
    assert made.event == 0x2000 and made.code == 0x10000000
    assert error.ProtocolError("bare").event == 0
    assert not isinstance(made, error.ZMQBaseError)
