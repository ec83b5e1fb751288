# What the compiler is told of fanout.py; nothing but it reads this (gzmtp/_compiled.py).
cimport cython
from gzmtp.pipe cimport Pipe as CPipe

cdef class Fanout:
    cdef public object choose, targets, _breathe, _catch_up, _own
    cdef public Py_ssize_t _unqueued, _dropped

    @cython.locals(pipe=CPipe, due=list, full=list)
    cpdef send(self, message)
