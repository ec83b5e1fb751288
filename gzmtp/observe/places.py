"""Where observed processes listen, and who is there.

Owns the paths: one file `<pid>.sock` in a runtime directory that is the user's alone, or what was
named.  What a dead process left is replaced; what a living one has is not.  Independent of what is
asked or answered there.  No RFC; the files are ipc endpoints (UNIX domain sockets).
"""

from __future__ import annotations

import _socket
import errno
import os
import stat
import sys
import tempfile
from typing import NamedTuple

SCHEME = "ipc://"
#: Values that mean: a name of one's own in the runtime directory.
DEFAULT = ("", "1")
#: Names the runtime directory for those who observe and those who are.
DIRECTORY = "GZMTP_RUNTIME_DIR"

_SUFFIX = ".sock"


class Place(NamedTuple):
    """Where one process can be asked."""

    pid: int
    endpoint: str


def folders() -> list[str]:
    """Return the runtime directories, that of this process first.  The others are looked at too:
    a service and a shell seldom agree about XDG_RUNTIME_DIR."""
    if os.environ.get(DIRECTORY):
        return [os.environ[DIRECTORY]]
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    temporary = os.path.join(tempfile.gettempdir(), f"gzmtp-{os.getuid()}")
    found = [os.path.join(session, "gzmtp")] if session and os.path.isdir(session) else []
    return list(dict.fromkeys((*found, temporary, f"/run/user/{os.getuid()}/gzmtp")))


def path_of(where: str) -> str:
    """Return the path that *where* stands for: an ipc endpoint (a directory gets a file named
    after the process), or one of `DEFAULT`.  ValueError."""
    own = f"{os.getpid()}{_SUFFIX}"
    if where in DEFAULT:
        return os.path.join(_made(folders()[0]), own)
    path = where.removeprefix(SCHEME)
    if path == where or not path:
        raise ValueError(f"{where!r} is no ipc endpoint (nor 1, for a name of its own)")
    return os.path.join(path, own) if path.endswith("/") or os.path.isdir(path) else path


def _made(folder: str) -> str:
    """Make a runtime directory, and be sure that it is this user's alone (one that was named to us
    is taken as it is: the sockets in it are for this user anyway)."""
    os.makedirs(folder, 0o700, exist_ok=True)
    if os.environ.get(DIRECTORY):
        return folder
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(
            errno.EACCES, "it must be a directory of this user's alone (mode 0700)", folder
        )
    return folder


def listen(path: str) -> _socket.socket:
    """Return a socket that listens at *path*, for this user only.  OSError: EADDRINUSE if a living
    process does so already, EEXIST if something else is there."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if not path.startswith("@"):
            if sys.platform.startswith("linux"):
                os.fchmod(sock.fileno(), 0o600)  # the file will have it from its first moment on
            _make_way(path)
        sock.bind(_name(path))
        if not path.startswith("@"):
            os.chmod(path, 0o600)
        sock.listen(16)
    except BaseException:
        sock.close()
        raise
    return sock


def _make_way(path: str) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FileExistsError(errno.EEXIST, "there is something that is no socket", path)
    if answers(path):
        raise OSError(errno.EADDRINUSE, "another process is observed here", path)
    os.unlink(path)


def _name(path: str) -> str | bytes:
    return b"\0" + os.fsencode(path[1:]) if path.startswith("@") else path


def answers(path: str) -> bool:
    """Tell whether a process listens at *path*."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.connect(_name(path))
    except (ConnectionRefusedError, FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass  # the backlog is full, or it is another user's
    finally:
        sock.close()
    return True


def mark(path: str) -> tuple[int, int] | None:
    """Return what tells the file at *path* from one that replaced it."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def processes() -> list[Place]:
    """Return the observed processes that chose their name themselves; files that dead ones have
    left behind are removed."""
    found = []
    for folder in folders():
        try:
            names = os.listdir(folder) if os.lstat(folder).st_uid == os.geteuid() else []
        except OSError:
            continue
        for name in names:
            number = name.removesuffix(_SUFFIX)
            if number == name or not number.isdecimal():
                continue
            path = os.path.join(folder, name)
            if answers(path):
                found.append(Place(int(number), SCHEME + path))
            elif not _alive(int(number)):
                try:
                    os.unlink(path)
                except OSError:
                    pass  # somebody else was faster
    return sorted(set(found))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
