"""CURVE: who the peer is, proven, and everything sealed (RFC 25 and 26, CurveZMQ).

Both sides have a permanent key pair (client C, server S) and make a transient one for each
connection (C', S').  The client proves C with a vouch that only the holder of its secret key can
make, the server S by opening what was boxed for it.  Every box has a nonce of its own; the short
ones count up in one row through the whole connection, and what does not is refused.

The cryptography is PyNaCl's (libsodium), an optional extra: it is imported when a side is made.
Key arguments are 32 raw bytes.  In a sealed message, as libzmq has it, the first byte has the
flags MORE (1) and COMMAND (2).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from struct import Struct
from typing import Any

from gzmtp.constants import Event
from gzmtp.wire import commands
from gzmtp.wire.mechanisms import (
    Mechanism,
    check_structure,
    command,
    failure,
    refusal,
    too_early,
    unexpected,
)
from gzmtp.wire.zap import ZapRequest

_HELLO = command(b"HELLO")
_WELCOME = command(b"WELCOME")
_INITIATE = command(b"INITIATE")
_READY = command(commands.READY)
_ERROR = command(commands.ERROR)
_MESSAGE = command(b"MESSAGE")

_HELLO_SIZE = 200
_WELCOME_SIZE = 168
_INITIATE_SIZE = 257  # without metadata
_READY_SIZE = 30  # without metadata
_MESSAGE_SIZE = 33  # without content: name, nonce, authenticator, flags

_KEY = 32
_CURVE_VERSION = b"\1\0"
_PADDING = bytes(72)  # makes HELLO larger than WELCOME: no amplification
_SIGNATURE = bytes(64)

_BY_CLIENT = b"CurveZMQMESSAGEC"
_BY_SERVER = b"CurveZMQMESSAGES"

_pack_nonce = Struct(">Q").pack
_unpack_nonce = Struct(">Q").unpack_from

Seal = Callable[[bytes], bytes]


class _Sodium:
    """PyNaCl's functions, under the names of RFC 26's boxes."""

    def __init__(self) -> None:
        try:
            from nacl import bindings, exceptions
        except ImportError as error:
            raise ImportError("CURVE needs PyNaCl: pip install gzmtp[curve]") from error
        self.error: type[Exception] = exceptions.CryptoError
        self.keypair: Callable[[], tuple[bytes, bytes]] = bindings.crypto_box_keypair
        self.public: Callable[[bytes], bytes] = bindings.crypto_scalarmult_base
        self.box: Any = bindings.crypto_box
        self.open_box: Any = bindings.crypto_box_open
        self.secret_box: Any = bindings.crypto_secretbox
        self.open_secret_box: Any = bindings.crypto_secretbox_open
        self.shared: Any = bindings.crypto_box_beforenm
        # The variants without padding copy less; PyNaCl has them since 1.6.
        self.box_shared: Any = getattr(
            bindings, "crypto_box_easy_afternm", bindings.crypto_box_afternm
        )
        self.open_shared: Any = getattr(
            bindings, "crypto_box_open_easy_afternm", bindings.crypto_box_open_afternm
        )


def available() -> bool:
    """Return whether PyNaCl is installed."""
    try:
        _Sodium()
    except ImportError:
        return False
    return True


def keypair() -> tuple[bytes, bytes]:
    """Return a fresh public and secret key."""
    return _Sodium().keypair()


def public_key(secret_key: bytes) -> bytes:
    """Return the public key that belongs to *secret_key*."""
    return _Sodium().public(secret_key)


def _crypto_failure(what: str) -> Exception:
    return failure(Event.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, what)


def _out_of_sequence() -> Exception:
    return failure(
        Event.PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE, "a CURVE nonce that does not count up"
    )


class _Curve(Mechanism):
    """What both sides do."""

    name = "CURVE"

    def __init__(self, *keys: bytes) -> None:
        super().__init__()
        for key in keys:
            if len(key) != _KEY:
                raise ValueError(f"a CURVE key has {_KEY} bytes, not {len(key)}")
        self._sodium = _Sodium()
        self._public, self._secret = self._sodium.keypair()
        self._shared = b""
        self._counter = count(1)
        self._peer_nonce = -1

    def _nonce(self) -> bytes:
        return _pack_nonce(next(self._counter))

    def _heard(self, short_nonce: bytes) -> bytes:
        """Check the peer's short nonce against its last one; return it."""
        number: int = _unpack_nonce(short_nonce)[0]
        if number <= self._peer_nonce:
            raise _out_of_sequence()
        self._peer_nonce = number
        return short_nonce

    def _guard(self, what: str, operation: Callable[..., bytes], *args: bytes) -> bytes:
        try:
            return operation(*args)
        except self._sodium.error as error:
            raise _crypto_failure(what) from error

    def _connect(self, ours: bytes, theirs: bytes) -> None:
        """Seal and open from now on, under the nonce prefixes *ours* and *theirs*."""
        self.seal = _sealer(self._sodium, self._shared, ours, self._counter)
        self.open = _opener(self._sodium, self._shared, theirs, self._peer_nonce)
        self._finish()


