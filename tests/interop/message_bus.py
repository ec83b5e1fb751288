"""A message bus as VOLTTRON's is built, and agents that use it: a program for zmq.green.

    message_bus.py router NULL|CURVE             prints where it listens, and serves until stdin ends
    message_bus.py agent NAME PEER ENDPOINT NULL|CURVE

What it does as VOLTTRON does: socket classes of its own that hand their arguments to __new__ and keep
state with object.__setattr__; a router in a native thread with a Poller, a monitor and frames that are
not copied; agents beside it over inproc and in other processes over tcp; locks around what is sent in
parts; ZAP answered by a greenlet. Keys come from the environment (KEY_NAME_PUBLIC, KEY_NAME_SECRET).
"""

import os
import sys
import threading
import uuid
from contextlib import contextmanager

import gevent
import gevent.event
import gevent.local
import gevent.lock
import zmq.green as zmq
from zmq.utils.monitor import recv_monitor_message

CALLS, PUBLISHED = 30, 10
NAMES = (b"alice", b"bob", b"platform")


def keys(name):
    return tuple(os.environ[f"KEY_{name.decode().upper()}_{half}"].encode() for half in ("PUBLIC", "SECRET"))


class _Socket:
    _context_class = zmq.Context

    def __new__(cls, context=None, socket_type=zmq.DEALER, shadow=None):
        if context is None:
            context = cls._context_class.instance()
        base = super()
        if shadow is None:
            return base.__new__(cls, context, socket_type)
        return base.__new__(cls, context, socket_type, shadow)

    def __init__(self, context=None, socket_type=zmq.DEALER, shadow=None):
        super().__init__(context or self._context_class.instance(), socket_type)
        object.__setattr__(self, "_send_state", -1 if self.type == zmq.ROUTER else 0)
        object.__setattr__(self, "_Socket__local", gevent.local.local())
        self.immediate = True
        self.tcp_keepalive = True
        self.tcp_keepalive_idle = 180

    def send_parts(self, peer, message_id, subsystem, *args):
        """One message, part by part: another greenlet's must not come between."""
        with self._sending() as flags:
            for part in (peer, b"VIP1", b"", message_id, subsystem)[: 5 if args else 4]:
                self.send(part, flags | zmq.SNDMORE)
            if not args:
                self.send(subsystem, flags)
            for index, part in enumerate(args, 1):
                self.send(part, flags | (zmq.SNDMORE if index < len(args) else 0), copy=False)


class Socket(_Socket, zmq.Socket):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        object.__setattr__(self, "_Socket__lock", gevent.lock.RLock())

    @contextmanager
    def _sending(self):
        with self._Socket__lock:
            yield 0


class Router(threading.Thread):
    def __init__(self, mechanism):
        super().__init__(daemon=True)
        self.mechanism = mechanism
        self.ready = threading.Event()

    def run(self):
        self.socket = socket = Socket(zmq.Context.instance(), zmq.ROUTER)
        socket.identity = str(uuid.uuid4()).encode()
        socket.router_mandatory = True
        gevent.spawn(self.watch, socket.get_monitor_socket())
        socket.bind("inproc://vip")
        socket.zap_domain = b"vip"
        if self.mechanism == "CURVE":
            socket.curve_server = True
            socket.curve_secretkey = keys(b"platform")[1]
        socket.bind("tcp://127.0.0.1:*")
        self.endpoint = socket.last_endpoint.decode()
        self.subscribers = []
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        self.ready.set()
        while True:
            for ready, events in dict(poller.poll()).items():
                assert ready is socket and events == zmq.POLLIN
                while True:
                    self.route(socket.recv_multipart(copy=False))
                    if not socket.poll(0, zmq.POLLIN):
                        break

    def watch(self, monitor):
        while recv_monitor_message(monitor)["event"] != zmq.EVENT_MONITOR_STOPPED:
            pass

    def route(self, frames):
        sender, recipient, protocol, _, message_id, subsystem = map(bytes, frames[:6])
        assert protocol == b"VIP1"
        if recipient:
            user = frames[-1].get("User-Id") if self.mechanism == "CURVE" and sender != b"platform" else "-"
            self.send([recipient, sender, protocol, user.encode(), *frames[4:]])
        elif subsystem == b"hello":
            self.send([sender, b"", protocol, b"", message_id, b"welcome"])
        elif subsystem == b"subscribe":
            self.subscribers.append(sender)
            self.send([sender, b"", protocol, b"", message_id, b"done"])
        elif subsystem == b"publish":
            for each in self.subscribers:
                self.send([each, sender, protocol, b"", message_id, b"published", *frames[6:]])

    def send(self, frames):
        try:
            self.socket.send_multipart(frames, flags=zmq.NOBLOCK, copy=False)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                raise


