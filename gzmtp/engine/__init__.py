"""One life of one peer: a connection, its reader and its writer.

Independent of sockets and patterns.
"""
