# What the compiler is told of writer.py; nothing but it reads this (gzmtp/_compiled.py).
cimport cython
from gzmtp.pipe cimport Pipe as CPipe
from gzmtp.hub.loop cimport Loop as CLoop
from gzmtp.hub.watches cimport Watch as CWatch
from gzmtp.metrics cimport Counters as CCounters
from gzmtp.hub.adaptive_spin cimport AdaptiveSpin as CAdaptiveSpin

cdef class WriteEngine:
    cdef public CPipe pipe
    cdef public CCounters counters
    cdef public CLoop loop
    cdef public object encode, _encode_control, _frame_size, _send, _sock, _tuning
    cdef public object _on_writable, _connection, _request_yield, _impl
    cdef public Py_ssize_t _large, _short_run, _take, _run, _tick
    cdef public bint _sync, _batch_large, _batching, _blocked, _closed
    cdef public CWatch watch
    cdef public object _answers, _rest, _batch
    cdef public double _since
    cdef public CAdaptiveSpin _answer, _write_spin_budget

    cpdef _start(self, bint shared=*)
    @cython.locals(
        pipe=CPipe, counters=CCounters, loop=CLoop, size=Py_ssize_t, sent=Py_ssize_t, count=Py_ssize_t,
        batch=list, buffers=list, answer=CAdaptiveSpin)
    cpdef wake(self)
    @cython.locals(loop=CLoop, serving=bint)
    cpdef release(self)
    cpdef nudge(self)
    cpdef _set_mark(self)
    cpdef _set_blocked_mark(self)
    @cython.locals(loop=CLoop, pipe=CPipe, serving=bint)
    cpdef _tick_over(self)
    @cython.locals(
        pipe=CPipe, counters=CCounters, count=Py_ssize_t, take=Py_ssize_t, size=Py_ssize_t,
        spun=Py_ssize_t, sent=Py_ssize_t, batch=list, buffers=list, large=bint)
    cpdef _write(self, bint shared=*)
    cpdef _wait(self)
    @cython.locals(loop=CLoop, watch=CWatch, serving=bint)
    cpdef _writable(self)
    @cython.locals(took=Py_ssize_t)
    cpdef bint _write_spin(self, Py_ssize_t most) except *
    @cython.locals(counters=CCounters, sent=Py_ssize_t, took=Py_ssize_t)
    cpdef Py_ssize_t _go_on(self) except -2
    @cython.locals(pipe=CPipe)
    cpdef _offer_room(self)
