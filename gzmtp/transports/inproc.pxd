# What the compiler is told of inproc.py; nothing but it reads this (gzmtp/sources.py).
cimport cython
from gzmtp.pipe cimport Pipe as CPipe

cdef class Joint:
    cdef public object host, endpoint
    cdef public CPipe pipe
    cdef public Joint other
    cdef public bint joined, accepted, left, closed, _batching, _told, _brimful
    cdef public Py_ssize_t tuning, _run, _turn

    @cython.locals(other=Joint, to=CPipe, source=CPipe)
    cpdef wake(self)
    @cython.locals(other=Joint)
    cpdef hand_over(self)
    @cython.locals(count=Py_ssize_t, messages=list)
    cpdef bint _take(self, CPipe source, Py_ssize_t room) except *
