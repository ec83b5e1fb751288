"""TLS's handshake over a connected kernel socket, and what it tells of the peer (RFC 8446, 5246).

Owns the order of its steps and how much of it one turn of the loop may take.  Must not know where
keys come from, nor what follows.
"""

from __future__ import annotations

import errno
import ssl
from typing import Any

from gzmtp.constants import Event
from gzmtp.error import ProtocolError
from gzmtp.hub.descriptors import READ, WRITE
from gzmtp.transports.tls_contexts import Security
from gzmtp.transports.tls_stream import TlsStream, failure

#: Bytes asked of the kernel at once, and taken in one turn of the loop.
_FEW, _TURN = 16384, 65536

VERSIONS = ("TLSv1.2", "TLSv1.3")
END = "the peer closed the connection during the TLS handshake"


class TlsHandshake:
    """One side of a TLS handshake (a `gzmtp.engine.stream.TransportHandshake`)."""

    rest = b""
    protocol: Any = None

    def __init__(self, sock: Any, security: Security) -> None:
        """OSError where it cannot even begin."""
        self.properties: dict[str, str] = {}
        self.credentials: tuple[bytes, ...] = ()
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._unsent = b""
        self._done = False
        try:
            self._tls = security.context().wrap_bio(
                self._incoming, self._outgoing, security.server, security.name
            )
        except (ssl.SSLError, ValueError) as error:
            raise OSError(errno.EPROTO, f"TLS: {error}") from error

    @property
    def stream(self) -> TlsStream:
        """The stream, once the handshake is done."""
        return TlsStream(self._sock, self._tls, self._incoming, self._outgoing)

    def step(self) -> int:
        """As `gzmtp.engine.stream.TransportHandshake.step`."""
        budget = _TURN
        while True:
            if not self._done:
                self._shake()
            self._unsent += self._outgoing.read()
            if self._unsent:
                try:
                    self._unsent = self._unsent[self._sock.send(self._unsent) :]
                except BlockingIOError:
                    return WRITE
                if self._unsent:
                    return WRITE
            if self._done:
                self._look_at_peer()
                return 0
            if budget <= 0:
                return READ
            try:
                data = self._sock.recv(_FEW)
            except BlockingIOError:
                return READ
            if not data:
                raise OSError(END)
            budget -= len(data)
            self._incoming.write(data)

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLCertVerificationError as error:
            self._warn()
            raise ProtocolError(
                f"TLS: the peer's certificate was refused: {error.verify_message}",
                Event.HANDSHAKE_FAILED_AUTH, 400,
            ) from error  # fmt: skip
        except ssl.SSLError as error:
            self._warn()
            raise failure(error) from error
        self._done = True

    def _warn(self) -> None:
        """Tell the peer what was wrong: an alert, if it can be sent at once."""
        try:
            self._sock.send(self._outgoing.read())
        except OSError:
            pass

    def _look_at_peer(self) -> None:
        tls = self._tls
        version = tls.version() or ""
        if version not in VERSIONS:  # a context of the user's may allow it
            raise OSError(errno.EPROTO, f"{version} is too old; TLS 1.2 is the least")
        self.properties["TLS-Version"] = version
        protocol = tls.selected_alpn_protocol()
        if protocol is not None:
            self.properties["TLS-ALPN"] = protocol
        certificate = tls.getpeercert()
        if certificate:  # and it was verified
            subject = subject_text(certificate.get("subject", ()))
            self.properties["TLS-Subject"] = subject
            self.credentials = (subject.encode(), tls.getpeercert(True) or b"")


def subject_text(subject: Any) -> str:
    """Return a certificate's subject in one line, the last part first: "CN=a,O=b" (RFC 4514)."""
    return ",".join(
        "+".join(f"{_SHORT.get(name, name)}={_escaped(value)}" for name, value in part)
        for part in reversed(subject)
    )


_SHORT = {
    "commonName": "CN", "localityName": "L", "stateOrProvinceName": "ST", "organizationName": "O",
    "organizationalUnitName": "OU", "countryName": "C", "streetAddress": "STREET",
    "domainComponent": "DC", "userId": "UID",
}  # fmt: skip


def _escaped(value: str) -> str:
    text = "".join(
        f"\\{letter}" if letter in ',+"\\<>;=' else "\\00" if letter == "\0" else letter
        for letter in value
    )
    if text.startswith(("#", " ")):
        text = "\\" + text
    if text.endswith(" ") and len(value) > 1:
        text = text[:-1] + "\\ "
    return text
