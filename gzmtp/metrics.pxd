# What the compiler is told of metrics.py; nothing but it reads this (gzmtp/_compiled.py).
cdef class Counters:
    cdef public long long messages_out, bytes_out, large_out, large_bytes_out, large_complete
    cdef public long long large_partial, large_blocked, large_writes, copied_bytes, writes
    cdef public long long batches, waits, high_water_waits, messages_in, bytes_in, reads
    cdef public long long body_bytes_in, pauses, connections, failed_handshakes
    cdef public double wait_seconds

    cpdef count_large(self, Py_ssize_t sent, Py_ssize_t size)
