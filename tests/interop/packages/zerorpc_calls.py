"""zerorpc: calls, many at once, a stream, an error."""

import sys

import gevent
import zerorpc

role, endpoint = sys.argv[1:]


class Service:
    def upper(self, text):
        return text.upper()

    @zerorpc.stream
    def count(self, number):
        return iter(range(number))

    def fails(self):
        raise ValueError("on purpose")


if role == "server":
    server = zerorpc.Server(Service())
    server.bind(endpoint)
    print("ready", flush=True)
    server.run()
else:
    client = zerorpc.Client(endpoint)
    assert list(client.count(300)) == list(range(300))
    calls = [gevent.spawn(client.upper, f"q{number}") for number in range(50)]
    assert [call.get() for call in calls] == [f"Q{number}" for number in range(50)]
    try:
        client.fails()
    except zerorpc.RemoteError as error:
        assert "on purpose" in str(error), error
    else:
        raise AssertionError("nothing was raised")
    client.close()
    print("right")
