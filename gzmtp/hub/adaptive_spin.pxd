# What the compiler is told of adaptive_spin.py; nothing but it reads this (gzmtp/_compiled.py).
cdef class AdaptiveSpin:
    cdef public double seconds, worth
    cdef public Py_ssize_t _most, _skip, _wasted, _late

    cpdef bint allowed(self)
    cpdef hit(self)
    cpdef late(self)
    cpdef miss(self)
