"""The commands of ``python -m gzmtp``: send, recv, proxy, bench, ping (top is gzmtp.observe's).

One module for each command, and those that they share: arguments, security, messages (text to
parts and back), terminal (input, output, progress), peers (who is there, and why nobody is),
amounts (64KiB, 500ms), endings (errors, signals, exit statuses), inspection and probe (what
listens at an endpoint).
They use gzmtp as any program does, except the probe, which speaks ZMTP itself.  No RFC.
"""
