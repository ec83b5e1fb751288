# What the compiler is told of fastpath.py; nothing but it reads this (gzmtp/_compiled.py).
from gzmtp.patterns.pattern cimport Pattern as CPattern

cdef class FastPathState:
    cdef public CPattern pattern
    cdef public object send, unsent_parts, unread_parts

cdef class FastPath:
    cdef public FastPathState _impl
