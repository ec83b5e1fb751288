"""How a command ends: what is said on standard error, and the exit status.

Owns the statuses that docs/command-line.md lists, and the way from an exception to one of them.
Independent of the commands.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import gevent
from greenlet import getcurrent

from gzmtp.error import ZMQError

DONE = 0
FAILED = 1
USAGE = 2  # argparse's own
TIMED_OUT = 3
NOT_ZMTP = 4
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM

STATUSES = """\
exit status:
  0    done; Ctrl-C or a closed pipe ended what would have gone on until then
  1    failed: an address in use, a peer that refused, ...
  2    the command line is wrong
  3    nothing happened within --timeout
  4    (ping) something answers there, and it does not speak ZMTP
  130  Ctrl-C before it was done
  143  SIGTERM
"""


class Failure(Exception):
    """What the user is to be told instead of a traceback, and the exit status."""

    def __init__(self, text: str, status: int = FAILED) -> None:
        super().__init__(text)
        self.status = status


class TimedOut(Failure):
    """Nothing happened within --timeout."""

    def __init__(self, text: str) -> None:
        super().__init__(text, TIMED_OUT)


def say(program: str, text: str) -> None:
    """Tell the user something that is none of the command's output."""
    try:
        print(f"{program}: {text}", file=sys.stderr, flush=True)
    except OSError:
        pass  # nobody is there to be told


def _terminated(number: int, frame: Any) -> NoReturn:
    raise SystemExit(TERMINATED)


def _interrupts(main: Any) -> Callable[[int, Any], None]:
    """A handler of SIGINT that raises KeyboardInterrupt in the greenlet *main*.

    Python raises it in whichever runs, and gevent prints a traceback of one that it ends.
    """

    def interrupted(number: int, frame: Any) -> None:
        if getcurrent() is main:
            raise KeyboardInterrupt
        gevent.get_hub().loop.run_callback(main.throw, KeyboardInterrupt)

    return interrupted


def run(program: str, work: Callable[[], int]) -> int:
    """Do *work*; return its exit status, or the one of its failure, which is told.

    SIGTERM ends it as an exception does, so that sockets are closed and files of ipc endpoints
    removed.
    """
    before = signal.signal(signal.SIGTERM, _terminated)
    before_interrupt = signal.signal(signal.SIGINT, _interrupts(getcurrent()))
    try:
        return work()
    except Failure as error:
        say(program, str(error))
        return error.status
    except ZMQError as error:
        say(program, str(error))
        return FAILED
    except BrokenPipeError:  # whoever reads has seen enough (head, less)
        _forget_output()
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, before_interrupt)
        signal.signal(signal.SIGTERM, before)


def _forget_output() -> None:
    """Have the flush at the interpreter's end go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
