"""``python -m benchmarks.experiment``."""

import sys

from benchmarks.experiment.command import main

sys.exit(main())
