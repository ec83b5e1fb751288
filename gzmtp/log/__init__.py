"""pyzmq's ``zmq.log``: logging over PUB sockets, and a watcher (``python -m zmq.log``)."""
