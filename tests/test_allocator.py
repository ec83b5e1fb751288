"""What the C library's allocator keeps for large messages (gzmtp.engine.malloc)."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.gzmtp_only("it is about the process's memory, as gzmtp has it kept")

GLIBC = platform.libc_ver()[0] == "glibc"
HELD, ROUNDS = 32, 20

# A receiver holds some messages at a time, as many programs do. Page faults of the rounds after the first few, each
# message.
RECEIVER = f"""
import resource
import gzmtp as zmq
context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
push.connect(f"tcp://127.0.0.1:{{pull.bind_to_random_port('tcp://127.0.0.1')}}")
body = bytes(65536)
for at in range({ROUNDS} + 5):
    if at == 5:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = []
    for _ in range({HELD}):
        push.send(body)
        held.append(pull.recv())
    assert all(map(body.__eq__, held))
    del held
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / {HELD * ROUNDS})
context.destroy(linger=0)
"""

# The same memory without sockets.
BLOCKS = f"""
import resource, sys
from gzmtp.engine.malloc import keep
for size in sys.argv[1:]:
    keep(int(size))
for at in range({ROUNDS} + 5):
    if at == 5:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [b"x" * 65536 for _ in range({HELD})]
    del held
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / {HELD * ROUNDS})
"""


def faults(program: str, *arguments: str, **environ: str) -> float:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GZMTP_KEEP", "MALLOC_"))}
    command = [sys.executable, "-c", program, *arguments]
    run = subprocess.run(command, env={**inherited, **environ}, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return float(run.stdout)


@pytest.mark.skipif(not GLIBC, reason="another C library keeps what it likes")
class TestPageFaults:
    """A message of 64 KiB has 16 pages."""

    def test_a_receiver_that_holds_messages_meets_few(self) -> None:
        assert faults(RECEIVER, GZMTP_KEEP_MEMORY=str(8 << 20)) < 1

    def test_memory_is_left_to_the_c_library_unless_a_program_asks(self) -> None:
        assert faults(RECEIVER) > 4

    @pytest.mark.parametrize(
        "sizes, few",
        [
            ([], False),
            (["8388608"], True),
            (["1"], False),
            (["8388608", "1"], True),  # never less than before
            (["1", "8388608"], True),
            ([str(1 << 40)], True),  # more than glibc learns
        ],
    )
    def test_what_is_kept(self, sizes: list[str], few: bool) -> None:
        found = faults(BLOCKS, *sizes)
        assert found < 1 if few else found > 1


def test_nothing_is_allocated_to_keep_it() -> None:
    program = """
import resource
from gzmtp.engine.malloc import keep
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
keep(1 << 40)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    assert faults(program) < 4096  # KiB, of 32 MiB
