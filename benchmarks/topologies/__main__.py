"""``python -m benchmarks.topologies``."""

import sys

from benchmarks.topologies.command import main

sys.exit(main())
