"""A time limit for a test that works whatever the test is stuck in.

SIGALRM's handler runs in whichever greenlet is current. In the main greenlet it raises at once; in the hub it throws into the
main greenlet through the loop; a greenlet that never yields gets the exception itself at the second alarm. If not even that
helps (a call that never comes back from C), faulthandler ends the process.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import greenlet
import pytest
from gevent.util import print_run_info
from hypothesis import settings

settings.register_profile("gzmtp", deadline=None)  # nothing asserts how long anything takes
settings.load_profile("gzmtp")

FIRST = 2.0  # seconds between alarms, and before the hard end


def _main() -> greenlet.greenlet:
    found = greenlet.getcurrent()
    while found.parent is not None:
        found = found.parent
    return found


def report() -> None:
    """Print what every greenlet and thread is doing."""
    sys.stderr.write("\n=== time limit reached; what runs now ===\n")
    print_run_info(limit=8, file=sys.stderr)
    sys.stderr.flush()


@contextmanager
def limit(seconds: float, where: str) -> Iterator[None]:
    """Raise pytest's failure in the main greenlet after `seconds`."""
    main = _main()
    alarms = 0

    def alarm(signum: int, frame: Any) -> None:
        nonlocal alarms
        alarms += 1
        failure = pytest.fail.Exception(f"{where}: not done after {seconds:g} s", pytrace=True)
        if alarms == 1:
            report()
        current = greenlet.getcurrent()
        if current is main or (alarms > 1 and current is not gevent.get_hub()):
            raise failure
        gevent.get_hub().loop.run_callback(main.throw, failure)

    before = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds, FIRST)
    faulthandler.dump_traceback_later(seconds + 4 * FIRST, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()
