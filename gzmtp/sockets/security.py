"""Which security mechanism a socket's options ask for (zmq_null(7), zmq_plain(7), zmq_curve(7)).

Owns the choice.  Independent of how a handshake goes.
"""

from __future__ import annotations

from gzmtp.constants import SecurityMechanism
from gzmtp.sockets.options import Options
from gzmtp.wire.mechanisms import Mechanism
from gzmtp.wire.mechanisms.null import Null
from gzmtp.wire.mechanisms.plain import PlainClient, PlainServer


def mechanism_for(options: Options) -> Mechanism:
    """One side of the security handshake that *options* ask for."""
    if options.mechanism == SecurityMechanism.PLAIN:
        if options.as_server:
            return PlainServer()
        return PlainClient(options.plain_username, options.plain_password)
    if options.mechanism == SecurityMechanism.CURVE:
        from gzmtp.wire.mechanisms.curve import CurveClient, CurveServer  # needs PyNaCl

        if options.as_server:
            # Without a domain, ENFORCE_DOMAIN means that nobody is asked (libzmq).
            asks = bool(options.zap_domain) or not options.zap_enforce_domain
            return CurveServer(options.curve_secretkey, zap=asks)
        return CurveClient(
            options.curve_publickey, options.curve_secretkey, options.curve_serverkey
        )
    return Null(zap=bool(options.zap_domain))
