"""pyzmq's ``zmq.log``: logging over PUB sockets (handlers), and a watcher (``python -m zmq.log``)."""
