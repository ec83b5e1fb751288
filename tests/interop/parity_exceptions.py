"""Where gzmtp's public names differ from pyzmq's, and why: one line each.  test_parity.py fails on any other difference,
and on a line that names none.

A name is pyzmq's, with its module: ``zmq.green.Socket.get``.  OFF are modules that gzmtp does not offer at all.
"""

from __future__ import annotations

_GREEN = "zmq.green wraps the method; here it is Socket's own, with its signature"
_ASYNC = "pyzmq wraps the method; here it is Socket's own, with its signature"
_DRAFT = "pyzmq's wheels have no draft API; gzmtp has it"
_PROPERTIES = "options are properties of the class, which are found faster"
_GC = "frees libzmq's zero-copy messages in a thread of its own; here the last reference does"

OFF = {
    "zmq.eventloop._deprecated": "pyzmq 27.3's own imports a module that its package does not hold",
    "zmq.backend.cython": "the extension module that calls libzmq",
    "zmq.backend.cffi": "the extension module that calls libzmq",
    "zmq.backend.select": "chooses among the extension modules that call libzmq",
    "zmq.tests": "deprecated: what pyzmq's own tests use",
    "zmq._typing": "private: what pyzmq's annotations need on old versions of Python",
}

DIFFERENT = {
    "zmq.__version__": "gzmtp's pyzmq level, which need not be the one of the pyzmq that is installed",
    **dict.fromkeys(("zmq.DRAFT_API", "zmq.PYZMQ_DRAFT_API", "zmq.backend.PYZMQ_DRAFT_API"), _DRAFT),
    **dict.fromkeys(("zmq.green.DRAFT_API", "zmq.green.PYZMQ_DRAFT_API"), _DRAFT),
    **dict.fromkeys(("zmq.Socket.__getattr__", "zmq.Socket.__dir__"), _PROPERTIES),
    **dict.fromkeys(("zmq.green.Socket.__getattr__", "zmq.green.Socket.__dir__"), _PROPERTIES),
    **{
        f"{module}.Socket.{name}": _PROPERTIES
        for module in ("zmq.asyncio", "zmq.eventloop.future")
        for name in ("__getattr__", "__dir__")
    },
    **dict.fromkeys(("zmq.asyncio.Socket.get", "zmq.eventloop.future.Socket.get"), _ASYNC),
    "zmq.Frame.__setattr__": "__slots__ refuse unknown attributes too",
    "zmq.auth.thread.AuthenticationThread.poller": "the thread's own; here only while it runs",
    "zmq.green.Poller.poll": "timeout=None is the same as its -1",
    "zmq.green.Socket.get": _GREEN,
    "zmq.green.Socket.set": _GREEN,
    "zmq.green.core.TIMEOS": "the options that zmq.green warns of; they work here",
    "zmq.utils.garbage.GarbageCollector.__del__": _GC,
    "zmq.utils.garbage.GarbageCollector.context": _GC,
    "zmq.utils.garbage.GarbageCollector.store": _GC,
    "zmq.utils.garbage.GarbageCollector.url": _GC,
    "zmq.utils.garbage.GarbageCollectorThread": _GC,
}

_SLOTS = "raises AttributeError, as for every attribute that a frame does not have"

#: Calls of the option tests that end otherwise, by the beginning of what the tests say of them.
CALLS = {
    "setattr('type', ": "an annotation in pyzmq's Socket lets an instance hide its own type; gzmtp refuses it",
    "get(THREAD_SCHED_POLICY)": "its default is -1, which pyzmq takes for an error",
    "getattr('thread_sched_policy')": "its default is -1, which pyzmq takes for an error",
    "get('group')": _DRAFT,
    "get('routing_id')": _DRAFT,
    "__getitem__('group')": _DRAFT,
    "__getitem__('routing_id')": _DRAFT,
    "set('group', 'a')": _DRAFT,
    "set('group', b'b')": _DRAFT,
    "set('routing_id', 1)": _DRAFT,
    "getattr('group')": _DRAFT,
    "getattr('routing_id')": _DRAFT,
    "setattr('group', ": _DRAFT,
    "setattr('routing_id', ": _DRAFT,
    "setattr('shared', ": _SLOTS,
    "setattr('linger', ": _SLOTS,
}

# What pyzmq's wheels refuse because libzmq was built without it, and gzmtp takes: options by name.
DRAFT_OPTIONS = {
    "BUSY_POLL", "DISCONNECT_MSG", "HELLO_MSG", "HICCUP_MSG", "IN_BATCH_SIZE", "OUT_BATCH_SIZE",
    "PRIORITY", "ROUTER_NOTIFY", "WSS_CERT_PEM", "WSS_HOSTNAME", "WSS_KEY_PEM", "WSS_TRUST_PEM",
    "WSS_TRUST_SYSTEM", "XSUB_VERBOSE_UNSUBSCRIBE",
}  # fmt: skip
