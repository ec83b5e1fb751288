# What the compiler is told of door.py; nothing but it reads this (gzmtp/sources.py).
from gzmtp.patterns.pattern cimport Pattern as CPattern

cdef class Doorway:
    cdef public CPattern pattern
    cdef public object send, gathered, doled

cdef class Door:
    cdef public Doorway _host
