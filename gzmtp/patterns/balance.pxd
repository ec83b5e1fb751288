# What the compiler is told of balance.py; nothing but it reads this (gzmtp/_compiled.py).
cimport cython
from gzmtp.pipe cimport Pipe as CPipe

cdef class Balance:
    cdef public object _ring

    @cython.locals(pipe=CPipe)
    cpdef send(self, message)
    cpdef _fill(self, CPipe pipe)
    cpdef on_writable(self, CPipe pipe)
