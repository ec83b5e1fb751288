"""What TLS is done with: an `ssl.SSLContext` made of a socket's options, or the user's own.

Owns the meaning of the TLS_* and WSS_* options, who is trusted, and that a certificate whose files
have changed is read anew when the next handshake begins.  Must not know sockets.  Everything that
can be wrong with the options is a ZMQError of bind() or connect() that names option and cause.
RFC 8446, RFC 6125 (names), RFC 7301 (ALPN).
"""

from __future__ import annotations

import errno
import os
import ssl
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from gzmtp.transports.sockets import failure

if TYPE_CHECKING:
    from gzmtp.sockets.options import Options

#: What is said inside, by ALPN.
ZMTP, HTTP = "zmtp/3.1", "http/1.1"


class Files(NamedTuple):
    """Where certificate, key and those to be trusted stand; "" where there is none."""

    certificate: str
    key: str
    trusted: str

    def state(self) -> tuple[Any, ...]:
        """What differs once a file was written anew."""
        found: list[Any] = []
        for path in self:
            try:
                known = os.stat(path) if path else None
            except OSError:
                known = None
            found.append(known and (known.st_mtime_ns, known.st_size, known.st_ino))
        return tuple(found)


class Security:
    """What one endpoint's handshakes begin with."""

    def __init__(
        self, server: bool, name: str | None, own: dict[bool, ssl.SSLContext],
        make: Callable[[], ssl.SSLContext], files: Files,
    ) -> None:  # fmt: skip
        """*own* are the user's contexts by side, which prevail; else *make* makes one of *files*,
        now and whenever they have changed.  *name* is the server's."""
        self.server = server
        self.name = name
        self._own = own
        self._make = make
        self._files = files
        self._state: tuple[Any, ...] = ()
        self._context: ssl.SSLContext | None = None
        if server not in own:
            self._state = files.state()
            self._context = make()

    def context(self) -> ssl.SSLContext:
        """The context for a handshake that begins now.  OSError if there is none any more."""
        own = self._own.get(self.server)
        if own is not None:
            return own
        state = self._files.state()
        if self._context is None or state != self._state:
            try:
                self._context = self._make()
                self._state = state
            except Exception as error:
                # Half of the files may have been written by now: what was good is good until the
                # next handshake looks again.
                if self._context is None:
                    raise OSError(errno.EPROTO, str(error)) from error
        return self._context


def own_sides(context: Any) -> tuple[bool, ...]:
    """The sides (True: server) that a user's context can be.  TypeError if it is none."""
    if not isinstance(context, ssl.SSLContext) and not hasattr(context, "wrap_bio"):
        raise TypeError(f"expected an ssl.SSLContext, got: {context!r}")
    if context.protocol == ssl.PROTOCOL_TLS_SERVER:
        return (True,)
    if context.protocol == ssl.PROTOCOL_TLS_CLIENT:
        return (False,)
    return (True, False)


class _Maker:
    """Makes contexts of options, and says what is wrong with them."""

    def __init__(self, endpoint: str, alpn: str) -> None:
        self._endpoint = endpoint
        self._alpn = alpn

    def refuse(self, text: str, code: int = errno.EINVAL) -> NoReturn:
        raise failure(code, self._endpoint, text)

    def bare(self, server: bool) -> ssl.SSLContext:
        """A context that trusts nobody and has no certificate.  (`ssl.SSLContext` as it is now:
        where gevent has patched it, the original's setters call the patched one's and do not
        return.)"""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        if server:
            # Nobody resumes: what a ticket would save is paid once a connection's life.
            context.options |= ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
            context.num_tickets = 0
        context.set_alpn_protocols([self._alpn])
        return context

    def present(self, context: ssl.SSLContext, certificate: str, key: str, names: str) -> None:
        """Load our certificate and its key; *names* are the options' that they came by."""
        try:
            context.load_cert_chain(certificate, key or None, password=_no_password)
        except _Encrypted:
            self.refuse(
                f"{names}: the private key is encrypted; load it into an ssl.SSLContext of your "
                "own and set socket.tls"
            )
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                self.refuse(f"{names}: the private key does not fit the certificate")
            self.refuse(f"{names}: certificate and key cannot be loaded: {error}")
        except OSError as error:
            self.refuse(f"{names}: {error.strerror}", error.errno or errno.EINVAL)

    def trust(self, context: ssl.SSLContext, path: str, text: str, name: str) -> None:
        try:
            context.load_verify_locations(path or None, cadata=text or None)
        except (ssl.SSLError, ValueError) as error:
            self.refuse(f"{name} holds no certificates that can be loaded: {error}")
        except OSError as error:
            self.refuse(f"{name}: {error.strerror}: {path!r}", error.errno or errno.EINVAL)

    def check(self, name: str, path: str, what: tuple[str, ...]) -> None:
        """Refuse a file of PEM that cannot be read or does not hold any of *what*."""
        try:
            with open(path, "rb") as file:
                data = file.read()
        except (OSError, ValueError) as error:
            code = getattr(error, "errno", None) or errno.EINVAL
            self.refuse(f"{name}: {getattr(error, 'strerror', None) or error}: {path!r}", code)
        self.check_text(name, data, what, f": {path!r}")

    def check_text(self, name: str, data: bytes, what: tuple[str, ...], where: str = "") -> None:
        if not any(b"-----BEGIN " + each.encode() in data for each in what):
            self.refuse(f"{name} holds no {what[0].lower()} in PEM{where}")


