# What the compiler is told of reader.py; nothing but it reads this (gzmtp/_compiled.py).
cimport cython
from gzmtp.pipe cimport Pipe as CPipe
from gzmtp.hub.loop cimport Loop as CLoop
from gzmtp.hub.watches cimport Watch as CWatch
from gzmtp.metrics cimport Counters as CCounters
from gzmtp.hub.adaptive_spin cimport AdaptiveSpin as CAdaptiveSpin

cdef class ReadEngine:
    cdef public CPipe pipe
    cdef public object decoder
    cdef public CCounters counters
    cdef public CLoop loop
    cdef public object _recv, _sock, _tuning
    cdef public object _deliver, _readable, _readable_now, _here, _connection
    cdef public CWatch watch
    cdef public CAdaptiveSpin _further, _at_once, _pulling
    cdef public bint _closed, _may_pull
    cdef public Py_ssize_t _ask, _carried

    @cython.locals(
        loop=CLoop, watch=CWatch, serving=bint, pipe=CPipe, counters=CCounters, budget=Py_ssize_t, extra=Py_ssize_t, charged=Py_ssize_t,
        ask=Py_ssize_t, count=Py_ssize_t, came=bint, ended=bint, looking=bint, pulling=bint,
        messages=list)
    cpdef bint pump(self, bint called_back=*) except *
    cpdef bint _is_more(self) except *
