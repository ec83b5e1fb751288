# What the compiler is told of decoder.py; nothing but it reads this (gzmtp/_compiled.py).
cimport cython

cdef class Decoder:
    cdef public object want, fault, _body, _view, _unpack
    cdef public list commands, places, _parts, _prefix_parts, _alike_parts
    cdef public bytes _rest, _prefix, _template
    cdef public object _head
    cdef public long long _held, _limit, _size, _room, _earned, _missing, _prefix_size, _alike_size
    cdef public object _max_bytes, _max_parts, _most, _share
    cdef public int _flags, _short
    cdef public bint predictable

    @cython.locals(messages=list, position=Py_ssize_t, rest=bytes, missing=Py_ssize_t)
    cpdef list feed(self, bytes data)
    # Unsigned: a peer may announce 2^64 - 1 bytes, and the sum must not wrap.
    @cython.locals(
        known=Py_ssize_t, short=cython.int, flags=cython.int, parts=list, begin=cython.longlong,
        end=cython.ulonglong, start=cython.ulonglong, stop=cython.ulonglong, size=cython.ulonglong)
    cpdef _decode(self, bytes data, unsigned long long position, list messages)
    @cython.locals(
        alike=bytes, size=Py_ssize_t, count=Py_ssize_t, end=Py_ssize_t, parts=list, found=list,
        head=bytes)
    cpdef Py_ssize_t _like_the_last(self, bytes data, Py_ssize_t position, list messages) except -1
    cpdef _command(self, bytes body, Py_ssize_t place)
    cpdef predict(self)
    cpdef close(self)
    cpdef list predicted(self, Py_ssize_t count)
    @cython.locals(room=cython.longlong, grown=cython.longlong)
    cpdef list filled(self, Py_ssize_t count)
    @cython.locals(parts=list, flags=cython.int)
    cpdef list _received(self, bytes part)
