"""What several of the spec tests use."""

from __future__ import annotations

import pytest
from support.waiting import eventually


@pytest.fixture
def spread(sockets, bind, transport, subscribed):
    """spread("XPUB", ("SUB", b"a"), ...): a bound publisher and its subscribers, once their topics have arrived."""

    def make(publisher, *subscribers, **options):
        source = sockets(publisher, **options)
        place = bind(source, transport)
        sinks = []
        for kind, *topics in subscribers:
            sink = sockets(kind)
            sink.connect(place)
            for topic in topics:
                subscribe(sink, kind, topic)
            sinks.append(sink)
        for (kind, *topics), sink in zip(subscribers, sinks):
            settle(source, publisher, sink, kind)
        while any(sink.poll(10) for sink in sinks):
            for sink in sinks:
                if sink.poll(0):
                    sink.recv()
        return [source, *sinks]

    def subscribe(sink, kind, topic, on=True):
        if kind == "XSUB":
            sink.send((b"\x01" if on else b"\x00") + topic)
        elif on:
            sink.subscribe(topic)
        else:
            sink.unsubscribe(topic)

    def settle(source, publisher, sink, kind):
        mark = b"\xffmark%d" % id(sink)
        subscribe(sink, kind, mark)
        if publisher == "XPUB":
            while source.recv() != b"\x01" + mark:
                pass
        else:
            eventually(lambda: (source.send(mark), sink.poll(2))[1])
            subscribe(sink, kind, mark, on=False)

    return make
