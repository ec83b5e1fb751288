# What the compiler is told of loop.py; nothing but it reads this (gzmtp/_compiled.py).
from gzmtp.hub.scheduler cimport Scheduler

cdef class Loop(Scheduler):
    cdef object __weakref__
    cdef public set _watches, _timers
    cdef public double polled_at, earliest, _wait_budget
    cdef public object _descriptors, _forgotten, _coming_back, expecting
    cdef public bint serving
    cdef public Py_ssize_t holders
    cdef public object _hold, _async, _pending, thread
    cdef public bint dead, libuv
    cdef public list exit_callbacks

    cpdef bint is_here(self) except *
    cpdef bint in_hub(self) except *
