"""Whose turn it is (gzmtp.hub.scheduler): looking out before the hub sleeps, turns of busy senders, greenlets that are woken."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import gevent
import greenlet
import pytest

from gzmtp.hub import scheduler as turns
from gzmtp.hub.adaptive_spin import AdaptiveSpin
from gzmtp.hub.descriptors import READ
from gzmtp.hub.loop import Loop
from gzmtp.hub.scheduler import Scheduler
from gzmtp.hub.watches import Watch

pytestmark = pytest.mark.gzmtp_only("libzmq has no hub")

LONG = 1000.0


class Hub:
    """Counts how often it is switched to; its loop has what `Scheduler` asks of one."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.switched = 0
        self.loop = SimpleNamespace(
            _callbacks=[],
            run_callback=lambda *call: self.loop._callbacks.append(call),
            fileno=lambda: self.descriptor,
        )

    def switch(self):
        self.switched += 1


class Kernel:
    """select.poll: says what it is told to say, then nothing more."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.registered = []
        self.asked = 0

    def __call__(self):
        return self

    def register(self, descriptor, events):
        self.registered.append(descriptor)

    def poll(self, milliseconds):
        assert milliseconds == 0
        self.asked += 1
        return self.answers.pop(0) if self.answers else []


class Told(AdaptiveSpin):
    """Remembers what it was told."""

    __slots__ = ("said",)

    def __init__(self, seconds):
        super().__init__(seconds)
        self.said = []

    def hit(self):
        self.said.append("paid")
        super().hit()

    def late(self):
        self.said.append("late")
        super().late()

    def miss(self):
        self.said.append("wasted")
        super().miss()


@pytest.fixture(autouse=True)
def spare_cores(monkeypatch):
    """Whatever else this machine does."""
    monkeypatch.setattr(turns, "CORES", SimpleNamespace(judged=True, until=0.0))
    monkeypatch.setattr(turns, "spare", lambda: True)


@pytest.fixture
def kernel(monkeypatch):
    def make(*answers):
        kernel = Kernel(*answers)
        monkeypatch.setattr(turns, "_poll", kernel)
        return kernel

    return make


class TestLookingOut:
    def test_it_ends_as_soon_as_a_descriptor_is_ready(self, kernel):
        kernel, hub = kernel([], [], [(7, 1)]), Hub(7)
        turn = Scheduler(hub)
        turn.expected_reply = patience = Told(LONG)
        turn.switch_away()
        assert (kernel.registered, kernel.asked, patience.said) == ([7], 3, ["paid"])
        assert hub.switched == 1  # which finds it

    def test_it_ends_when_its_time_is_over_and_is_done_more_seldom(self, kernel):
        kernel, hub = kernel(), Hub(7)
        turn = Scheduler(hub)
        patience = Told(1e-9)
        for _ in range(4):
            turn.expected_reply = patience
            turn.switch_away()
        assert patience.said == ["wasted", "wasted"]  # the first and, two left out, the fourth
        assert hub.switched == 4

    def test_only_who_has_sent_something_looks_out_and_once(self, kernel):
        kernel, hub = kernel([(7, 1)]), Hub(7)
        turn = Scheduler(hub)
        turn.switch_away()
        assert kernel.asked == 0
        turn.expected_reply = Told(LONG)
        turn.switch_away()
        assert kernel.asked == 1
        turn.switch_away()
        assert (kernel.asked, hub.switched) == (1, 3)

    def test_not_if_the_hub_will_not_sleep(self, kernel):
        kernel, hub = kernel([(7, 1)]), Hub(7)
        hub.loop._callbacks.append("something")
        turn = Scheduler(hub)
        turn.expected_reply = patience = Told(LONG)
        turn.switch_away()
        assert (kernel.asked, patience.said, hub.switched) == (0, [], 1)

    def test_not_where_others_want_the_core(self, kernel, monkeypatch):
        """It is not even asked whether anything is ready: that costs a system call."""
        monkeypatch.setattr(turns, "spare", lambda: False)
        kernel, hub = kernel([], [(7, 1)]), Hub(7)
        turn = Scheduler(hub)
        turn.expected_reply = patience = Told(LONG)
        turn.switch_away()
        assert (kernel.asked, patience.said, hub.switched) == (0, [], 1)

    def test_what_comes_too_late_to_be_worth_it_is_told_as_that(self, kernel):
        kernel, hub = kernel([], [], [(7, 1)]), Hub(7)
        turn = Scheduler(hub)
        turn.expected_reply = patience = Told(LONG)
        patience.worth = 0.0
        turn.switch_away()
        assert patience.said == ["late"]

    def test_not_without_a_descriptor(self, kernel):
        """GEVENT_BACKEND=select or poll."""
        kernel, hub = kernel(), Hub(None)
        turn = Scheduler(hub)
        turn.expected_reply = patience = Told(LONG)
        turn.switch_away()
        assert (kernel.asked, patience.said, hub.switched) == (0, [], 1)

    def test_what_is_there_already_says_nothing(self, kernel):
        """It was not looked out for: on one core the peer may have had its turn while this one was sending."""
        kernel, hub = kernel([(7, 1)]), Hub(7)
        turn = Scheduler(hub)
        turn.expected_reply = patience = Told(LONG)
        turn.switch_away()
        assert (kernel.asked, patience.said, hub.switched) == (1, [], 1)

    def test_not_if_it_is_switched_off(self, kernel):
        kernel, hub = kernel(), Hub(7)
        turn = Scheduler(hub)
        turn.expected_reply = Told(0)
        turn.switch_away()
        assert (kernel.asked, hub.switched) == (0, 1)

    def test_another_descriptor_after_a_fork(self, kernel):
        kernel, hub = kernel([(7, 1)], [(7, 1)], [(8, 1)]), Hub(7)
        turn = Scheduler(hub)
        for descriptor in (7, 7, 8):
            hub.descriptor = descriptor
            turn.expected_reply = Told(LONG)
            turn.switch_away()
        assert kernel.registered == [7, 8]

    def test_the_loop_itself_is_looked_at(self):
        """What anybody watches ends it."""
        loop = Loop.here()
        if loop.hub.loop.fileno() is None:
            pytest.skip("this loop has no descriptor")
        left, right = socket.socketpair()
        came = []
        watch = Watch(loop, left.fileno(), READ, lambda: came.append(left.recv(1)))
        try:
            watch.start()
            gevent.sleep(0.001)  # a timer: by then the watcher is the kernel's, and no callback waits
            right.send(b"x")
            loop._busy_poll(patience := Told(LONG))
            assert (patience.said, came) == ([], [])  # to be served is the hub's
            gevent.sleep(0.001)
            assert came == [b"x"]
        finally:
            watch.close()
            left.close()
            right.close()


class Suspended:
    def __init__(self, greenlet):
        self.greenlet = greenlet


class TestReady:
    def test_the_next_who_is_ready_goes_on_without_the_hub(self):
        hub, ran = Hub(None), []
        turn = Scheduler(hub)
        sleepers = [Suspended(greenlet.greenlet(lambda name=name: ran.append(name))) for name in "ab"]
        for sleeper in sleepers:
            turn.schedule(sleeper)
        turn.switch_away()
        assert (ran, hub.switched) == (["a"], 0)
        turn.switch_away()
        assert (ran, hub.switched) == (["a", "b"], 0)
        turn.switch_away()
        assert hub.switched == 1

    def test_who_has_given_up_is_passed_over(self):
        hub = Hub(None)
        turn = Scheduler(hub)
        turn.schedule(Suspended(None))
        turn.switch_away()
        assert hub.switched == 1

    def test_the_hub_has_its_turn_all_the_same_after_a_while(self):
        hub, ran = Hub(None), []
        turn = Scheduler(hub)
        for number in range(1000):
            turn.schedule(Suspended(greenlet.greenlet(lambda number=number: ran.append(number))))
        while not hub.switched:
            turn.switch_away()
        assert 0 < len(ran) < 1000
        (run_ready,), = hub.loop._callbacks
        run_ready()
        assert ran == list(range(1000))

    def test_the_error_of_one_does_not_keep_the_others(self, capsys):
        """Greenlets of one's own (gevent.spawn_raw) tell the hub when they fail."""
        loop, ran = Loop.here(), []

        def fail():
            raise LookupError("mine")

        for call in (fail, lambda: ran.append(1), fail, lambda: ran.append(2)):
            loop.schedule(Suspended(greenlet.greenlet(call, loop.hub)))
        gevent.sleep(0.001)
        assert ran == [1, 2]
        assert capsys.readouterr().err.count("LookupError: mine") == 2


