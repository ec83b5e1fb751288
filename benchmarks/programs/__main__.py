"""``python -m benchmarks.programs``."""

import sys

from benchmarks.programs.command import main

sys.exit(main())
