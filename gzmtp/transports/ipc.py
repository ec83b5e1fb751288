"""ipc://: UNIX domain sockets, named by a path or (Linux) by an abstract "@name".

Owns their paths and files, and what the kernel tells about the process at the other end. Must not
know messages or ZMTP.
"""

from __future__ import annotations

import _socket
import errno
import os
import struct
import sys
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, NamedTuple

from gzmtp.transports import sockets
from gzmtp.transports.sockets import OutOfDescriptors, accept, connected, failure, finish

if TYPE_CHECKING:
    from gzmtp.sockets.options import Options

__all__ = [
    "OutOfDescriptors",
    "Target",
    "accept",
    "admits",
    "canonical",
    "connected",
    "finish",
    "listen",
    "local_endpoint",
    "open",
    "parse",
    "peer_address",
    "prepare",
    "remote_endpoint",
    "unlisten",
]

SCHEME = "ipc"
PATH_MAX_LEN = 107 if sys.platform.startswith("linux") else 103  # sun_path without its final NUL
_HINTS = {
    errno.ENOENT: "the folder of the path does not exist",
    errno.ENOTDIR: "a part of the path is not a folder",
    errno.EACCES: "this process may not create the socket's file there",
    errno.EADDRINUSE: "the name is taken, by something that a socket must not replace",
}


class Target:
    """An ipc endpoint as one bind() or connect() named it."""

    __slots__ = ("endpoint", "folder", "path", "wildcard")
    instant = True

    def __init__(self, endpoint: str, path: str, wildcard: bool) -> None:
        self.endpoint = endpoint
        self.path = path
        self.wildcard = wildcard
        self.folder = ""  # the one made for a wildcard, to be removed with its listener

    def resolve(self) -> list[bytes]:
        return [_raw(self.path)]

    def __repr__(self) -> str:
        return f"<Target {self.endpoint}>"


class Credentials(NamedTuple):
    """The process at the other end, as the kernel knows it. -1: not told on this platform."""

    pid: int
    uid: int
    gid: int


def parse(address: str, binding: bool, options: Options) -> Target:
    endpoint = f"{SCHEME}://{address}"
    if not hasattr(_socket, "AF_UNIX"):
        why = "this Python has no UNIX domain sockets; use tcp://127.0.0.1"
        raise failure(errno.EPROTONOSUPPORT, endpoint, why)
    if binding and address.startswith("*"):
        return Target(endpoint, address, wildcard=True)
    _check(address, endpoint)
    return Target(endpoint, address, wildcard=False)


def canonical(address: str, binding: bool, options: Options) -> set[tuple[object, ...]]:
    """The path that *address* comes down to."""
    _check(address, f"{SCHEME}://{address}")
    return {(address if address.startswith("@") else os.path.abspath(address),)}


def open(target: Target, sockaddr: bytes, options: Options) -> _socket.socket:
    """A connected socket: connect() of this family never waits. OSError if nobody listens."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # EAGAIN here is no "under way": the listener's backlog is full.
        sock.connect(sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


def listen(target: Target, options: Options) -> tuple[_socket.socket, str]:
    """A listening socket and its endpoint's text. A path in use is taken over."""
    if options.use_fd != -1:
        try:
            sock = sockets.adopt(options.use_fd)
            return sock, local_endpoint(sock)
        except OSError as error:
            why = "USE_FD is not a socket"
            raise failure(error.errno or errno.EBADF, target.endpoint, why) from None
    try:
        if target.wildcard:
            import tempfile  # which brings much with it

            target.folder = tempfile.mkdtemp(prefix="tmp", dir=_temporary_folder())
            target.path = os.path.join(target.folder, "socket")
            _check(target.path, target.endpoint)
        elif not target.path.startswith("@"):
            _make_way(target.path)
        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.bind(_raw(target.path))
            sock.listen(options.backlog)
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        _clean(target)
        code = error.errno or errno.EINVAL
        raise failure(code, target.endpoint, _HINTS.get(code, "")) from None
    except BaseException:
        _clean(target)
        raise
    return sock, f"{SCHEME}://{target.path}"


