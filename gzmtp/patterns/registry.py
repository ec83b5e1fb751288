"""Who gets which message: one row per socket type.

The patterns are pure: they neither know gevent nor sockets nor bytes on the wire.
"""

from __future__ import annotations

from typing import NamedTuple

from gzmtp.constants import SocketType
from gzmtp.patterns.channel import Channel
from gzmtp.patterns.client_server import Client, Peer, Server
from gzmtp.patterns.dgram import Dgram
from gzmtp.patterns.pair import Pair
from gzmtp.patterns.pattern import Pattern
from gzmtp.patterns.pipeline import Pull, Push
from gzmtp.patterns.publish import Pub, Xpub
from gzmtp.patterns.radio_dish import Dish, Radio
from gzmtp.patterns.reqrep import Dealer, Rep, Req
from gzmtp.patterns.router import Router
from gzmtp.patterns.scatter_gather import Gather, Scatter
from gzmtp.patterns.stream import Stream
from gzmtp.patterns.subscribe import Sub, Xsub


class Row(NamedTuple):
    """A socket type: its name on the wire, its pattern, and whom it may talk to."""

    name: str
    pattern: type[Pattern]
    peers: frozenset[str]
    sends: bool = True
    receives: bool = True
    one_part: bool = False  # one part a message, thread-safe (the draft types)
    identity: bool = False  # announces Identity in READY


def _row(name: str, pattern: type[Pattern], peers: str, **traits: bool) -> Row:
    return Row(name, pattern, frozenset(peers.split()), **traits)


REGISTRY: dict[int, Row] = {
    SocketType.PAIR: _row("PAIR", Pair, "PAIR"),
    SocketType.PUB: _row("PUB", Pub, "SUB XSUB", receives=False),
    SocketType.SUB: _row("SUB", Sub, "PUB XPUB", sends=False),
    SocketType.XPUB: _row("XPUB", Xpub, "SUB XSUB"),
    SocketType.XSUB: _row("XSUB", Xsub, "PUB XPUB"),
    SocketType.REQ: _row("REQ", Req, "REP ROUTER", identity=True),
    SocketType.REP: _row("REP", Rep, "REQ DEALER"),
    SocketType.DEALER: _row("DEALER", Dealer, "REP DEALER ROUTER", identity=True),
    SocketType.ROUTER: _row("ROUTER", Router, "REQ DEALER ROUTER", identity=True),
    SocketType.PUSH: _row("PUSH", Push, "PULL", receives=False),
    SocketType.PULL: _row("PULL", Pull, "PUSH", sends=False),
    SocketType.STREAM: _row("STREAM", Stream, ""),
    # libzmq's drafts
    SocketType.CLIENT: _row("CLIENT", Client, "SERVER", one_part=True),
    SocketType.SERVER: _row("SERVER", Server, "CLIENT", one_part=True),
    SocketType.RADIO: _row("RADIO", Radio, "DISH", one_part=True, receives=False),
    SocketType.DISH: _row("DISH", Dish, "RADIO", one_part=True, sends=False),
    SocketType.SCATTER: _row("SCATTER", Scatter, "GATHER", one_part=True, receives=False),
    SocketType.GATHER: _row("GATHER", Gather, "SCATTER", one_part=True, sends=False),
    SocketType.DGRAM: _row("DGRAM", Dgram, "DGRAM"),
    SocketType.PEER: _row("PEER", Peer, "PEER", one_part=True),
    SocketType.CHANNEL: _row("CHANNEL", Channel, "CHANNEL", one_part=True),
}
