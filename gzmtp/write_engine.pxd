# What the compiler is told of write_engine.py; nothing but it reads this (gzmtp/sources.py).
cimport cython
from gzmtp.pipe cimport Pipe as CPipe
from gzmtp.loop cimport Loop as CLoop, Watch as CWatch
from gzmtp.metrics cimport Counters as CCounters
from gzmtp.patience cimport Patience as CPatience

cdef class WriteEngine:
    cdef public CPipe pipe
    cdef public CCounters counters
    cdef public CLoop loop
    cdef public object encode, _encode_control, _frame_size, _send, _sock, _tuning
    cdef public object _room, _connection, _rested, _here, _host
    cdef public Py_ssize_t _large, _short_run, _take, _run, _turn
    cdef public bint _sync, _batch_large, _batching, _blocked, _closed
    cdef public CWatch _watch
    cdef public object _answers, _rest, _batch
    cdef public double _since
    cdef public CPatience _answer, _pushing

    cpdef _start(self)
    cpdef wake(self)
    cpdef release(self)
    cpdef nudge(self)
    cpdef _set_mark(self)
    cpdef _set_blocked_mark(self)
    cpdef _turn_over(self)
    @cython.locals(
        pipe=CPipe, counters=CCounters, count=Py_ssize_t, take=Py_ssize_t, size=Py_ssize_t,
        sent=Py_ssize_t, batch=list, buffers=list, gathered=bint)
    cpdef _write(self)
    cpdef _wait(self)
    cpdef _writable(self)
    cpdef bint _push(self) except *
    @cython.locals(counters=CCounters, sent=Py_ssize_t, took=Py_ssize_t)
    cpdef Py_ssize_t _go_on(self) except -2
    @cython.locals(pipe=CPipe)
    cpdef _offer_room(self)