def unlisten(target: Target, sock: _socket.socket) -> None:
    """A wildcard's file goes with its listener. A named one stays: it may be a successor's."""
    _clean(target)


def admits(sock: _socket.socket, options: Options) -> bool:
    """Whether IPC_FILTER_UID, _GID or _PID lets this peer in: one is enough, and so is none set."""
    uids, gids, pids = options.ipc_filter_uid, options.ipc_filter_gid, options.ipc_filter_pid
    if not (uids or gids or pids):
        return True
    peer = credentials(sock)
    if peer is None:
        return False
    if peer.uid in uids or peer.gid in gids or peer.pid in pids:
        return True
    return bool(gids) and _member(peer.uid, gids)


def prepare(sock: _socket.socket, options: Options) -> None:
    """There is nothing to tune."""


def credentials(sock: _socket.socket) -> Credentials | None:
    try:
        if hasattr(_socket, "SO_PEERCRED"):
            raw = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
            return Credentials(*struct.unpack("iII", raw))
        if hasattr(_socket, "LOCAL_PEERCRED"):  # struct xucred of the BSDs
            raw = sock.getsockopt(0, _socket.LOCAL_PEERCRED, 76)
            _, uid, _, gid = struct.unpack_from("IIh2xI", raw)
            return Credentials(-1, uid, gid)
    except OSError:
        pass
    return None


def peer_address(sock: _socket.socket) -> str:
    """ "localhost:uid:gid:pid" of the peer (metadata "Peer-Address", ZAP's address)."""
    peer = credentials(sock)
    if peer is None:
        return "localhost"
    return f"localhost:{peer.uid}:{peer.gid}:{peer.pid if peer.pid != -1 else ''}"


def local_endpoint(sock: _socket.socket) -> str:
    return _text(sock.getsockname)


def remote_endpoint(sock: _socket.socket) -> str:
    return _text(sock.getpeername)


def _check(path: str, endpoint: str) -> None:
    try:
        length = 0 if path == "@" or "\0" in path else len(_raw(path))
    except UnicodeError:
        length = 0
    if not length:
        raise failure(errno.EINVAL, endpoint, "what stands behind ipc:// is no name of a socket")
    if length > PATH_MAX_LEN:
        why = f"the path has {length} bytes; the limit (IPC_PATH_MAX_LEN) is {PATH_MAX_LEN}"
        raise failure(errno.ENAMETOOLONG, endpoint, why)


def _raw(path: str) -> bytes:
    raw = path.encode("utf-8", "surrogateescape")
    return b"\0" + raw[1:] if raw.startswith(b"@") else raw


def _text(name: object) -> str:
    try:
        address = name()  # type: ignore[operator]
    except OSError:
        return ""
    if isinstance(address, str):
        return f"{SCHEME}://{address}"
    text = bytes(address).decode("utf-8", "surrogateescape")
    return f"{SCHEME}://@{text[1:]}" if text.startswith("\0") else f"{SCHEME}://{text}"


def _make_way(path: str) -> None:
    """Remove what an earlier listener (or mkstemp) left there, but no file that holds something."""
    try:
        found = os.lstat(path)
        if S_ISDIR(found.st_mode) or (S_ISREG(found.st_mode) and found.st_size):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # bind() will tell


def _temporary_folder() -> str:
    for name in ("TMPDIR", "TEMPDIR", "TMP"):
        folder = os.environ.get(name, "")
        if os.path.isdir(folder):
            return os.path.abspath(folder)
    import tempfile

    return tempfile.gettempdir()


def _clean(target: Target) -> None:
    if target.folder:
        try:
            try:
                os.unlink(os.path.join(target.folder, "socket"))
            except FileNotFoundError:
                pass
            os.rmdir(target.folder)
        except OSError:
            pass  # nothing depends on it
        target.folder = ""


def _member(uid: int, gids: object) -> bool:
    """Whether the user is listed in one of the groups, beside the group its process runs with."""
    import grp
    import pwd

    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return False
    for gid in gids:  # type: ignore[attr-defined]
        try:
            if name in grp.getgrgid(gid).gr_mem:
                return True
        except KeyError:
            pass
    return False
