"""How many examples hypothesis tries where each is a whole world of sockets.

They are the same in each run.  GZMTP_TEST_EXAMPLES=500 tries as many others, and shortens one that fails: that takes
minutes where each try waits for what does not come.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

_ASKED = int(os.environ.get("GZMTP_TEST_EXAMPLES", "0"))


def few_examples(usual: int, steps: int = 40) -> settings:
    """Settings for a state machine: *usual* examples, unless the environment asks for more."""
    return settings(
        max_examples=_ASKED or usual,
        stateful_step_count=steps,
        derandomize=not _ASKED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=list(Phase) if _ASKED else [Phase.generate],
    )
