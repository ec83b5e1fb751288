"""What goes wrong seldom, more often: the environment asks for it.

GZMTP_TEST_GC=1          has the garbage collector run at every chance (gc.set_threshold's first number).
GZMTP_TEST_SWITCH=1e-6   has native threads take turns so often (seconds; sys.setswitchinterval).
"""

from __future__ import annotations

import gc
import os
import sys

_COLLECT = int(os.environ.get("GZMTP_TEST_GC", "0"))
_SWITCH = float(os.environ.get("GZMTP_TEST_SWITCH", "0"))

#: Whether anything is asked for: tests take longer then.
ASKED = bool(_COLLECT or _SWITCH)


def begin() -> None:
    """Do from now on what is asked for."""
    if _COLLECT:
        gc.set_threshold(_COLLECT)
    if _SWITCH:
        sys.setswitchinterval(_SWITCH)
