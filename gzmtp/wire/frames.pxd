# What the compiler is told of frames.py; nothing but it reads this (gzmtp/_compiled.py).
cimport cython

@cython.locals(buffers=list, small=list, size=Py_ssize_t, last=tuple, more=tuple)
cpdef list encode(messages, Py_ssize_t large)

@cython.locals(bodies=list, size=Py_ssize_t, sizes=set)
cpdef _encode_alike(messages, Py_ssize_t large)

cpdef _join(list pieces)

cpdef header(Py_ssize_t size, bint more=*)
