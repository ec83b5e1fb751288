# What the compiler is told of fairqueue.py; nothing but it reads this (gzmtp/_compiled.py).
cimport cython
from gzmtp.pipe cimport Pipe as CPipe

cdef class FairQueue:
    cdef public object ring, _owner, _own, take
    cdef public CPipe source

    cpdef deliver(self, CPipe pipe, messages)
    cpdef admit(self, CPipe pipe)
    @cython.locals(pipe=CPipe)
    cpdef _bind(self)
    @cython.locals(pipe=CPipe)
    cpdef _next_of_one(self)
    @cython.locals(pipe=CPipe)
    cpdef next(self)
    @cython.locals(pipe=CPipe)
    cpdef bint drained(self) except *
    cpdef _retire(self, CPipe pipe)
    @cython.locals(pipe=CPipe)
    cpdef bint refill(self) except *
    @cython.locals(pipe=CPipe)
    cpdef bint readable(self) except *
