# What the compiler is told of watches.py; nothing but it reads this (gzmtp/_compiled.py).
from gzmtp.hub.loop cimport Loop

cdef class Watch:
    cdef public Loop loop
    cdef public object fd, events, callback, call, _watcher
    cdef public bint active, disabled
    cdef public double expected

cdef class Timer:
    cdef public Loop loop
    cdef public object seconds, callback, _watcher
    cdef public double deadline
    cdef public bint repeat, disabled, _lost, _holds
