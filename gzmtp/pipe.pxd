# What the compiler is told of pipe.py; nothing but it reads this (gzmtp/_compiled.py).
cdef class Body:
    cdef public object buffer, done
    cdef public bint borrowed, taken

cdef class Pipe:
    cdef public object queue, wake, control, nudge, inbox, resume
    cdef public object identity, socket_type, given_id, routing_id, metadata, minor
    cdef public object slot, drop, endpoint, hello, _keeper
    cdef public Py_ssize_t mark, sndhwm, rcvhwm
    cdef public bint full, paused, more, active

    cpdef mark_at(self, Py_ssize_t count)
