# What the compiler is told of waiting.py; nothing but it reads this (gzmtp/sources.py).
cimport cython
from gzmtp.loop cimport Loop as CLoop

cdef class Seat:
    cdef public CLoop loop
    cdef public object greenlet
    cdef public bint woken, in_time

    cpdef bint wait(self, seconds, bint idle) except *
    cpdef wake(self, bint now)

cdef class Line:
    cdef public object seats

    @cython.locals(seat=Seat)
    cpdef wake_next(self, bint now=*)
    @cython.locals(seat=Seat)
    cpdef wake_here(self)
    @cython.locals(seat=Seat, in_time=bint, woken=bint)
    cpdef wait_until(self, attempt, CLoop loop, seconds, bint idle, bint look=*)
