"""Authenticator: answers ZAP requests by rules that a program sets (RFC 27).

Owns the rules and the verdict. It is independent of who runs it: somebody receives requests from
``zap_socket`` and hands them to ``handle_zap_message`` (:mod:`gzmtp.auth.thread`, for one).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable
from typing import Any, NamedTuple

from gzmtp.auth.certs import load_certificates
from gzmtp.constants import REP
from gzmtp.context import Context
from gzmtp.socket import Socket
from gzmtp.wire import z85

__all__ = ["Authenticator", "CURVE_ALLOW_ANY"]

CURVE_ALLOW_ANY = "*"
VERSION = b"1.0"
_ENDPOINT = "inproc://zeromq.zap.01"
_CREDENTIALS = {b"PLAIN": 2, b"CURVE": 1, b"GSSAPI": 1}


class _Request(NamedTuple):
    """A ZAP request, without the version."""

    request_id: bytes
    domain: str
    address: str
    identity: bytes
    mechanism: bytes
    credentials: list[bytes]


class Authenticator:
    """Decides who may connect to the servers of a context.

    Until rules are set, NULL connections are let in, PLAIN and CURVE ones are not.

    :param context: the context whose servers ask; the global one by default.
    :param encoding: of user names and passwords.
    :param log: a logger, "zmq.auth" by default.
    """

    def __init__(
        self, context: Context[Any] | None = None, encoding: str = "utf-8", log: Any = None
    ) -> None:
        self.context: Any = context or Context.instance()
        self.encoding = encoding
        self.allow_any = False
        self.credentials_providers: dict[str, Any] = {}
        self.zap_socket: Any = None
        self._allowed: set[str] = set()
        self._denied: set[str] = set()
        #: domain -> user name -> password
        self.passwords: dict[str, dict[str, str]] = {}
        #: domain -> public key in Z85 -> True
        self.certs: dict[str, dict[bytes, Any]] = {}
        self.log = log or logging.getLogger("zmq.auth")

    def start(self) -> None:
        """Open the socket that servers ask at."""
        self.zap_socket = self.context.socket(REP, socket_class=Socket)
        self.zap_socket.linger = 1
        self.zap_socket.bind(_ENDPOINT)
        self.log.debug("Starting")

    def stop(self) -> None:
        """Close that socket."""
        if self.zap_socket is not None:
            self.zap_socket.close()
        self.zap_socket = None

    # Rules

    def allow(self, *addresses: str) -> None:
        """Let these IP addresses go on (NULL ones come in, others still have to prove who they
        are) and no others. It excludes deny()."""
        if self._denied:
            raise ValueError("Only use allow or deny, not both")
        self.log.debug("Allowing %s", ",".join(addresses))
        self._allowed.update(addresses)

    def deny(self, *addresses: str) -> None:
        """Refuse these IP addresses; all others may go on. It excludes allow()."""
        if self._allowed:
            raise ValueError("Only use a allow or deny, not both")
        self.log.debug("Denying %s", ",".join(addresses))
        self._denied.update(addresses)

    def configure_plain(self, domain: str = "*", passwords: dict[str, str] | None = None) -> None:
        """Let PLAIN users of *domain* in who know their password (user name -> password)."""
        if passwords:
            self.passwords[domain] = passwords
        self.log.debug("Configure plain: %s", domain)

    def configure_curve(self, domain: str = "*", location: str | os.PathLike[str] = ".") -> None:
        """Let CURVE clients of *domain* in whose public key is in the directory *location*.

        To be called again when its files have changed. CURVE_ALLOW_ANY in place of a directory
        lets every key in.
        """
        self.log.debug("Configure curve: %s[%s]", domain, location)
        self.allow_any = location == CURVE_ALLOW_ANY
        if self.allow_any:
            return
        try:
            self.certs[domain] = load_certificates(location)
        except Exception as error:
            self.log.error("Failed to load CURVE certs from %s: %s", location, error)

    def configure_curve_callback(self, domain: str = "*", credentials_provider: Any = None) -> None:
        """Let CURVE clients of *domain* in for whose key (in Z85)
        ``credentials_provider.callback(domain, key)`` is true."""
        self.allow_any = False
        if credentials_provider is None:
            self.log.error("None credentials_provider provided for domain:%s", domain)
        else:
            self.credentials_providers[domain] = credentials_provider

    def configure_gssapi(self, domain: str = "*", location: str | None = None) -> None:
        """Nothing: there is no GSSAPI."""

    def curve_user_id(self, client_public_key: bytes) -> str:
        """The User-Id of a CURVE client that is let in: its key in Z85, unless overridden."""
        return z85.encode(client_public_key).decode("ascii")

    # Verdicts

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        """Answer one request. It waits only if a credentials provider's callback does."""
        if len(msg) < 6:
            self.log.error("Invalid ZAP message, not enough frames: %r", msg)
            if len(msg) < 2:
                self.log.error("Not enough information to reply")
            else:
                self._send_zap_reply(msg[1], b"400", b"Not enough frames")
            return
        version, request_id, domain, address, identity, mechanism, *credentials = msg
        if version != VERSION:
            self.log.error("Invalid ZAP version: %r", msg)
            self._send_zap_reply(request_id, b"400", b"Invalid version")
            return
        request = _Request(
            request_id,
            domain.decode(self.encoding, "replace"),
            address.decode(self.encoding, "replace"),
            identity,
            mechanism,
            credentials,
        )
        self.log.debug(  # not the credentials: a PLAIN client's are its password
            "version: %r, request_id: %r, domain: %r, address: %r, identity: %r, mechanism: %r",
            version,
            *request[:-1],
        )
        user_id = "anonymous"
        allowed, reason = self._judge_address(request.address)
        if not reason:  # who is not refused for his address has yet to prove who he is
            if mechanism == b"NULL":
                allowed = True
                self.log.debug("ALLOWED (NULL)")
            elif mechanism in _CREDENTIALS:
                if len(credentials) != _CREDENTIALS[mechanism]:
                    name = mechanism.decode()
                    self.log.error("Invalid %s credentials: %r", name, credentials)
                    self._send_zap_reply(request_id, b"400", b"Invalid credentials")
                    return
                allowed, reason, user_id = await self._authenticate(request)
        if allowed:
            self._send_zap_reply(request_id, b"200", b"OK", user_id)
        else:
            self._send_zap_reply(request_id, b"400", reason or b"NO ACCESS")

    async def _authenticate(self, request: _Request) -> tuple[bool, bytes, str]:
        """(allowed, why not, User-Id)."""
        first = request.credentials[0]
        if request.mechanism == b"PLAIN":
            name, password = (c.decode(self.encoding, "replace") for c in request.credentials)
            return (*self._authenticate_plain(request.domain, name, password), name)
        if request.mechanism == b"CURVE":
            allowed, reason = await self._authenticate_curve(request.domain, first)
            return allowed, reason, self.curve_user_id(first) if allowed else ""
        return (*self._authenticate_gssapi(request.domain, first), first.decode("utf8"))

    def _judge_address(self, address: str) -> tuple[bool, bytes]:
        """(allowed by its address alone, why it is refused)."""
        if self._allowed:
            if address in self._allowed:
                self.log.debug("PASSED (allowed) address=%s", address)
                return True, b""
            self.log.debug("DENIED (not allowed) address=%s", address)
            return False, b"Address not allowed"
        if self._denied:
            if address in self._denied:
                self.log.debug("DENIED (denied) address=%s", address)
                return False, b"Address denied"
            self.log.debug("PASSED (not denied) address=%s", address)
            return True, b""
        return False, b""

    def _authenticate_plain(self, domain: str, username: str, password: str) -> tuple[bool, bytes]:
        users = self.passwords.get(domain or "*")
        if not self.passwords:
            reason = b"No passwords defined"
        elif users is None:
            reason = b"Invalid domain"
        elif username not in users:
            reason = b"Invalid username"
        elif users[username] != password:
            reason = b"Invalid password"
        else:
            self.log.debug("ALLOWED (PLAIN) domain=%s username=%s", domain, username)
            return True, b""
        self.log.debug("DENIED (PLAIN) %s", reason)
        return False, reason

    async def _authenticate_curve(self, domain: str, client_key: bytes) -> tuple[bool, bytes]:
        if self.allow_any:
            self.log.debug("ALLOWED (CURVE allow any client)")
            return True, b"OK"
        domain = domain or "*"
        key = z85.encode(client_key)
        if self.credentials_providers:
            provider = self.credentials_providers.get(domain)
            if provider is None:
                return False, b"Unknown domain"
            known = provider.callback(domain, key)
            if isinstance(known, Awaitable):
                known = await known
        else:
            keys = self.certs.get(domain)
            if keys is None:
                return False, b"Unknown domain"
            known = keys.get(key)
        status = "ALLOWED" if known else "DENIED"
        self.log.debug("%s (CURVE) domain=%s client_key=%s", status, domain, key)
        return (True, b"OK") if known else (False, b"Unknown key")

    def _authenticate_gssapi(self, domain: str, principal: bytes) -> tuple[bool, bytes]:
        self.log.debug("ALLOWED (GSSAPI) domain=%s principal=%s", domain, principal)
        return True, b"OK"

    def _send_zap_reply(
        self,
        request_id: bytes,
        status_code: bytes,
        status_text: bytes,
        user_id: str = "anonymous",
    ) -> None:
        user = user_id.encode(self.encoding, "replace") if status_code == b"200" else b""
        self.log.debug("ZAP reply code=%s text=%s", status_code, status_text)
        reply = [VERSION, request_id, status_code, status_text, user, b""]
        self.zap_socket.send_multipart(reply)
