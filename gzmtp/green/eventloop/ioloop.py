"""tornado's IOLoop by another old name: see `gzmtp.eventloop.ioloop`."""

from __future__ import annotations

from gzmtp.eventloop.ioloop import *
from gzmtp.eventloop.ioloop import IOLoop as IOLoop
