"""commlink: an object whose methods and attributes are used from elsewhere."""

import sys
import time

role, endpoint = sys.argv[1:]
port = int(endpoint.rpartition(":")[2])


class Device:
    name = "one"

    def upper(self, text):
        return text.upper()

    def fails(self):
        raise ValueError("on purpose")


if role == "server":
    from commlink import RPCServer

    RPCServer(Device(), port=port).start()
    print("ready", flush=True)
    time.sleep(60)
else:
    from commlink import RPCClient

    device = RPCClient("localhost", port=port)
    assert device.name == "one"
    device.name = "two"
    assert device.name == "two"
    assert device.upper("a" * 1_000_000) == "A" * 1_000_000
    try:
        device.fails()
    except Exception as error:
        assert "on purpose" in str(error), error
    else:
        raise AssertionError("nothing was raised")
    device.stop_server()
    print("right")
