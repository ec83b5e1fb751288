# What the compiler is told of patience.py; nothing but it reads this (gzmtp/sources.py).
cdef class Patience:
    cdef public double seconds
    cdef public Py_ssize_t _most, _skip, _wasted

    cpdef bint left(self)
    cpdef paid(self)
    cpdef wasted(self)
