"""Context: owns sockets, their common defaults, the inproc names, and the end of them all.

`ContextState` is what lives as long as anything of the context does; `Context` is what users hold
(subclassable, collected when forgotten).  Independent of how sockets work.
zmq_ctx_term(3), zmq_ctx_set(3); what belongs to exit and fork is in `gzmtp.hub.process`.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
import warnings
import weakref
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from gzmtp.constants import ContextOption, Errno, SocketOption
from gzmtp.error import ContextTerminated, ZMQError
from gzmtp.extensions import ExtensionOption
from gzmtp.hub import process
from gzmtp.hub.loop import Loop
from gzmtp.hub.waiters import WaitQueue
from gzmtp.metrics import Counters
from gzmtp.socket import Socket
from gzmtp.sockets.option_attributes import AttributeSetter
from gzmtp.sockets.options import ContextOptions
from gzmtp.transports.inproc import Names
from gzmtp.tuning import Tuning

if TYPE_CHECKING:
    from typing_extensions import Self

    from gzmtp.sockets.impl import SocketImpl

SocketT = TypeVar("SocketT", bound="Socket[Any]", covariant=True)


_numbers = itertools.count(1)
_socket_numbers = itertools.count(1)


class ContextState:
    """What the sockets of one context share."""

    def __init__(self) -> None:
        self.options = ContextOptions()
        self.tuning = Tuning.from_environ()
        self.names = Names()
        self.sockets: set[SocketImpl] = set()
        self.questions: set[Any] = set()  # to the ZAP handler, which are out
        self.number = next(_numbers)
        self.past: dict[str, Counters] = {}  # of sockets that have gone, by type
        self.terminated = False
        self.closed = False
        self.forked = False
        self._leaving = WaitQueue()
        process.register(self)

    @property
    def blocky(self) -> bool:
        """Whether sockets linger for ever by default."""
        return bool(self.options.blocky)

    @property
    def ipv6(self) -> bool:
        """Whether sockets have IPV6 set by default."""
        return bool(self.options.ipv6)

    def create_socket(
        self, socket_type: int, finalizing: Callable[[], bool] = sys.is_finalizing
    ) -> SocketImpl:
        """Create a socket's implementation.  ZMQError: ETERM, EFAULT when that is over, EMFILE at
        MAX_SOCKETS."""
        self.check()
        if self.terminated or finalizing():  # (then nothing that a socket needs is left)
            raise ContextTerminated()
        Loop.here().close_forgotten()  # they count among MAX_SOCKETS
        if len(self.sockets) >= self.options.max_sockets:
            raise ZMQError(errno.EMFILE, "Too many open files: the context has MAX_SOCKETS sockets")
        from gzmtp.sockets.impl import SocketImpl  # most of gzmtp: not before it is needed

        impl = SocketImpl(self, socket_type)
        impl.number = next(_socket_numbers)
        impl.label = f"{impl.name} {impl.number}"
        self.sockets.add(impl)
        if self.terminated:  # by another thread meanwhile, which may not have seen this one
            impl.close()
            raise ContextTerminated()
        return impl

    def counters(self) -> Counters:
        """Return the sums of all sockets, past and present."""
        present = [impl.counters() for impl in tuple(self.sockets)]
        return Counters.total([*self.past.values(), *present])

    def check(self) -> None:
        """ZMQError(EFAULT) if the context was terminated."""
        if self.closed:
            raise ZMQError(Errno.EFAULT, "Bad address: the context was terminated")

    def gone(self, impl: SocketImpl) -> None:
        """The last of *impl* has gone."""
        self.sockets.discard(impl)
        self.past.setdefault(impl.name, Counters()).add(impl.totals)
        if not self.sockets and self._leaving:
            self._leaving.wake_all()

    def terminate(self) -> None:
        """Interrupt everybody with ETERM, then wait until every socket has been closed and what
        it sent has left (or its LINGER is over)."""
        self.terminated = True
        Loop.here().close_forgotten()
        for impl in list(self.sockets):
            impl.call_in_owner(impl.terminate)
        if self.sockets:
            done: Callable[[], bool | None] = lambda: None if self.sockets else True  # noqa: E731
            self._leaving.wait_until(done, Loop.here(), None, True, True)
        self.closed = True
        self.names.clear()

    def close_after_fork(self) -> None:
        """Let go of every socket: this is a forked child."""
        self.terminated = self.closed = self.forked = True
        for impl in self.sockets:
            impl.close_after_fork()
        self.sockets.clear()
        self.questions.clear()
        self.names = Names()


class _NoState(ContextState):
    """The state of a Context whose __init__ has not run: it cannot be used (EFAULT)."""

    def __init__(self) -> None:
        self.terminated = self.closed = True
        self.forked = False


_NO_STATE = _NoState()
_STATES: weakref.WeakValueDictionary[int, ContextState] = weakref.WeakValueDictionary()


class Context(AttributeSetter, Generic[SocketT]):
    """A container of sockets, as pyzmq's zmq.Context.

    *io_threads* is kept and given back: there are no I/O threads.  *shadow* (a Context, or the
    `underlying` of one) makes a second Context of the same state.
    """

    sockopts: dict[int, Any]
    _instance: Any = None
    _instance_lock = Lock()
    _instance_pid: int | None = None
    _shadow = False
    _shadow_obj: Any = None
    _warn_destroy_close = False
    _sockets: Any = None
    _terminated = False
    _state: ContextState = _NO_STATE
    _socket_class: type[SocketT] = cast(Any, Socket)
    _repr_cls = "zmq.Context"

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Subclasses pass their arguments on: pyzmq's is an extension class, which looks at
        none."""
        return super().__new__(cls)

    def __init__(self, io_threads: int | Context[Any] = 1, shadow: Context[Any] | int = 0) -> None:
        if isinstance(io_threads, Context):
            shadow, io_threads = io_threads, 1
        if shadow:
            self._shadow = True
            self._shadow_obj = shadow
            address = shadow.underlying if isinstance(shadow, Context) else int(shadow)
            try:
                self._state = _STATES[address]
            except KeyError:
                raise ZMQError(Errno.EFAULT, f"there is no context at {address:#x}") from None
        else:
            self._state = ContextState()
            _STATES[id(self._state)] = self._state
            self._state.options.set(ContextOption.IO_THREADS, io_threads)
        self.sockopts = {}
        self._sockets = weakref.WeakSet()

    # (Bound here: when modules are taken apart, their globals are None.)
    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        state = self._state
        if self._shadow or state.closed or finalizing() or process.exiting():
            return
        if self._sockets is None:  # an error in __init__
            return
        warnings.warn(f"Unclosed context {self}", ResourceWarning, stacklevel=2, source=self)
        # What the sockets have sent leaves in the background, and exit waits for it: nothing may
        # wait here, nor be closed, for the collector can run in any thread and any greenlet, the
        # hub included, in the midst of anything.
        state.terminated = True
        impls = list(state.sockets)
        for impl in impls:
            impl.forget()
        process.linger(impls)  # but for forked children, which run nothing at exit

    def __repr__(self) -> str:
        cls = self.__class__
        name = cls.__dict__.get("_repr_cls") or f"{cls.__module__}.{cls.__name__}"
        closed = " closed" if self.closed else ""
        count = len(self._sockets or ())
        sockets = f"{count} socket{'s' if count > 1 else ''}" if count else ""
        return f"<{name}({sockets}) at {hex(id(self))}{closed}>"

    def __enter__(self) -> Context[SocketT]:
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        self._warn_destroy_close = True
        self.destroy()

    def __copy__(self, memo: Any = None) -> Context[SocketT]:
        return self.__class__.shadow(self.underlying)

    __deepcopy__ = __copy__

    @classmethod
    def shadow(cls, address: int | Context[Any]) -> Context[SocketT]:
        """Return a second Context of the state at *address* (or of another Context)."""
        return cls(shadow=address)

    @classmethod
    def shadow_pyczmq(cls, ctx: Any) -> Context[SocketT]:
        """Not supported: there is no libzmq context that pyczmq could share."""
        raise ZMQError(Errno.ENOTSUP, "shadow_pyczmq: gzmtp has no libzmq context to share")

    @classmethod
    def instance(cls, io_threads: int = 1) -> Context[SocketT]:
        """Return this class's global context; a new one when the old is closed, or after fork."""
        with cls._instance_lock:
            known = cls._instance
            if known is None or cls._instance_pid != os.getpid() or known.closed:
                cls._instance = known = cls(io_threads=io_threads)
                cls._instance_pid = os.getpid()
            return cast("Context[SocketT]", known)

    @property
    def underlying(self) -> int:
        """The context's address, for `shadow`."""
        return 0 if self._state is _NO_STATE else id(self._state)

    @property
    def closed(self) -> bool:
        """Whether the context was terminated by this object, and nothing is left of it."""
        return self._terminated or self._state.forked

    # -- the end

    def term(self) -> None:
        """Terminate: everything blocked raises ContextTerminated; returns when every socket was
        closed and its messages have left or its LINGER is over (zmq_ctx_term(3))."""
        state = self._state
        if not state.closed:
            state.terminate()
        self._terminated = True

    def destroy(self, linger: int | None = None) -> None:
        """Close all sockets, with *linger* (milliseconds) if given, then `term`."""
        if self.closed:
            return
        for socket in list(self._sockets or ()):
            if not socket.closed:
                if self._warn_destroy_close:
                    warnings.warn(
                        f"Destroying context with unclosed socket {socket}",
                        ResourceWarning, stacklevel=3, source=socket,
                    )  # fmt: skip
                if linger is None:
                    socket.close()
                else:
                    socket.close(linger=linger)  # works when a term() was interrupted too
        self.term()

    # -- sockets

    def socket(
        self,
        socket_type: int,
        socket_class: Callable[[Any, int], SocketT] | None = None,
        **kwargs: Any,
    ) -> SocketT:
        """Create a socket of *socket_type*.  ZMQError: EINVAL, EMFILE; ENOTSUP after term, ETERM
        while another thread terminates, EFAULT if another Context of this state was terminated."""
        if self.closed:
            raise ZMQError(Errno.ENOTSUP)
        make: Any = self._socket_class if socket_class is None else socket_class
        socket = make(self, socket_type, **kwargs)
        for option, value in self.sockopts.items():
            try:
                socket.setsockopt(option, value)
            except ZMQError as error:
                if error.errno == Errno.ENOTSUP:  # no CURVE here: not an open socket instead
                    socket.close()
                    raise
                # not an option of this socket type
        self._add_socket(socket)
        return cast(SocketT, socket)

    def _add_socket(self, socket: Any) -> None:
        self._sockets.add(socket)

    def _rm_socket(self, socket: Any) -> None:
        if self._sockets is not None:
            self._sockets.discard(socket)

    # -- options

    def get(self, option: int) -> int:
        """Return a context option.  ZMQError(EINVAL); RuntimeError when closed."""
        self._check()
        return self._state.options.get(option)

    def set(self, option: int, optval: int) -> None:
        """Set a context option.  ZMQError(EINVAL); RuntimeError when closed."""
        self._check()
        self._state.options.set(option, optval)

    def _check(self) -> None:
        if self.closed:
            raise RuntimeError("Context has been destroyed")
        self._state.check()

    def setsockopt(self, opt: int, value: Any) -> None:
        """Set an option for all sockets created from now on."""
        self.sockopts[opt] = value

    def getsockopt(self, opt: int) -> Any:
        """Return an option set for all sockets created from now on."""
        return self.sockopts[opt]

    def _set_attr_opt(self, name: str, opt: int, value: Any) -> None:
        if name in ContextOption.__members__:
            self.set(opt, value)
        elif name in SocketOption.__members__ or name in ExtensionOption.__members__:
            self.sockopts[opt] = value
        else:
            raise AttributeError(f"No such context or socket option: {name}")

    def _get_attr_opt(self, name: str, opt: int) -> Any:
        if name in ContextOption.__members__:
            return self.get(opt)
        if opt not in self.sockopts:
            raise AttributeError(name)
        return self.sockopts[opt]

    def __delattr__(self, key: str) -> None:
        if key in self.__dict__:
            self.__dict__.pop(key)
            return
        option: Any = getattr(SocketOption, key.upper(), None)
        option = option or getattr(ExtensionOption, key.upper(), None)
        if option is None:
            raise AttributeError(f"No such socket option: {key.upper()!r}")
        if option not in self.sockopts:
            raise AttributeError(key)
        del self.sockopts[option]

    def __dir__(self) -> list[str]:
        return [*dir(self.__class__), *ContextOption.__members__]

    # -- gzmtp's own

    @property
    def tuning(self) -> Tuning:
        """The write and read engines' settings for sockets created from now on."""
        return self._state.tuning

    @tuning.setter
    def tuning(self, value: Tuning) -> None:
        self._state.tuning = value

    def metrics(self) -> dict[str, float]:
        """Return a snapshot of the counters of all sockets, past and present."""
        return self._state.counters().snapshot()
