"""What every security mechanism offers the handshake, and the faults that they share.

A mechanism is one side of one security handshake: made anew for each connection, fed with the
bodies of the peer's commands, it returns framed commands to send.  It is independent of greetings,
framing of what comes in, or sockets; ZAP only as a question (`waiting`) and its answer (`admit`,
`deny`).  A change of phase swaps `receive`.

Where libzmq tells its monitor of a fault, the ProtocolError carries the same event and number;
where libzmq only disconnects, its event is 0.
"""

from __future__ import annotations

from collections.abc import Callable

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.wire import commands
from gzmtp.wire.zap import STATUSES, TEMPORARY, ZapRequest

#: Takes the peer's metadata and the number to fail with (0: without an event).
Accept = Callable[[bytes, int], None]


class Denied(ProtocolError):
    """The peer answered with ERROR: it is of no use to come back with the same credentials."""


class Mechanism:
    """One side of one security handshake."""

    name = ""
    as_server = False
    #: Whether peers older than ZMTP 3.0 may be served: they can not prove who they are.
    serves_legacy = False
    #: Whether nobody is let in without a ZAP handler.
    needs_handler = False

    def __init__(self) -> None:
        self.done = False
        #: Whether the peer still owes a command; what comes behind its last one is traffic.
        self.listening = True
        self.waiting: ZapRequest | None = None
        self.seal: Callable[[bytes], bytes] | None = None
        self.open: Callable[[bytes], bytes] | None = None
        self.receive: Callable[[bytes], bytes] = too_early
        #: Puts the body of a command into a frame: the handshake's, where ZMTP's does not do.
        self.frame: Callable[[bytes], bytes] = commands.frame
        self._metadata = b""
        self._accept: Accept

    def begin(self, metadata: bytes, accept: Accept) -> bytes:
        """Start with our *metadata*; return what is sent behind the greeting."""
        self._metadata = metadata
        self._accept = accept
        return self._begin()

    def _begin(self) -> bytes:
        raise NotImplementedError

    def admit(self) -> bytes:
        """Go on: ZAP let the peer in, or nobody was there to ask."""
        self.waiting = None
        return self._admit()

    def _admit(self) -> bytes:
        raise NotImplementedError

    def deny(self, status: str) -> bytes:
        """End it: return the ERROR to send; none at a temporary failure (300)."""
        self.waiting = None
        return b"" if status == TEMPORARY else self.frame(self._error(status.encode("ascii")))

    def _error(self, status: bytes) -> bytes:
        return commands.encode(commands.ERROR, commands.encode_error(status))

    def _finish(self) -> None:
        self.done = True
        self.listening = False
        self.receive = too_early


def command(name: bytes) -> bytes:
    """Return how the body of the command *name* begins."""
    return commands.encode(name)


def failure(code: int, text: str) -> ProtocolError:
    """Return the error for a handshake that the peer spoilt."""
    return ProtocolError(text, Event.HANDSHAKE_FAILED_PROTOCOL, code)


def unexpected(body: bytes) -> ProtocolError:
    """Return the error for a command that has no place here."""
    return failure(
        Event.PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND, f"unexpected command {body[:10]!r}"
    )


def too_early(body: bytes) -> bytes:
    """Refuse a command from a peer whose turn it is not."""
    raise failure(Event.PROTOCOL_ERROR_ZMTP_UNSPECIFIED, f"command {body[:10]!r} out of turn")


def check_structure(body: bytes) -> None:
    """Refuse what is no command at all: no name, or one longer than the frame."""
    if len(body) <= 1 or len(body) <= body[0]:
        raise failure(
            Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED,
            f"malformed command {body[:10]!r}",
        )


def refusal(data: bytes) -> ProtocolError:
    """Return the error for an ERROR command with *data* behind its name."""
    reason = commands.parse_error(data)
    if reason is None:
        return failure(Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR, "malformed ERROR")
    text = f"the peer refused: {reason.decode('utf-8', 'replace')}"
    if reason in STATUSES and reason != b"200":
        return Denied(text, Event.HANDSHAKE_FAILED_AUTH, int(reason))
    return Denied(text)
