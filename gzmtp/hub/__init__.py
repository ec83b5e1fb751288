"""gevent as gzmtp uses it: loops, who runs next, who waits, exit and fork.

Imports nothing else of gzmtp.
"""
