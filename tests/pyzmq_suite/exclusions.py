"""What of pyzmq's suite is not run on gzmtp, and why: one row each.

A row is a file ("test_x.py"), a test or a pattern of tests ("test_x.py::TestY::*"), in which mode, and the reason.
run.py fails on a row that names no test; its --excluded shows what becomes of these.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

NATIVE, MONKEY = MODES = ("native", "monkey")

_LIBZMQ = "tests the backend that calls libzmq; there is no libzmq here"
_REFERENCES = "counts references by way of pyzmq's thread that frees messages (zmq.utils.garbage); there is none"

EXCLUDED: list[tuple[str, tuple[str, ...], str]] = [
    ("test_cffi_backend.py", MODES, _LIBZMQ),
    ("test_cython.py", MODES, _LIBZMQ),
    ("test_includes.py", MODES, "the folders of C headers: there are none"),
    ("test_mypy.py", MODES, "runs mypy over pyzmq's examples, by the types of the pyzmq that is installed"),
    ("test_win32_shim.py", MODES, "Windows"),
    ("test_message.py::TestFrame::test_above_30", MODES, _REFERENCES),
    ("test_message.py::TestFrame::test_lifecycle1", MODES, _REFERENCES),
    ("test_message.py::TestFrame::test_lifecycle2", MODES, _REFERENCES),
    ("test_message.py::TestFrame::test_bytes", MODES,
     "expects Frame(b'..').bytes to be a copy; gzmtp gives the very bytes, which cannot change"),
    ("test_monqueue.py::TestMonitoredQueue::test_router_router", (NATIVE,),
     "a connection that was lost must come back while the thread is in time.sleep(), which stops its hub unless it is "
     "patched; a ROUTER then drops what is for the peer that is not back"),
    ("test_socket.py::TestSocketGreen::test_warn_*_timeo", MODES,
     "expects zmq.green's warning that RCVTIMEO and SNDTIMEO do not work; here they do"),
]  # fmt: skip


def whole_file(file: str, mode: str) -> str:
    """Why the whole file is excluded, or nothing."""
    return next((why for row, modes, why in EXCLUDED if row == file and mode in modes), "")


def rows_for(file: str, mode: str) -> list[str]:
    """The rows that name tests of this file."""
    return [row for row, modes, _ in EXCLUDED if row.startswith(f"{file}::") and mode in modes]


def reason_for(test: str, mode: str, only: str = "") -> str:
    """Why a test ("test_x.py::name") is excluded, or nothing; looks at the row `only` if it is given."""
    for row, modes, why in EXCLUDED:
        pattern = row.replace("[", "[[]")  # a parameter's brackets are meant as they stand
        if mode in modes and only in ("", row) and (fnmatchcase(test, pattern) or test.startswith(f"{row}::")):
            return why
    return ""