class CurveClient(_Curve):
    """The side that knows the server's public key."""

    def __init__(self, public_key: bytes, secret_key: bytes, server_key: bytes) -> None:
        super().__init__(public_key, secret_key, server_key)
        self._keys = public_key, secret_key
        self._server_key = server_key
        self._transient_server_key = b""
        self.receive = self._welcome

    def _begin(self) -> bytes:
        nonce = self._nonce()
        signature = self._guard(
            "no box can be made for the server key", self._sodium.box,
            _SIGNATURE, b"CurveZMQHELLO---" + nonce, self._server_key, self._secret,
        )  # fmt: skip
        pieces = _HELLO, _CURVE_VERSION, _PADDING, self._public, nonce, signature
        return self.frame(b"".join(pieces))

    def _welcome(self, body: bytes) -> bytes:
        self._check_error(body)
        if not body.startswith(_WELCOME):
            raise unexpected(body)
        if len(body) != _WELCOME_SIZE:
            raise _crypto_failure("malformed CURVE WELCOME")
        opened = self._guard(
            "the WELCOME does not open", self._sodium.open_box,
            body[24:], b"WELCOME-" + body[8:24], self._server_key, self._secret,
        )  # fmt: skip
        self._transient_server_key = opened[:_KEY]
        self._shared = self._guard(
            "a weak server key", self._sodium.shared, self._transient_server_key, self._secret
        )
        self.receive = self._ready
        return self._initiate(opened[_KEY:])

    def _initiate(self, cookie: bytes) -> bytes:
        public, secret = self._keys
        vouch_nonce = os.urandom(16)
        vouch = self._guard(
            "no vouch can be made", self._sodium.box,
            self._public + self._server_key, b"VOUCH---" + vouch_nonce,
            self._transient_server_key, secret,
        )  # fmt: skip
        nonce = self._nonce()
        box = self._sodium.box_shared(
            b"".join((public, vouch_nonce, vouch, self._metadata)),
            b"CurveZMQINITIATE" + nonce, self._shared,
        )  # fmt: skip
        return self.frame(b"".join((_INITIATE, cookie, nonce, box)))

    def _ready(self, body: bytes) -> bytes:
        self._check_error(body)
        if not body.startswith(_READY):
            raise unexpected(body)
        if len(body) < _READY_SIZE:
            raise failure(
                Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY, "malformed CURVE READY"
            )
        opened = self._guard(
            "the READY does not open", self._sodium.open_shared,
            body[14:], b"CurveZMQREADY---" + self._heard(body[6:14]), self._shared,
        )  # fmt: skip
        self._accept(opened, Event.PROTOCOL_ERROR_ZMTP_INVALID_METADATA)
        self._connect(_BY_CLIENT, _BY_SERVER)
        return b""

    def _check_error(self, body: bytes) -> None:
        if body.startswith(_ERROR):
            raise refusal(body[len(_ERROR) :])


