"""The memory that large messages come and go in.

Owns one request to the C library's allocator, for the whole process.  Independent of who makes it.
No RFC; the source is mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD.

glibc gives memory back to the system whenever more than 128 KiB at the end of its heap are free,
which is two messages of 64 KiB, and every 4 KiB of the next messages are a page fault again: from
send to recv in a program that holds 32 of them at a time, each took 49 us, with the memory kept 20.
Both thresholds follow the largest block that was freed: to free one such block, of which no page
was touched, is all that is to be done.
"""

from __future__ import annotations

#: glibc learns from no block larger than this (DEFAULT_MMAP_THRESHOLD_MAX, less its own header).
_MOST = (32 << 20) - 65536

_kept = 0


def keep(size: int) -> None:
    """Have up to *size* bytes of free memory stay with the process, at most 64 MiB, where the C
    library is glibc and no ``MALLOC_`` variable says otherwise; more than before, never less."""
    global _kept
    if size > _kept:
        _kept = size
        bytes(min(size // 2, _MOST))  # freed at once; what is kept is twice the block
