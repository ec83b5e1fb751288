# What the compiler is told of loop.py; nothing but it reads this (gzmtp/_compiled.py).
from gzmtp.hub.scheduler cimport Scheduler

cdef class Loop(Scheduler):
    cdef public set _watches, _timers
    cdef public double polled_at
    cdef public Py_ssize_t holders
    cdef public object _hold, _async, _pending, thread
    cdef public bint dead, libuv
    cdef public list exit_callbacks

    cpdef bint is_here(self) except *
    cpdef bint in_hub(self) except *

cdef class Watch:
    cdef public Loop loop
    cdef public object fd, events, callback, _watcher
    cdef public bint active
    cdef public double opening

cdef class Timer:
    cdef public Loop loop
    cdef public object seconds, callback, _watcher
    cdef public double deadline
    cdef public bint repeat, _lost, _holds
