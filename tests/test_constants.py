"""gzmtp.constants: the enums agree with the plain names, and both with pyzmq's."""

from __future__ import annotations

import errno
from enum import Enum, IntFlag

import pytest

from gzmtp import constants

pytestmark = pytest.mark.gzmtp_only("it imports gzmtp's own modules")

ENUMS = [
    value
    for value in vars(constants).values()
    if isinstance(value, type) and issubclass(value, int) and value.__module__ == constants.__name__
]
PREFIXES = {"RouterNotify": "NOTIFY_", "NormMode": "NORM_", "ReconnectStop": "RECONNECT_STOP_"}


def plain_name(enum: type[Enum], name: str) -> str:
    if enum.__name__ == "Event":
        return name if name.startswith("PROTOCOL_ERROR_") else f"EVENT_{name}"
    return PREFIXES.get(enum.__name__, "") + name


def test_plain_names_are_the_members() -> None:
    for enum in ENUMS:
        for name, member in enum.__members__.items():
            assert getattr(constants, plain_name(enum, name)) is member


def test_aliases_and_own_numbers() -> None:
    assert constants.IDENTITY is constants.ROUTING_ID
    assert constants.XREQ is constants.DEALER
    assert constants.NOBLOCK is constants.DONTWAIT
    assert constants.EAGAIN == errno.EAGAIN
    assert constants.EHOSTUNREACH == errno.EHOSTUNREACH
    assert constants.ETERM == 156384765
    assert constants.LINGER._opt_type is constants._OptType.int
    assert constants.MAXMSGSIZE._opt_type is constants._OptType.int64


def test_star_import_leaks_nothing() -> None:
    assert not [name for name in constants.__all__ if name.startswith("_")]
    assert "PUSH" in constants.__all__ and "SocketOption" in constants.__all__


def test_same_as_pyzmq() -> None:
    theirs = pytest.importorskip("zmq.constants", reason="pyzmq is not installed")
    assert sorted(constants.__all__) == sorted(theirs.__all__)
    for enum in ENUMS:
        other = getattr(theirs, enum.__name__)
        assert list(enum.__members__) == list(other.__members__)
        for name, member in enum.__members__.items():
            twin = other[name]
            assert (member.value, repr(member), str(member), member.name) == (
                twin.value,
                repr(twin),
                str(twin),
                twin.name,
            )
            if enum is constants.SocketOption:
                assert member._opt_type.name == twin._opt_type.name
    for name in theirs.__all__:
        value = getattr(theirs, name)
        if not isinstance(value, type):
            assert getattr(constants, name) == value
            assert type(getattr(constants, name)).__name__ == type(value).__name__


@pytest.mark.parametrize("other", [0, 1, 3, 64, constants.PollEvent.POLLOUT, True])
@pytest.mark.parametrize("member", [constants.PollEvent.POLLIN, constants.Flag.SNDMORE])
def test_operators_of_flags_give_what_int_flag_gives(member, other):
    """They are ours, since Enum's take a microsecond."""
    for ours, theirs in ((member & other, IntFlag.__and__(member, other)),
                         (member | other, IntFlag.__or__(member, other)),
                         (int(other) & member, IntFlag.__rand__(member, int(other))),
                         (int(other) | member, IntFlag.__ror__(member, int(other)))):  # fmt: skip
        assert ours == theirs
        assert type(ours) is type(theirs)
        assert repr(ours) == repr(theirs)
    with pytest.raises(TypeError):
        member & "1"
    with pytest.raises(TypeError):
        member | 1.0