class CurveServer(_Curve):
    """The side that may have a ZAP handler judge the client's key (*zap*)."""

    as_server = True

    def __init__(self, secret_key: bytes, zap: bool = True) -> None:
        super().__init__(secret_key)
        self._permanent = secret_key
        self._zap = zap
        self._cookie_key = os.urandom(_KEY)
        self._client = b""  # its transient key
        self.receive = self._hello

    def _begin(self) -> bytes:
        return b""

    def _hello(self, body: bytes) -> bytes:
        check_structure(body)
        if not body.startswith(_HELLO):
            raise unexpected(body)
        if len(body) != _HELLO_SIZE or body[6:8] != _CURVE_VERSION:
            raise failure(
                Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO, "malformed CURVE HELLO"
            )
        self._client = body[80:112]
        opened = self._guard(
            "the HELLO does not open: made for another server key?", self._sodium.open_box,
            body[120:], b"CurveZMQHELLO---" + self._heard(body[112:120]),
            self._client, self._permanent,
        )  # fmt: skip
        if opened != _SIGNATURE:
            raise _crypto_failure("the signature of the HELLO is not of zeros")
        self.receive = self._initiate
        return self._welcome()

    def _welcome(self) -> bytes:
        cookie_nonce = os.urandom(16)
        cookie = self._sodium.secret_box(
            self._client + self._secret, b"COOKIE--" + cookie_nonce, self._cookie_key
        )
        nonce = os.urandom(16)
        box = self._guard(
            "a weak client key", self._sodium.box,
            b"".join((self._public, cookie_nonce, cookie)), b"WELCOME-" + nonce,
            self._client, self._permanent,
        )  # fmt: skip
        return self.frame(b"".join((_WELCOME, nonce, box)))

    def _initiate(self, body: bytes) -> bytes:
        check_structure(body)
        if not body.startswith(_INITIATE):
            raise unexpected(body)
        if len(body) < _INITIATE_SIZE:
            raise failure(
                Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE, "malformed CURVE INITIATE"
            )
        self._check_cookie(body[9:25], body[25:105])
        self._shared = self._guard(
            "a weak client key", self._sodium.shared, self._client, self._secret
        )
        opened = self._guard(
            "the INITIATE does not open", self._sodium.open_shared,
            body[113:], b"CurveZMQINITIATE" + self._heard(body[105:113]), self._shared,
        )  # fmt: skip
        client_key = opened[:_KEY]
        self._check_vouch(client_key, opened[32:48], opened[48:128])
        self._accept(opened[128:], 0)
        self.receive = too_early
        if not self._zap:
            return self._admit()
        self.waiting = ZapRequest(self.name, (client_key,))
        return b""

    def _check_cookie(self, nonce: bytes, cookie: bytes) -> None:
        opened = self._guard(
            "the cookie does not open", self._sodium.open_secret_box,
            cookie, b"COOKIE--" + nonce, self._cookie_key,
        )  # fmt: skip
        if opened != self._client + self._secret:
            raise _crypto_failure("the cookie is not of this connection")
        self._cookie_key = b""

    def _check_vouch(self, client_key: bytes, nonce: bytes, vouch: bytes) -> None:
        opened = self._guard(
            "the vouch does not open", self._sodium.open_box,
            vouch, b"VOUCH---" + nonce, client_key, self._secret,
        )  # fmt: skip
        if opened != self._client + self._sodium.public(self._permanent):
            raise failure(
                Event.PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE, "the vouch is for another connection"
            )

    def _admit(self) -> bytes:
        nonce = self._nonce()
        box = self._sodium.box_shared(self._metadata, b"CurveZMQREADY---" + nonce, self._shared)
        self._connect(_BY_SERVER, _BY_CLIENT)
        return self.frame(b"".join((_READY, nonce, box)))


def _sealer(sodium: _Sodium, shared: bytes, prefix: bytes, counter: count[int]) -> Seal:
    box = sodium.box_shared
    following = counter.__next__

    def seal(payload: bytes) -> bytes:
        """Return the body of a MESSAGE with *payload*: flags and content."""
        nonce = _pack_nonce(following())
        return b"".join((_MESSAGE, nonce, box(payload, prefix + nonce, shared)))

    return seal


def _opener(sodium: _Sodium, shared: bytes, prefix: bytes, last: int) -> Seal:
    open_box = sodium.open_shared
    broken = sodium.error

    def unseal(body: bytes) -> bytes:
        """Return the payload of the MESSAGE *body*: flags and content."""
        nonlocal last
        check_structure(body)
        if not body.startswith(_MESSAGE):
            raise unexpected(body)
        if len(body) < _MESSAGE_SIZE:
            raise failure(
                Event.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE, "malformed CURVE MESSAGE"
            )
        number: int = _unpack_nonce(body, 8)[0]
        if number <= last:
            raise _out_of_sequence()
        try:
            payload: bytes = open_box(body[16:], prefix + body[8:16], shared)
        except broken as error:
            raise _crypto_failure("a MESSAGE does not open") from error
        last = number
        return payload

    return unseal
