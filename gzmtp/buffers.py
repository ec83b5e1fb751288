"""Buffers: seeing any object's memory as plain bytes, and lending an object's own.

Owns the two directions of Python's buffer protocol that frames and sockets need. It knows nothing
of messages.

Before Python 3.12 a class written in Python cannot offer a buffer (PEP 688 added ``__buffer__``),
but programs call ``memoryview(frame)`` and ``numpy.frombuffer(frame)``. So :func:`lend_buffer`
fills the slot of the class itself, which all of CPython 3.10 and 3.11 keep at the same place; where
it is not sure of that, it does nothing, and ``frame.buffer`` is still there.
"""

from __future__ import annotations

import io
import sys
from typing import Any

#: CPython 3.12.0 and 3.12.1 do not survive that their garbage collector finds a BytesIO and a view
#: of it (gh-111049), that is a program that keeps `Frame.buffer` in a reference cycle; there, a
#: frame lends a copy.
COLLECTABLE = not (3, 12, 0) <= sys.version_info < (3, 12, 2)


class Lent(io.BytesIO):
    """Bytes that a frame lends, writable and without a copy.

    Never closed: the garbage collector, which may find it in a reference cycle with a view, could
    not, and says so from Python 3.13 on (gh-111331).
    """

    __slots__ = ()

    def __del__(self) -> None:
        """In place of io.IOBase's, which closes."""


def flat(data: Any) -> bytes | memoryview:
    """The memory of *data* as bytes in a row: *data* itself if it is bytes, else a view of it.

    TypeError for what has no buffer; for one with gaps what its owner raises: BufferError, or
    numpy's ValueError.
    """
    if type(data) is bytes:
        return data
    try:
        view = memoryview(data)
    except ValueError:
        return _copied(data)  # numpy cannot say what a datetime64 is, but lends its bytes
    except TypeError:
        kind = type(data).__name__
        raise TypeError(f"a bytes-like object is required, not {kind!r}") from None
    if view.ndim == 1 and view.format == "B" and view.contiguous:
        return view
    if not view.contiguous:
        return _copied(data)
    if not view.nbytes:
        return b""
    if view.c_contiguous:
        return view.cast("B")
    return view.tobytes("A")  # in Fortran's order: memoryview cannot show it flat


def _copied(data: Any) -> bytes:
    """A copy of the memory of *data*, whatever is in it; its owner refuses if it has gaps."""
    stream = io.BytesIO()
    try:
        stream.write(data)
    except ValueError as error:
        try:  # in Fortran's order an array's transpose has none
            stream.write(data.T)
        except (AttributeError, ValueError):
            raise error from None
    return stream.getvalue()


def lend_buffer(kind: type, attribute: str) -> None:
    """Make instances of *kind* offer the buffer of the object in their *attribute*."""
    if sys.version_info >= (3, 12) or sys.implementation.name != "cpython":
        return
    if hasattr(sys, "getobjects"):  # a build whose objects have two more fields
        return
    try:
        import ctypes
    except ImportError:
        return
    word = ctypes.sizeof(ctypes.c_void_p)
    get_buffer = ctypes.pythonapi.PyObject_GetBuffer
    get_buffer.argtypes = [ctypes.py_object, ctypes.c_void_p, ctypes.c_int]
    get_buffer.restype = ctypes.c_int

    def lend(instance: Any, view: int, flags: int) -> int:
        try:
            # The view refers to the inner object, which so outlives the instance if need be.
            return int(get_buffer(getattr(instance, attribute), view, flags))
        except BufferError:
            return -1  # it was asked for as writable

    callback = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p, ctypes.c_int)(
        lend
    )
    # PyTypeObject.tp_as_buffer is its 21st word; it leads to the class's own {get, release}.
    slots = ctypes.c_void_p.from_address(id(kind) + 20 * word).value
    if slots is None:
        return
    ctypes.c_void_p.from_address(slots).value = ctypes.cast(callback, ctypes.c_void_p).value
    _lenders.append(callback)


_lenders: list[Any] = []  # the class calls them for ever
