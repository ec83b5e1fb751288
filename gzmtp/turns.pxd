# What the compiler is told of turns.py; nothing but it reads this (gzmtp/sources.py).
cimport cython
from gzmtp.patience cimport Patience as CPatience

cdef class Turns:
    cdef public object hub, soon, tell
    cdef public Py_ssize_t turn
    cdef public CPatience awaited
    cdef public list busy, afterwards, held
    cdef public set holding
    cdef public double _turned
    cdef public bint _turn_expected, _ready_told
    cdef public object _ready
    cdef public Py_ssize_t _handovers
    cdef public object _descriptor, _backend

    cpdef bint idle_turns(self) except *
    cpdef turned(self)
    cpdef hold_writes(self)
    cpdef release_writes(self)
    cpdef expect_turn(self)
    cpdef switch_away(self)
    @cython.locals(limit=double)
    cpdef _look_out(self, CPatience patience)