class TestBusy:
    def test_it_is_known_whose_sender_only_lets_the_hub_have_a_turn(self):
        loop, host, seen = Loop.here(), object(), []

        def others():
            seen.append(list(loop.busy))
            loop.afterwards.append(lambda: seen.append(list(loop.busy)))

        loop.call_soon(others)
        before = loop.tick
        loop.yield_to_hub(host)
        assert (seen, loop.busy, loop.afterwards) == ([[host]], [], [])
        assert loop.tick > before and not loop.tick_overdue()
        gevent.sleep(0)
        assert seen == [[host], []]

    def test_turns_that_overlap(self):
        loop, one, other = Loop.here(), object(), object()
        both = [gevent.spawn(loop.yield_to_hub, each) for each in (one, other)]
        gevent.sleep(0)
        assert loop.busy == [one, other]
        gevent.joinall(both, raise_error=True)
        assert loop.busy == []

    def test_who_is_killed_in_it_is_busy_no_more(self):
        loop, called = Loop.here(), []
        busy = gevent.spawn(loop.yield_to_hub, object())
        gevent.sleep(0)
        loop.afterwards.append(lambda: called.append(1))
        busy.kill()
        gevent.sleep(0)
        assert (loop.busy, loop.afterwards, called) == ([], [], [1])
