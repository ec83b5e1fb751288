"""Python imports it at its start: makes `zmq` mean gzmtp, in the processes of the suite and those that its tests start.

run.py puts this folder into PYTHONPATH, and the mode into GZMTP_PYZMQ_SUITE.
"""

import os

if os.environ.get("GZMTP_PYZMQ_SUITE") == "monkey":
    import gevent.monkey

    gevent.monkey.patch_all()

import gzmtp.monkey

gzmtp.monkey.patch_zmq()
