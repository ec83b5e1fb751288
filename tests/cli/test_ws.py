"""The commands over ws://."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.gzmtp_only("its ws is a draft"), pytest.mark.limit(60)]


@pytest.fixture
def server(gzmtp_):
    pytest.importorskip("wsproto")
    return gzmtp_("recv", "rep", "@ws://127.0.0.1:*", "--echo")


def test_send_and_recv(gzmtp_, server):
    where = server.bound()
    assert where.startswith("ws://127.0.0.1:")
    client = gzmtp_("send", "req", where, "x", "-n", "2")
    assert (client.end(), client.output, client.errors) == (0, "x\nx\n", "")


def test_ping(gzmtp_, server):
    where = server.bound()
    ping = gzmtp_("ping", where, "--as", "req", "--json")
    assert ping.end() == 0, ping.output + ping.errors
    told = json.loads(ping.output)
    assert (told["joined_as"], told["socket_type"], told["problem"]) == ("REQ", "REP", None)
    assert told["greeting_seconds"] > 0
    without = gzmtp_("ping", where)
    assert without.end() == 2 and "--as TYPE joins it" in without.errors
