# What the compiler is told of pattern.py; nothing but it reads this (gzmtp/_compiled.py).
from gzmtp.pipe cimport Pipe as CPipe

cdef class Pattern:
    cdef public object send, take, backlog

cpdef post(CPipe pipe, message)
