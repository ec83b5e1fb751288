"""gisolate: an object in a process of its own, which wants that process without gevent's patches."""

import gevent.monkey

gevent.monkey.patch_all()

import gevent  # noqa: E402
from gisolate import ProcessProxy, run_in_subprocess  # noqa: E402


class Isolated:
    def upper(self, text):
        return text.upper()

    def fails(self):
        raise ValueError("on purpose")


if __name__ == "__main__":
    proxy = ProcessProxy.create(Isolated, timeout=30)
    calls = [gevent.spawn(proxy.upper, f"q{number}") for number in range(20)]
    assert [call.get() for call in calls] == [f"Q{number}" for number in range(20)]
    try:
        proxy.fails()
    except ValueError:
        pass
    else:
        raise AssertionError("nothing was raised")
    proxy.shutdown()
    assert run_in_subprocess(sum, args=([1, 2, 3],), timeout=30) == 6
    print("right")
