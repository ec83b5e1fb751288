"""The inside of one socket: endpoints, options, lingering, the fast path of send and recv."""
