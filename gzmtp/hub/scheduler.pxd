# What the compiler is told of scheduler.py; nothing but it reads this (gzmtp/_compiled.py).
cimport cython
from gzmtp.hub.adaptive_spin cimport AdaptiveSpin as CAdaptiveSpin

cdef class Scheduler:
    cdef public object hub, call_soon, call_soon_threadsafe
    cdef public Py_ssize_t tick
    cdef public CAdaptiveSpin expected_reply
    cdef public list busy, afterwards, held, _late_writers
    cdef public object forwarder, backlog
    cdef public double _sent
    cdef public set holding
    cdef public double _last_tick
    cdef public bint _tick_expected, _ready_told
    cdef public object _ready
    cdef public Py_ssize_t _handovers
    cdef public object _descriptor, _backend

    cpdef bint tick_overdue(self) except *
    cpdef note_tick(self)
    cpdef hold_writes(self)
    cpdef release_writes(self)
    @cython.locals(now=double, late=list, soon=bint)
    cpdef bint put_off(self, writer) except *
    cpdef write_late(self)
    cpdef expect_tick(self)
    cpdef switch_away(self)
    @cython.locals(began=double, limit=double)
    cpdef _busy_poll(self, CAdaptiveSpin patience)
