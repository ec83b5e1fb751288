"""ZMTP on the wire: bytes to messages and back, without I/O, clock or knowledge of patterns."""
