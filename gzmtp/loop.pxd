# What the compiler is told of loop.py; nothing but it reads this (gzmtp/sources.py).
from gzmtp.turns cimport Turns

cdef class Loop(Turns):
    cdef public set _watches, _timers
    cdef public double poked
    cdef public Py_ssize_t holders
    cdef public object _hold, _bell, _told, thread
    cdef public bint dead, libuv
    cdef public list heirs

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
