"""The security options of the commands: PLAIN and CURVE, as client and as server.

Owns how names, passwords and keys are given on a command line, and the ZAP handler that a server
needs.  Must not know handshakes.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

import gzmtp as zmq
from gzmtp.auth.base import CURVE_ALLOW_ANY
from gzmtp.auth.certs import load_certificate
from gzmtp.auth.thread import ThreadAuthenticator
from gzmtp.cli.endings import USAGE, Failure
from gzmtp.constants import SocketOption

_Z85 = 40
_PASSWORD = "GZMTP_PASSWORD"


def add_arguments(parser: argparse.ArgumentParser, servers: bool = True) -> None:
    """Give *parser* the options; *servers*: those of a server too."""
    group = parser.add_argument_group(
        "security", "KEY is a certificate file (zmq.auth.create_certificates) or 40 characters Z85."
    )
    add = group.add_argument
    add("--server-key", metavar="KEY", help="CURVE: the server's public key; we are a client")
    add("--key", metavar="KEY", help="CURVE: our own key pair (its secret file); "
        "without it a client makes one")  # fmt: skip
    add("--username", metavar="NAME", help="PLAIN: the user")
    add("--password", metavar="TEXT", help=f"PLAIN: the password; better in the environment, as "
        f"{_PASSWORD}, where other users do not see it")  # fmt: skip
    if servers:
        add("--curve-server", action="store_true", help="CURVE: be the server, with --key")
        add("--clients", metavar="FOLDER", help="CURVE: serve only clients whose public keys "
            "(*.key) are in there; without it everybody")  # fmt: skip
        add("--plain-server", action="store_true",
            help="PLAIN: be the server, for --username and the password")  # fmt: skip


class Security:
    """What the options ask for."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Failure (usage) for options that do not go together, or a key that is none."""
        self._options = options
        given = vars(options)
        self.server = bool(given.get("curve_server") or given.get("plain_server"))
        self.clients: str | None = given.get("clients")
        self.mechanism = "NULL"
        plain = options.username is not None or given.get("plain_server")
        curve = options.server_key or given.get("curve_server")
        if plain and curve:
            raise Failure("PLAIN or CURVE, not both", USAGE)
        if plain:
            self._plain()
        elif curve:
            self._curve(bool(given.get("curve_server")))
        elif options.key or self.clients or options.password is not None:
            raise Failure(
                "--key and --clients go with --server-key or --curve-server, "
                "--password with --username", USAGE,
            )  # fmt: skip

    def _plain(self) -> None:
        options = self._options
        if options.username is None:
            raise Failure("--plain-server needs --username", USAGE)
        password = options.password
        if password is None:
            password = os.environ.get(_PASSWORD, "")
        self.mechanism = "PLAIN"
        self.username, self.password = options.username, password

    def _curve(self, server: bool) -> None:
        options = self._options
        if not zmq.has("curve"):
            raise Failure("CURVE needs PyNaCl: pip install 'gzmtp[curve]'")
        self.mechanism = "CURVE"
        self.public = self.secret = self.server_key = b""
        if options.key:
            self.public, self.secret = _key_pair(options.key)
        elif server:
            raise Failure("--curve-server needs --key: its own key pair", USAGE)
        else:
            self.public, self.secret = zmq.curve_keypair()
        if not server:
            self.server_key = _public_key(options.server_key)
        elif options.server_key:
            raise Failure("--server-key is for clients; a server has --key", USAGE)

    def apply(self, set_option: Callable[[int, Any], Any]) -> None:
        """Set the options of a socket, with its set()."""
        if self.mechanism == "PLAIN":
            if self.server:
                set_option(SocketOption.PLAIN_SERVER, 1)
            else:
                set_option(SocketOption.PLAIN_USERNAME, self.username.encode())
                set_option(SocketOption.PLAIN_PASSWORD, self.password.encode())
        elif self.mechanism == "CURVE":
            set_option(SocketOption.CURVE_SECRETKEY, self.secret)
            set_option(SocketOption.CURVE_PUBLICKEY, self.public)
            if self.server:
                set_option(SocketOption.CURVE_SERVER, 1)
            else:
                set_option(SocketOption.CURVE_SERVERKEY, self.server_key)

    def authenticator(self, context: Any) -> ThreadAuthenticator | None:
        """Start the ZAP handler that a server needs; None if it needs none."""
        if not self.server:
            return None
        authenticator = ThreadAuthenticator(context)
        authenticator.start()
        if self.mechanism == "PLAIN":
            authenticator.configure_plain("*", {self.username: self.password})
        else:
            authenticator.configure_curve("*", self.clients or CURVE_ALLOW_ANY)
        return authenticator


def _certificate(text: str, option: str) -> tuple[bytes, bytes | None]:
    try:
        return load_certificate(text)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise Failure(
            f"{option}: {text!r} is neither a certificate file nor 40 characters of Z85 ({error})",
            USAGE,
        ) from None


def _public_key(text: str) -> bytes:
    if len(text) == _Z85 and not os.path.exists(text):
        return text.encode()
    return _certificate(text, "--server-key")[0]


def _key_pair(text: str) -> tuple[bytes, bytes]:
    if len(text) == _Z85 and not os.path.exists(text):
        try:
            return zmq.curve_public(text), text.encode()
        except (ValueError, zmq.ZMQError) as error:
            raise Failure(f"--key: {error}", USAGE) from None
    public, secret = _certificate(text, "--key")
    if secret is None:
        raise Failure(
            f"--key: {text} has no secret key (the file that has it ends in .key_secret)", USAGE
        )
    return public, secret
