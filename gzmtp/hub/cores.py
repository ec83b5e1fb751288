"""Whether a core would be idle if this process did not use it.

Owns that judgement, which busy polls ask before they begin.  Must not know what is polled for.

Who polls instead of sleeping takes a core.  Where there is one to spare that costs electricity;
where there is none it takes the core from whoever would bring the answer.  Cores are not to spare
when the process may use only one (its affinity mask, its cgroup's quota), when more threads can
run than there are cores (proc(5), /proc/loadavg), or when the kernel keeps taking the core away
from us (involuntary context switches, getrusage(2)).  What cannot be found out here says nothing.
"""

from __future__ import annotations

import os
import time

try:
    from resource import RUSAGE_SELF, getrusage
except ImportError:  # not a Unix
    getrusage = None  # type: ignore[assignment]

#: Seconds for which a judgement holds while there are cores to spare: to judge takes about 15 us.
_FRESH = 0.010
#: Seconds after which it is looked at again where there are none; each look that finds none doubles
#: them, each that finds some halves them, and only at the least of them there are some again.
_SHORT, _LONG = 0.010, 0.640
#: Involuntary switches a second from which on others want the core.
_PUSHED_ASIDE = 100

_LOAD = "/proc/loadavg"
_GROUPS, _MEMBERSHIP = "/sys/fs/cgroup", "/proc/self/cgroup"


class Cores:
    """The judgement of one process, renewed when it is asked for and too old."""

    def __init__(self) -> None:
        #: What was judged, and until when (monotonic clock) it holds.
        self.judged = False
        self.until = 0.0
        self._pause = _SHORT
        self._quota: float | None = None
        self._switches = 0
        self._switches_at = 0.0

    def spare(self, now: float) -> bool:
        """Tell whether a core is to spare; *now* is the monotonic clock's."""
        if now >= self.until:
            self._judge(now)
        return self.judged

    def _judge(self, now: float) -> None:
        if self._alone() or self._pushed_aside(now) or self._crowded():
            self.judged = False
            self.until = now + self._pause
            self._pause = min(2 * self._pause, _LONG)
        elif self._pause > _SHORT:
            self._pause /= 2
            self.until = now + self._pause
        else:
            self.judged = True
            self.until = now + _FRESH

    def _alone(self) -> bool:
        """Whether there is but one core for this process."""
        if self._quota is None:
            self._quota = quota()
        return self._quota < 2 or usable() < 2

    def _pushed_aside(self, now: float) -> bool:
        """Whether the kernel took the core away often since the last look."""
        if getrusage is None:
            return False
        switches = getrusage(RUSAGE_SELF).ru_nivcsw
        more, since = switches - self._switches, now - self._switches_at
        self._switches, self._switches_at = switches, now
        return more > 2 and more > _PUSHED_ASIDE * since

    def _crowded(self) -> bool:
        """Whether more threads can run at this moment than there are cores, ours included."""
        return runnable() > (os.cpu_count() or 1)


def usable() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1


def runnable() -> int:
    """How many threads run or could run now, in the whole system; 0 where nobody says."""
    try:
        with open(_LOAD, "rb", buffering=0) as file:
            fields = file.read(64).split()
        return int(fields[3].partition(b"/")[0])
    except (OSError, ValueError, IndexError):
        return 0


def quota(groups: str = _GROUPS, membership: str = _MEMBERSHIP) -> float:
    """How many cores' time the process's control groups allow it; infinite where none limits it.

    cgroups(7): cpu.max of version 2, of the group and all above it; version 1's two files.
    """
    allowed = float("inf")
    try:
        lines = _read(membership).splitlines()
    except OSError:
        return allowed
    for line in lines:
        _, controllers, name = line.split(":", 2)
        names = controllers.split(",")
        if controllers and "cpu" not in names:
            continue
        folder = os.path.join(groups, "cpu") if controllers else groups
        allowed = min(allowed, _limit(folder))
        for step in name.split("/"):
            folder = os.path.join(folder, step)
            allowed = min(allowed, _limit(folder))
    return allowed


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _limit(folder: str) -> float:
    try:
        most, period = _read(os.path.join(folder, "cpu.max")).split()
    except (OSError, ValueError):
        try:
            most = _read(os.path.join(folder, "cpu.cfs_quota_us")).strip()
            period = _read(os.path.join(folder, "cpu.cfs_period_us")).strip()
        except OSError:
            return float("inf")
    try:
        allowed = int(most) / int(period)
    except (ValueError, ZeroDivisionError):  # "max"
        return float("inf")
    return allowed if allowed > 0 else float("inf")


#: This process's.
CORES = Cores()


def spare() -> bool:
    """Tell whether a core is to spare in this process."""
    return CORES.spare(time.monotonic())
