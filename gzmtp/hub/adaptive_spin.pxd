# What the compiler is told of adaptive_spin.py; nothing but it reads this (gzmtp/_compiled.py).
cdef class AdaptiveSpin:
    cdef public double seconds
    cdef public Py_ssize_t _most, _skip, _wasted

    cpdef bint allowed(self)
    cpdef hit(self)
    cpdef miss(self)