class Agent:
    def __init__(self, name, endpoint, mechanism):
        self.name = name
        self.socket = socket = Socket()
        socket.identity = name
        if mechanism == "CURVE":
            socket.curve_serverkey = keys(b"platform")[0]
            socket.curve_publickey, socket.curve_secretkey = keys(name)
        socket.connect(endpoint)
        self.results = {}
        self.published = []
        self.users = set()
        gevent.spawn(self.loop)

    def loop(self):
        while True:
            sender, protocol, user, message_id, subsystem, *args = self.socket.recv_multipart()
            assert protocol == b"VIP1"
            if subsystem == b"call":
                self.users.add(user)
                gevent.spawn(self.socket.send_parts, sender, message_id, b"result", args[0] * 2)
            elif subsystem == b"published":
                self.published.append(args[0])
            else:
                self.results.pop(message_id).set(args)

    def ask(self, peer, subsystem, *args, seconds=10):
        message_id = uuid.uuid4().bytes
        result = self.results[message_id] = gevent.event.AsyncResult()
        self.socket.send_parts(peer, message_id, subsystem, *args)
        return result.get(timeout=seconds)

    def ask_until_there(self, peer, *args):
        for _ in range(40):  # a message for who is not there yet is lost
            try:
                return self.ask(peer, *args, seconds=0.25)
            except gevent.Timeout:
                pass
        raise AssertionError(f"{peer!r} never answered")

    def work(self, peer):
        self.ask(b"", b"hello")
        self.ask(b"", b"subscribe")
        assert self.ask_until_there(peer, b"call", b"x") == [b"xx"]
        calls = [gevent.spawn(self.ask, peer, b"call", b"%d" % i * 1000) for i in range(CALLS)]
        assert [call.get() for call in calls] == [[b"%d" % i * 2000] for i in range(CALLS)]
        for _ in range(PUBLISHED):
            self.socket.send_parts(b"", b"", b"publish", self.name)
        with gevent.Timeout(10):
            while set(self.published) != {self.name, peer}:
                gevent.sleep(0.01)


def judge(allowed):
    """A ZAP handler (RFC 27): who is called what."""
    handler = zmq.Context.instance().socket(zmq.REP)
    handler.bind("inproc://zeromq.zap.01")
    while True:
        version, request, domain, _, _, mechanism, *credentials = handler.recv_multipart()
        if mechanism == b"NULL":
            user = b"anybody"
        else:
            user = allowed.get(credentials[0], b"")
        status = (b"200", b"OK") if domain == b"vip" and user else (b"400", b"unknown")
        handler.send_multipart([version, request, *status, user, b""])


def main(role, *arguments):
    if role == "router":
        (mechanism,) = arguments
        allowed = {}
        if mechanism == "CURVE":
            allowed = {zmq_z85_decode(keys(name)[0]): name for name in NAMES}
        gevent.spawn(judge, allowed)
        gevent.sleep(0)
        router = Router(mechanism)
        router.start()
        assert router.ready.wait(10)
        platform = Agent(b"platform", "inproc://vip", "NULL")
        platform.ask(b"", b"hello")
        print(router.endpoint, flush=True)
        gevent.get_hub().threadpool.apply(sys.stdin.read)
        print("users", sorted(platform.users), flush=True)
        os._exit(0)  # as VOLTTRON is ended: the router never returns
    name, peer, endpoint, mechanism = arguments
    agent = Agent(name.encode(), endpoint, mechanism)
    agent.work(peer.encode())
    assert agent.ask_until_there(b"platform", b"call", b"p") == [b"pp"]
    print("users", *sorted(agent.users), flush=True)
    gevent.get_hub().threadpool.apply(sys.stdin.read)  # the peer may still want an answer
    agent.socket.close(0)
    zmq.Context.instance().term()
    print("ended", flush=True)


def zmq_z85_decode(key):
    from zmq.utils import z85

    return z85.decode(key)


if __name__ == "__main__":
    main(*sys.argv[1:])