class _Encrypted(Exception):
    pass


def _no_password(*_: Any) -> NoReturn:
    """Nobody is there to be asked (OpenSSL would ask the terminal)."""
    raise _Encrypted


_CERTIFICATE = ("CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE")
_KEY = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
        "DSA PRIVATE KEY")  # fmt: skip


def for_tls(options: Options, binding: bool, host: str, endpoint: str) -> Security:
    """What tls:// is done with.  ZMQError names the option that is wrong."""
    return _of_files(options, binding, host, endpoint, ZMTP)


def _of_files(options: Options, binding: bool, host: str, endpoint: str, alpn: str) -> Security:
    maker = _Maker(endpoint, alpn)
    files = Files(*map(os.fsdecode, (options.tls_cert, options.tls_key, options.tls_ca)))
    own = options.tls_contexts
    name = options.tls_hostname.decode("utf-8", "replace") or host

    def make() -> ssl.SSLContext:
        context = maker.bare(binding)
        if files.certificate:
            maker.check("TLS_CERT", files.certificate, _CERTIFICATE)
            maker.check("TLS_KEY" if files.key else "TLS_CERT (TLS_KEY is not set)",
                        files.key or files.certificate, _KEY)  # fmt: skip
            maker.present(context, files.certificate, files.key, "TLS_CERT, TLS_KEY")
        elif files.key:
            maker.refuse("TLS_KEY is set, and TLS_CERT is not")
        elif binding:
            maker.refuse("a server needs TLS_CERT and TLS_KEY, or socket.tls")
        if files.trusted:
            maker.check("TLS_CA", files.trusted, _CERTIFICATE)
            maker.trust(context, files.trusted, "", "TLS_CA")
        if binding:
            context.verify_mode = ssl.CERT_REQUIRED if files.trusted else ssl.CERT_NONE
        elif options.tls_trust_system:
            context.load_default_certs()
        elif not files.trusted:
            maker.refuse("nobody is trusted: set TLS_CA, or TLS_TRUST_SYSTEM to 1")
        return context

    return Security(binding, None if binding else _name(name, maker, "TLS_HOSTNAME"), own, make,
                    files)  # fmt: skip


def for_wss(options: Options, binding: bool, host: str, endpoint: str) -> Security:
    """What wss:// is done with: libzmq's WSS_* options, which hold PEM itself; where none of them
    is set, the TLS_* ones.  ZMQError names the option that is wrong."""
    certificate, key = options.wss_cert_pem, options.wss_key_pem
    trusted = options.wss_trust_pem
    if not (certificate or key or trusted or options.wss_hostname or options.wss_trust_system):
        return _of_files(options, binding, host, endpoint, HTTP)
    maker = _Maker(endpoint, HTTP)
    name = options.wss_hostname.decode("utf-8", "replace") or host

    def make() -> ssl.SSLContext:
        context = maker.bare(binding)
        if certificate or key:
            for text, option, what in ((certificate, "WSS_CERT_PEM", _CERTIFICATE),
                                       (key, "WSS_KEY_PEM", _KEY)):  # fmt: skip
                if not text:
                    maker.refuse(f"{option} is not set, and its counterpart is")
                maker.check_text(option, text, what)
            with _as_file(certificate + b"\n" + key) as path:
                maker.present(context, path, "", "WSS_CERT_PEM, WSS_KEY_PEM")
        elif binding:
            maker.refuse("a server needs WSS_CERT_PEM and WSS_KEY_PEM, or socket.tls")
        if binding:
            context.verify_mode = ssl.CERT_NONE
        else:
            if trusted:
                maker.check_text("WSS_TRUST_PEM", trusted, _CERTIFICATE)
                text = trusted.decode("ascii", "replace")
                maker.trust(context, "", text, "WSS_TRUST_PEM")
            if options.wss_trust_system:
                context.load_default_certs()
            elif not trusted:
                maker.refuse("nobody is trusted: set WSS_TRUST_PEM, or WSS_TRUST_SYSTEM to 1")
        return context

    return Security(binding, None if binding else _name(name, maker, "WSS_HOSTNAME"),
                    options.tls_contexts, make, Files("", "", ""))  # fmt: skip


def _name(name: str, maker: _Maker, option: str) -> str:
    """The name that a server's certificate must have."""
    name = name.partition("%")[0].rstrip(".")
    try:
        known = name.encode("idna") if not name.isascii() else name.encode()
    except UnicodeError:
        known = b""
    if not known or b"\0" in known or known.startswith(b"."):
        maker.refuse(f"{option}: {name!r} is no host's name")
    return name


class _as_file:
    """PEM text as a file, which is how OpenSSL wants it; in memory where the system has that."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._fd = -1
        self._path = ""

    def __enter__(self) -> str:
        if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
            self._fd = os.memfd_create("gzmtp", os.MFD_CLOEXEC)
            path = f"/proc/self/fd/{self._fd}"
        else:
            self._fd, self._path = tempfile.mkstemp(prefix="gzmtp")  # for this user alone
            path = self._path
        with open(self._fd, "wb", closefd=False) as file:
            file.write(self._text)
        return path

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
        if self._path:
            os.unlink(self._path)
