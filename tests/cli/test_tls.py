"""The commands over tls://."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.gzmtp_only("libzmq has no tls"), pytest.mark.limit(60)]


@pytest.fixture
def files(certificates):
    """What the two sides need, as options of a command line."""
    server = ("-o", f"TLS_CERT={certificates.cert}", "-o", f"TLS_KEY={certificates.key}")
    return server, ("-o", f"TLS_CA={certificates.ca}")


def test_send_and_recv(gzmtp_, files):
    server, client = files
    receiver = gzmtp_("recv", "pull", "@tls://127.0.0.1:*", *server, "-n", "2")
    where = receiver.bound()
    assert where.startswith("tls://127.0.0.1:")
    sender = gzmtp_("send", "push", where, "x", "-n", "2", *client)
    assert (sender.end(), sender.errors, receiver.end(), receiver.output) == (0, "", 0, "x\nx\n")


def test_ping(gzmtp_, files):
    server, client = files
    running = gzmtp_("recv", "rep", "@tls://127.0.0.1:*", *server, "--echo")
    where = running.bound()
    ping = gzmtp_("ping", where, *client, "--json", "-n", "2", "-i", "0")
    assert ping.end() == 0, ping.output + ping.errors
    told = json.loads(ping.output)
    assert (told["socket_type"], told["joined_as"], len(told["round_trip_seconds"])) == ("REP", "REQ", 2)
    distrusting = gzmtp_("ping", where)
    assert distrusting.end() == 1 and "certificate was refused" in distrusting.output
    sender = gzmtp_("send", "req", where, "x", "-t", "2s")
    assert sender.end() == 3 and "certificate" in sender.errors
