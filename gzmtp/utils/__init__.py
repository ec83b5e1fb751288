"""pyzmq's ``zmq.utils``, module by module."""
