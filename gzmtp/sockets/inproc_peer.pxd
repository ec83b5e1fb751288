# What the compiler is told of inproc_peer.py; nothing but it reads this (gzmtp/_compiled.py).
cimport cython
from gzmtp.pipe cimport Pipe as CPipe

cdef class InprocPeer:
    cdef public object impl, endpoint
    cdef public CPipe pipe
    cdef public InprocPeer other
    cdef public bint joined, accepted, left, closed, _batching, _told, _at_hwm
    cdef public Py_ssize_t _short_run, _run, _tick

    @cython.locals(other=InprocPeer, to=CPipe, source=CPipe)
    cpdef wake(self)
    @cython.locals(other=InprocPeer)
    cpdef transfer(self)
    @cython.locals(count=Py_ssize_t, messages=list)
    cpdef bint _take(self, CPipe source, Py_ssize_t room) except *
