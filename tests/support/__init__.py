"""What the tests share: time limits, leak checks, waiting with a bound, and peers to talk to.

Nothing here imports gzmtp: the implementation under test always comes from the `zmq` fixture.
"""
