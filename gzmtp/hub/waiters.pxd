# What the compiler is told of waiters.py; nothing but it reads this (gzmtp/_compiled.py).
cimport cython
from gzmtp.hub.loop cimport Loop as CLoop

cdef class Waiter:
    cdef public CLoop loop
    cdef public object greenlet
    cdef public bint woken, in_time

    cpdef bint wait(self, seconds, bint idle) except *
    cpdef wake(self, bint now)

cdef class WaitQueue:
    cdef public object waiters
    cdef public Waiter _free

    @cython.locals(waiter=Waiter, woken=bint)
    cpdef receive(self, impl, CLoop loop)
    @cython.locals(waiter=Waiter)
    cpdef wake_next(self, bint now=*)
    @cython.locals(waiter=Waiter)
    cpdef wake_next_here(self)
    @cython.locals(waiter=Waiter, in_time=bint, woken=bint)
    cpdef wait_until(self, attempt, CLoop loop, seconds, bint idle, bint look=*)
